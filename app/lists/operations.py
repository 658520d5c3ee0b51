"""Verbs on saved views, chosen columns and tags, and noting what somebody opened."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.events.operations import record
from app.kernel import refs
from app.kernel.actor import Actor
from app.kernel.errors import Invalid, NotAllowed, Stale
from app.kernel.fold import fold
from app.kernel.text import clean_text
from app.lists.catalogue import ListObject, fields_of
from app.lists.known_tags import known_to
from app.lists.models import Audience, ListChoice, RecentRecord, RecordTag, SavedView, Tag
from app.lists.queries import choice_of, find_group_principal, get_view
from app.lists.rows import MOST_RECENT

MOST_COLUMNS = 12
LONGEST_NAME = 120
LONGEST_TAG = 60
# Looking at a record again within this time is not noted anew.
NOTED_EVERY = timedelta(minutes=10)

Query = Mapping[str, Sequence[str]]


def save_view(
    session: Session,
    actor: Actor,
    object_: ListObject,
    *,
    name: object,
    query: Query,
    columns: Sequence[str] = (),
    audience: object = "private",
    group: str = "",
    now: datetime,
) -> SavedView:
    """Keep a list under a name.  query: its address's parameters.  group: public name, for a view of a group.

    Writes an event; does not commit.  Raises NotAllowed, Invalid.
    """
    actor.require(object_.view)
    shared, principal_id = _audience(session, actor, audience, group)
    view = SavedView(
        ref=refs.new_ref(refs.SAVED_VIEW),
        object=object_.name,
        name=_name(name),
        owner_user_id=actor.user_id,
        audience=shared,
        principal_id=principal_id,
        query={key: list(values) for key, values in query.items()},
        columns=_columns(session, actor, object_, columns),
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
    )
    session.add(view)
    session.flush()  # its id names the event
    record(session, actor, verb="created", subject=view, at=now)
    return view


def edit_view(
    session: Session,
    actor: Actor,
    ref: str,
    *,
    object_: ListObject,
    name: object = None,
    query: Query | None = None,
    columns: Sequence[str] | None = None,
    audience: object = None,
    group: str = "",
    version: int | None = None,
    now: datetime,
) -> SavedView:
    """Rename a view, share it otherwise, let it show something else; what is None stays.

    Writes an event; does not commit.  Raises NotFound, NotAllowed, Invalid, Stale.
    """
    row = get_view(session, actor, ref, object_.name)
    if not row.may_edit:
        raise NotAllowed
    view = row.view
    if version is not None and version != view.version:
        raise Stale
    wanted: dict[str, Any] = {}
    if name is not None:
        wanted["name"] = _name(name)
    if query is not None:
        wanted["query"] = {key: list(values) for key, values in query.items()}
    if columns is not None:
        wanted["columns"] = _columns(session, actor, object_, columns)
    if audience is not None:
        wanted["audience"], wanted["principal_id"] = _audience(session, actor, audience, group)
    changes = {
        key: (getattr(view, key), value) for key, value in wanted.items() if getattr(view, key) != value
    }
    if not changes:
        return view
    for key, (_old, new) in changes.items():
        setattr(view, key, new)
    view.stamp(actor, now)
    told = {key: pair for key, pair in changes.items() if key != "principal_id"}
    record(session, actor, verb="edited", subject=view, at=now, changes=told)
    return view


def delete_view(session: Session, actor: Actor, ref: str, *, object_: ListObject, now: datetime) -> SavedView:
    """Take a view away from everybody who has it; the records stay.

    Writes an event; does not commit.  Raises NotFound, NotAllowed.
    """
    row = get_view(session, actor, ref, object_.name)
    if not row.may_edit:
        raise NotAllowed
    record(session, actor, verb="deleted", subject=row.view, at=now)
    session.delete(row.view)
    return row.view


def choose_columns(session: Session, actor: Actor, object_: ListObject, columns: Sequence[str]) -> None:
    """Show these columns in the actor's lists of the object; none for the usual ones.

    It is theirs alone and tells nothing, so that it is no event.  Does not commit.  Raises NotAllowed, Invalid.
    """
    actor.require(object_.view)
    _choice(session, actor, object_).columns = _columns(session, actor, object_, columns)


def choose_start_view(session: Session, actor: Actor, object_: ListObject, view: str) -> None:
    """Open the actor's lists of the object with that view: a saved one, a built-in one by name, "" for none.

    No event, as above.  Does not commit.  Raises NotAllowed, NotFound.
    """
    actor.require(object_.view)
    if view.startswith(f"{refs.SAVED_VIEW}_"):
        view = get_view(session, actor, view, object_.name).view.ref
    _choice(session, actor, object_).start_view = view


def _choice(session: Session, actor: Actor, object_: ListObject) -> ListChoice:
    found = choice_of(session, actor, object_.name)
    if found is None:
        found = ListChoice(user_id=actor.user_id or 0, object=object_.name, columns=[], start_view="")
        session.add(found)
    return found


def _name(value: object) -> str:
    name = clean_text(value, max_length=LONGEST_NAME, field="name")
    if name is None:
        raise Invalid({"name": [_l("Give the view a name.")]})
    return name


def _columns(session: Session, actor: Actor, object_: ListObject, names: Sequence[str]) -> list[str]:
    fields = fields_of(session, actor, object_.name)
    chosen = list(dict.fromkeys(names))
    if any(name not in fields or not fields[name].is_column for name in chosen):
        raise Invalid({"columns": [_l("Choose among those listed.")]})
    if len(chosen) > MOST_COLUMNS:
        raise Invalid({"columns": [_l("At most %(limit)s columns fit.", limit=MOST_COLUMNS)]})
    return chosen


def _audience(session: Session, actor: Actor, value: object, group: str) -> tuple[Audience, int | None]:
    if value not in set(Audience):
        raise Invalid({"audience": [_l("Choose one of those listed.")]})
    chosen = Audience(str(value))
    if chosen is not Audience.PRIVATE and actor.is_partner:
        raise NotAllowed
    if chosen is not Audience.GROUP:
        return chosen, None
    principal_id = find_group_principal(session, actor, group)
    if principal_id is None:
        raise Invalid({"group": [_l("Choose a group.")]})
    return chosen, principal_id


# Tags


def clean_tag(name: object) -> str:
    """A tag as it is kept.  Raises Invalid."""
    text = clean_text(name, max_length=LONGEST_TAG, field="tag")
    if text is None:
        raise Invalid({"tag": [_l("Give a tag.")]})
    return text


def find_tag(session: Session, name: object) -> Tag | None:
    """The tag of that name, case and accents aside.  Raises Invalid."""
    return session.scalar(select(Tag).where(Tag.name_fold == fold(clean_tag(name), LONGEST_TAG)))


def find_or_make_tag(session: Session, actor: Actor, name: object, *, now: datetime) -> Tag:
    """The tag of that name, case and accents aside; made where there is none.  Raises Invalid.

    Who may not know of it finds it as they wrote it, as if they had made it: another spelling would tell of it.
    """
    text = clean_tag(name)
    key = fold(text, LONGEST_TAG)
    found = find_tag(session, text)
    if found is not None:
        if found.name != text and not _knows(session, actor, found):
            changes = {"name": (found.name, text)}
            found.name = text
            record(session, actor, verb="edited", subject=found, at=now, changes=changes)
        return found
    tag = Tag(
        ref=refs.new_ref(refs.TAG), name=text, name_fold=key, created_at=now, created_by_id=actor.user_id
    )
    try:
        with session.begin_nested():
            session.add(tag)
    except IntegrityError:
        # Somebody else made it a moment ago.
        return session.scalars(select(Tag).where(Tag.name_fold == key)).one()
    record(session, actor, verb="created", subject=tag, at=now, detail={"name": text})
    return tag


def _knows(session: Session, actor: Actor, tag: Tag) -> bool:
    return (
        actor.is_system or session.scalar(select(Tag.id).where(Tag.id == tag.id, known_to(actor))) is not None
    )


def set_tag(session: Session, actor: Actor, subject: Any, tag: Tag, *, on: bool, now: datetime) -> bool:
    """Put a tag on a record or take it off; False where nothing changes.

    The caller has seen to it that the actor may edit the record.  Writes an event; does not commit.
    """
    kind = subject.__tablename__
    held = session.get(RecordTag, (kind, subject.id, tag.id))
    if (held is not None) == on:
        return False
    if held is not None:
        session.delete(held)
    else:
        session.add(
            RecordTag(
                kind=kind, record_id=subject.id, tag_id=tag.id, created_at=now, created_by_id=actor.user_id
            )
        )
    verb = "tagged" if on else "untagged"
    record(session, actor, verb=verb, subject=subject, at=now, detail={"tag": tag.name})
    return True


# Recently viewed


def note_opened(session: Session, actor: Actor, subject: Any, *, now: datetime) -> None:
    """Remember that the actor opened or made a record; their latest of a kind are kept.  Does not commit."""
    if actor.user_id is None:
        return
    kind = subject.__tablename__
    found = session.get(RecentRecord, (actor.user_id, kind, subject.id))
    if found is not None:
        found.at = now
        return
    session.add(RecentRecord(user_id=actor.user_id, kind=kind, record_id=subject.id, at=now))
    session.flush()
    mine = (RecentRecord.user_id == actor.user_id, RecentRecord.kind == kind)
    last = session.scalar(
        select(RecentRecord.at).where(*mine).order_by(RecentRecord.at.desc()).offset(MOST_RECENT - 1).limit(1)
    )
    if last is not None:
        session.execute(delete(RecentRecord).where(*mine, RecentRecord.at < last))
