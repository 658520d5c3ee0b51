"""Who does an activity and who takes part: only people of its author's side who see the record."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.accounts.sight import is_told
from app.activities.models import Activity, Participant
from app.activities.places import Record
from app.identity.models import User, UserState
from app.identity.queries import find_actor
from app.identity.roles import PERMISSIONS
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Invalid
from app.sharing.levels import find_level
from app.sharing.scope import scope

MOST_PEOPLE = 50
MOST_OFFERED = 200
MOST_CONTACTS = 50


@dataclass(frozen=True, slots=True)
class People:
    """Keys of those who take part."""

    users: frozenset[int] = frozenset()
    contacts: frozenset[int] = frozenset()


NOBODY = People()


def level_needed(is_partner: bool) -> Level:
    """What somebody must have of a record to log on it: partner people edit it, others read it."""
    return Level.EDIT if is_partner else Level.READ


def find_assignee(session: Session, record: Record, company_id: int | None, ref: str) -> User:
    """Somebody whom an activity of that side can be given to.  Raises Invalid."""
    user = _user(session, company_id, "assignee", ref)
    if Permission.ACTIVITY_LOG not in PERMISSIONS[user.role]:
        raise Invalid({"assignee": [_l("%(name)s only reads, and can do nothing here.", name=user.name)]})
    _require_sight(session, record, user, level_needed(user.is_partner), "assignee")
    return user


def _user(session: Session, company_id: int | None, field: str, ref: str) -> User:
    user = session.scalar(select(User).where(User.ref == ref, *_of_side(company_id)))
    if user is None:
        raise Invalid({field: [_l("Choose one of the people listed.")]})
    return user


def _of_side(company_id: int | None) -> tuple[ColumnElement[bool], ...]:
    of_company = (
        User.partner_account_id.is_(None) if company_id is None else User.partner_account_id == company_id
    )
    return (of_company, User.state == UserState.ACTIVE)


def _require_sight(session: Session, record: Record, user: User, least: Level, field: str) -> None:
    person = find_actor(session, user.id)
    given = find_level(session, person, record) if person is not None else None
    if given is None or given < least:
        raise Invalid({field: [_l("%(name)s does not see this. Share it with them first.", name=user.name)]})


def find_people(
    session: Session,
    actor: Actor,
    record: Record,
    company_id: int | None,
    given: Iterable[str],
    before: People = NOBODY,
) -> People:
    """The users and contacts of these public names.  The record's own contact is left out: it is there anyway.

    before: who takes part now; contacts among them whom the actor does not see stay.  Raises Invalid.
    """
    names = list(dict.fromkeys(given))
    if len(names) > MOST_PEOPLE:
        raise Invalid({"people": [_l("At most %(number)s people take part.", number=MOST_PEOPLE)]})
    users, contacts = set(), set()
    for ref in names:
        if refs.is_ref(refs.CONTACT, ref):
            key = session.scalar(
                select(Contact.id).where(scope(Contact, actor, Level.READ), Contact.ref == ref)
            )
            if key is None:
                raise Invalid({"people": [_l("There is no such contact.")]})
            contacts.add(key)
        else:
            user = _user(session, company_id, "people", ref)
            _require_sight(session, record, user, Level.READ, "people")
            users.add(user.id)
    if isinstance(record, Contact):
        contacts.discard(record.id)
    return People(frozenset(users), frozenset(contacts | _unseen(session, actor, before.contacts - contacts)))


def _unseen(session: Session, actor: Actor, contacts: Collection[int]) -> set[int]:
    """Those of the contacts that the actor does not see."""
    if not contacts:
        return set()
    seen = select(Contact.id).where(scope(Contact, actor, Level.READ), Contact.id.in_(contacts))
    return set(contacts) - set(session.scalars(seen))


def people_of(session: Session, activity: Activity) -> People:
    """Who takes part."""
    rows = session.execute(
        select(Participant.user_id, Participant.contact_id).where(Participant.activity_id == activity.id)
    ).all()
    return People(
        frozenset(user_id for user_id, _contact in rows if user_id is not None),
        frozenset(contact_id for _user_id, contact_id in rows if contact_id is not None),
    )


def set_people(session: Session, activity: Activity, before: People, wanted: People) -> None:
    """Let these take part, and nobody else."""
    for column, had, has in (
        (Participant.user_id, before.users, wanted.users),
        (Participant.contact_id, before.contacts, wanted.contacts),
    ):
        if had - has:
            session.execute(
                delete(Participant).where(Participant.activity_id == activity.id, column.in_(had - has)),
                execution_options={"synchronize_session": False},
            )
        session.add_all(
            Participant(activity_id=activity.id, **{column.key: key}) for key in sorted(has - had)
        )
    session.flush()


@dataclass(frozen=True, slots=True)
class PersonNamed:
    """Somebody who takes part, or who could.  kind: "user" or "contact".  note: job title, and
    what tells those of one name apart."""

    kind: str
    ref: str
    name: str
    note: str = ""


def names_of_people(
    session: Session, actor: Actor, activities: Collection[Activity]
) -> Mapping[int, Sequence[PersonNamed]]:
    """Activity's key → who takes part, contacts first, as far as the actor sees them.  One statement."""
    found: dict[int, list[PersonNamed]] = {activity.id: [] for activity in activities}
    if not found:
        return found
    rows: Any = session.execute(  # either a contact or a user, which outer joins do not tell the types
        select(Participant.activity_id, Contact, User.ref, User.name)
        .select_from(Participant)
        .outerjoin(Contact, and_(Contact.id == Participant.contact_id, scope(Contact, actor, Level.READ)))
        .outerjoin(User, and_(User.id == Participant.user_id, *_known_to(actor)))
        .where(Participant.activity_id.in_(found))
        .order_by(Participant.id)
    )
    for key, contact, ref, name in rows:
        if contact is not None:
            found[key].append(PersonNamed("contact", contact.ref, contact.full_name))
        elif ref is not None:
            found[key].append(PersonNamed("user", ref, name))
    for people in found.values():
        people.sort(key=lambda one: (one.kind, one.name.casefold()))
    return found


