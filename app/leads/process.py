"""The way of a lead as the organisation wants it: moves between statuses, what qualifying asks for, in its own words.

Pure but for reading settings: `edit_lead`, imports and the page of a lead all ask here, so that they say the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.fields.kinds import is_custom
from app.identity.models import Organisation
from app.kernel.errors import Invalid
from app.leads.choices import status_name
from app.leads.fields import FIELDS
from app.leads.models import ANYWHERE, StatusCategory
from app.scores.models import ScoreSet, ScoreState

# Without these nobody knows whom to sell to.
ALWAYS_REQUIRED = ("last_name", "company")
# Said of every lead, or by Canal itself: asking for them asks for nothing.
_NOT_ASKABLE = frozenset(
    {
        "status",
        "score",
        "arrived_at",
        "opted_out_email",
        "opted_out_phone",
        "external_id",
        "unqualified_reason",
    }
)
ASKABLE = tuple(name for name in FIELDS if name not in _NOT_ASKABLE)


@dataclass(frozen=True, slots=True)
class LeadProcess:
    """required: fields that a lead has before it is qualified.  definition: language → what *qualified* means here."""

    required: Sequence[str] = ALWAYS_REQUIRED
    definition: Mapping[str, str] = field(default_factory=dict)


def lead_process(session: Session) -> LeadProcess:
    """What the organisation has set."""
    organisation = session.get(Organisation, 1)
    return process_of(organisation.lead_process if organisation is not None else {})


def process_of(stored: Mapping[str, Any]) -> LeadProcess:
    """The same from what is stored."""
    more = [name for name in stored.get("required", ()) if name not in ALWAYS_REQUIRED]
    return LeadProcess((*ALWAYS_REQUIRED, *more), dict(stored.get("definition", {})))


def in_own_language(texts: Mapping[str, str], fallback: str = "en") -> str:
    """A text that an administrator wrote in several languages, in the reader's; else in another."""
    language = str(get_locale() or fallback)[:2]
    return texts.get(language) or texts.get(fallback) or next((text for text in texts.values() if text), "")


def missing_to_qualify(
    required: Iterable[str], standard: Callable[[str], Any], custom: Mapping[str, Any], known: Iterable[str]
) -> list[str]:
    """Which of the required fields are empty.  A *no* is no answer where a yes is asked for.

    standard: attribute of Lead → value.  known: added fields in use; what is gone is not asked for.
    """
    missing = []
    for name in required:
        if is_custom(name):
            value = custom.get(name) if name in known else True
        else:
            value = standard(FIELDS[name].attribute)
        if value is None or value is False or value == "" or value == []:
            missing.append(name)
    return missing


def may_move(moves: Sequence[str], before: str, after: str) -> bool:
    """Whether a lead goes on from one status to the other.  moves: of the first; both by their keys."""
    return before == after or ANYWHERE in moves or after in moves


def refuse_move(before: Any, after: Any, names: Callable[[Sequence[str]], Sequence[str]]) -> None:
    """That the move is allowed.  names: keys of statuses → their names.  Raises Invalid."""
    if may_move(before.moves, before.key, after.key):
        return
    onward = [status_name(name) for name in names([key for key in before.moves if key != before.key])]
    here = status_name(before.name)
    if not onward:
        message = _l("From “%(status)s” it goes nowhere.", status=here)
    else:
        message = _l("From “%(status)s” it goes to: %(others)s.", status=here, others=", ".join(onward))
    raise Invalid({"status": [message]})


def is_open(category: StatusCategory) -> bool:
    """Whether a lead of such a status counts as open."""
    return category not in (StatusCategory.UNQUALIFIED, StatusCategory.CONVERTED)


def is_score_computed(session: Session) -> bool:
    """Whether score rules are in force: then nobody writes a score."""
    return bool(session.scalar(select(exists().where(ScoreSet.state == ScoreState.ACTIVE))))


def refuse_score(session: Session, names: Iterable[str]) -> None:
    """That no score is given where it is computed.  Raises Invalid."""
    if "score" in names and is_score_computed(session):
        raise Invalid({"score": [_l("It is computed from the score rules; nobody writes it.")]})
