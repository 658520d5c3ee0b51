"""What queues, round robins and rules have in common when they are edited: names, minutes, versions."""

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.errors import Invalid, Stale
from app.kernel.fold import fold
from app.kernel.text import clean_text
from app.routing.models import Queue, RoundRobin

LONGEST_NAME = 120
MOST_MINUTES = 60 * 24 * 60  # sixty days

MOST_HOURS = 24 * 365


def clean_name(
    session: Session, model: type[Queue] | type[RoundRobin], name: object, *, but: int | None = None
) -> str:
    """A name that no other queue (or round robin) has.  but: the one that may keep it.  Raises Invalid."""
    text = clean_text(name, max_length=LONGEST_NAME, field="name")
    if text is None:
        raise Invalid({"name": [_l("Give it a name.")]})
    taken = session.scalar(select(model.id).where(model.name_fold == fold(text, LONGEST_NAME)))
    if taken is not None and taken != but:
        raise Invalid({"name": [_l("Another one is called “%(name)s”.", name=text)]})
    return text


def clean_minutes(value: object, *, field: str = "accept_within_minutes") -> int | None:
    """Minutes in which an offer is to be accepted; None leaves it to others to say.  Raises Invalid."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal():
        value = int(value.strip()[:9])
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_MINUTES:
        raise Invalid({field: [_l("Give whole minutes from 1 to %(most)s.", most=MOST_MINUTES)]})
    return value


def clean_hours(value: object) -> int | None:
    """Hours in which somebody is to do something on what they took; None leaves it to others to say.  Raises Invalid."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal():
        value = int(value.strip()[:9])
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_HOURS:
        raise Invalid({"touch_within_hours": [_l("Give whole hours from 1 to %(most)s.", most=MOST_HOURS)]})
    return value


def require_version(record: Any, version: int | None) -> None:
    """That the edit began from the record as it is.  version: None to overwrite.  Raises Stale."""
    if version is not None and version != record.version:
        raise Stale(
            _l("Somebody changed this while you were editing. Reload to see it as it is now."),
            current={"version": record.version},
        )
