"""What edits of accounts and contacts have in common: whom they name, what they change, when they are stale."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.fields import Field
from app.accounts.models import Account, Contact
from app.events.models import Event
from app.events.operations import record
from app.fields.records import Written
from app.identity.models import User, UserState
from app.kernel import refs
from app.kernel.actor import Actor, Level
from app.kernel.errors import Invalid, Stale
from app.sharing.scope import scope


class StaleEdit(Stale):
    """Somebody changed the record since the edit began; nothing was saved.

    current: field → value now, of every field in which the edit differs from the record.
    untouched: the fields among them that the edit left as it found them, so that theirs can be taken.
    version: of the record as it is now; an edit that carries it is taken.
    """

    message = _l("Somebody changed this while you were editing. Both values are shown; decide which to keep.")

    def __init__(self, current: Mapping[str, Any], untouched: frozenset[str], version: int) -> None:
        super().__init__(current=dict(current))
        self.untouched = untouched
        self.version = version


def is_kept(session: Session, actor: Actor, model: Any, key: int | None, given: str | None) -> bool:
    """Whether nothing given leaves the reference as it is: the actor does not see what it names.

    To them it looks empty, in a form that they send back and anywhere else.
    """
    if given is not None or key is None:
        return False
    seen = select(model.id).where(scope(model, actor, Level.READ), model.id == key)
    return session.scalar(seen) is None


def find_owner(session: Session, ref: str) -> User:
    """The internal person who is to own a record.  Raises Invalid."""
    user = session.scalar(select(User).where(User.ref == ref)) if refs.is_ref(refs.USER, ref) else None
    if user is None or user.is_partner or user.state is UserState.DEACTIVATED:
        raise Invalid({"owner": [_l("Choose one of the people listed.")]})
    return user


def changed_columns(entry: Account | Contact, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the columns whose value differs from the record's."""
    return {name: value for name, value in columns.items() if getattr(entry, name) != value}


def refuse_stale(
    session: Session,
    entry: Account | Contact,
    version: int | None,
    changed: Mapping[str, Any],
    fields: Mapping[str, Field],
    shown: Mapping[str, Any],
    own: Written,
) -> None:
    """Raises StaleEdit when the edit began from another version and still would change something.

    changed: column → new value.  shown: column → value now, for columns that are kept as a key.
    own: what changes of the fields that administrators added.
    """
    if version is None or version == entry.version or not changed:
        return
    names = {field.attribute: name for name, field in fields.items()}
    before = _values_at(session, entry, version)
    current = {
        names[column]: shown.get(column, getattr(entry, column)) for column in changed if column in names
    }
    untouched = frozenset(
        names[column]
        for column, value in changed.items()
        if names.get(column) in before and before[names[column]] == value
    )
    current |= {name: old for name, (old, _new) in own.raw.items()}
    untouched |= {name for name, (_old, new) in own.told.items() if name in before and before[name] == new}
    raise StaleEdit(current, untouched, entry.version)


def _values_at(session: Session, entry: Account | Contact, version: int) -> dict[str, Any]:
    """What the fields held that were edited after `version`, as the record of events tells it."""
    events = session.scalars(
        select(Event)
        .where(Event.record_kind == entry.__tablename__, Event.record_id == entry.id, Event.verb == "edited")
        .order_by(Event.id.desc())
    )
    values: dict[str, Any] = {}
    for event in events:
        if event.detail.get("version", 0) <= version:
            break
        values.update({name: old for name, (old, _new) in event.changes.items()})
    return values


def store(
    session: Session,
    actor: Actor,
    entry: Account | Contact,
    changed: Mapping[str, Any],
    told: Mapping[str, tuple[Any, Any]],
    now: datetime,
) -> None:
    """Write changed columns, raise the version and record one event.  told: field → (old, new)."""
    for name, value in changed.items():
        setattr(entry, name, value)
    entry.stamp(actor, now)
    session.flush()  # so that a constraint speaks up here
    record(
        session, actor, verb="edited", subject=entry, at=now, changes=told, detail={"version": entry.version}
    )