def _known_to(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    return (User.partner_account_id == actor.company_id,) if actor.is_partner else ()


def colleagues_of(session: Session, company_id: int | None) -> Sequence[PersonNamed]:
    """Whom something of that company's, or of the vendor's, can be given to, by name.

    Whether they see a record is asked when it is saved.
    """
    rows = session.execute(
        select(User.ref, User.name, User.role)
        .where(*_of_side(company_id))
        .order_by(func.lower(User.name), User.id)
        .limit(MOST_OFFERED)
    )
    return [
        PersonNamed("user", ref, name)
        for ref, name, role in rows
        if Permission.ACTIVITY_LOG in PERMISSIONS[role]
    ]


def contacts_to_pick(session: Session, actor: Actor, record: Record) -> Sequence[PersonNamed]:
    """The people at the record's account by name, at most `MOST_CONTACTS`; for a contact, its colleagues."""
    account_id = record.id if isinstance(record, Account) else getattr(record, "account_id", None)
    if account_id is None:
        return []
    conditions = [scope(Contact, actor, Level.READ), Contact.account_id == account_id]
    if isinstance(record, Contact):
        conditions.append(Contact.id != record.id)
    contacts = session.scalars(
        select(Contact).where(*conditions).order_by(Contact.last_name_fold, Contact.id).limit(MOST_CONTACTS)
    ).all()
    called = Counter(contact.full_name.casefold() for contact in contacts)
    return [
        PersonNamed(
            "contact",
            contact.ref,
            contact.full_name,
            _note(actor, contact, is_alone=called[contact.full_name.casefold()] == 1),
        )
        for contact in contacts
    ]


def _note(actor: Actor, contact: Contact, *, is_alone: bool) -> str:
    """The job title, and of several of one name what else tells them apart, as far as the actor is told."""
    names = ("title",) if is_alone else ("title", "email", "mobile" if not contact.email else "")
    return " · ".join(
        str(getattr(contact, name))
        for name in names
        if name and is_told(actor, "contact", name) and getattr(contact, name)
    )
