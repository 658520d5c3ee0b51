"""Tags on a record's page: what it carries, which are offered, putting one on and taking one off.

Names are offered to those alone who may know them.  Partners never see tags.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level
from app.kernel.errors import NotAllowed, NotFound
from app.kernel.fold import fold
from app.lists.catalogue import ListObject, objects
from app.lists.known_tags import known_to
from app.lists.models import Tag
from app.lists.operations import LONGEST_TAG, find_or_make_tag, find_tag, set_tag
from app.lists.queries import tags_of
from app.sharing.scope import scope

MOST_OFFERED = 200


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of a record on its page.  names: in the order of the alphabet."""

    thing: str
    record_ref: str
    names: Sequence[str]
    may_edit: bool
    error: str = ""


def tags_on(session: Session, actor: Actor, record: Any, *, may_edit: bool) -> Tags | None:
    """The tags of a record that the actor reads; None for partners."""
    if actor.is_partner:
        return None
    kind = record.__tablename__
    names = tags_of(session, kind, [record.id]).get(record.id, [])
    return Tags(kind, record.ref, names, may_edit and actor.can(objects()[kind].edit))


def tags_offered(session: Session, actor: Actor, text: str = "") -> Sequence[str]:
    """Names of tags, of those that begin with `text`, that the actor may know; one statement."""
    if actor.is_partner:
        return []
    statement = select(Tag.name).where(known_to(actor))
    begin = fold(text, LONGEST_TAG) if text.strip() else ""
    if begin:
        statement = statement.where(Tag.name_fold.startswith(begin, autoescape=True))
    return session.scalars(statement.order_by(Tag.name_fold).limit(MOST_OFFERED)).all()


def tag_choices(session: Session, actor: Actor) -> Sequence[tuple[str, str]]:
    """(name, name) of the tags that the actor may know."""
    return [(name, name) for name in tags_offered(session, actor)]


def change_tag(
    session: Session,
    actor: Actor,
    object_: ListObject,
    record_ref: str,
    name: object,
    *,
    on: bool,
    now: datetime,
) -> Any:
    """Put a tag on a record or take it off; the record.  Writes an event; does not commit.

    Raises NotAllowed, NotFound, Invalid.
    """
    actor.require(object_.edit)
    if actor.is_partner:
        raise NotAllowed
    model = object_.model
    record = session.scalar(select(model).where(scope(model, actor, Level.READ), model.ref == record_ref))
    if record is None:
        raise NotFound(object_.prefix, record_ref)
    if session.scalar(select(model.id).where(scope(model, actor, Level.EDIT), model.id == record.id)) is None:
        raise NotAllowed
    tag = find_or_make_tag(session, actor, name, now=now) if on else find_tag(session, name)
    if tag is not None:
        set_tag(session, actor, record, tag, on=on, now=now)
    return record
