"""What one box finds over everything that somebody may see, in the same words for every kind of record.

A room adds its own records with `add_source`; those that have search entries are here.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask_babel import gettext as _
from flask_babel import pgettext
from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.accounts.queries import Person
from app.accounts.sight import is_told
from app.campaigns.fields import STATUSES
from app.campaigns.models import Campaign
from app.identity.models import User
from app.kernel import labels
from app.kernel.actor import Actor, Level, Permission
from app.leads.models import Lead
from app.leads.row_queries import rows_of_keys
from app.search.finding import beginnings, find_ids, guesses, knows_words
from app.search.models import SearchEntry
from app.search.words import KINDS, LAST, typed_name
from app.sharing.scope import scope

SHOWN = 10
SUGGESTED = 5
# Misspellings are tried where the letters as they were typed find fewer.
FEW = 5
MOST_GUESSED = 3
# The kinds whose records hold the words that are guessed.
SPELT = frozenset({"account", "contact", "lead", "campaign"})


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found.  note: what tells it from others of its name.  state: of a lead, its category."""

    kind: str
    ref: str
    name: str
    note: str = ""
    email: str | None = None
    website: str | None = None
    phone: str | None = None
    owner: Any = None
    status: str | None = None
    state: str = ""
    key: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """Records of one kind.  find: the first that the text finds, one more than wanted if there are more."""

    kind: str
    icon: str
    permission: Permission
    find: Callable[[Session, Actor, str, int], Sequence[Hit]]


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one kind.  has_more: the list of that kind, narrowed by the text, has others."""

    kind: str
    title: str
    icon: str
    hits: Sequence[Hit]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Found:
    """meant: the spelling by which it was found where the text itself found little; "" where it was not needed."""

    groups: Sequence[Group]
    meant: str = ""


_SOURCES: dict[str, Source] = {}


def add_source(source: Source) -> None:
    """Let the box find another kind of record."""
    _SOURCES[source.kind] = source


def search(session: Session, actor: Actor, text: str, *, limit: int = SHOWN) -> Found:
    """The first records of each kind that the text finds, for kinds that the role may see.

    A number of statements that does not grow with what there is; more where the text itself finds
    fewer than five and other spellings are tried.
    """
    found = _search(session, actor, text, limit)
    if sum(len(hits) for hits in found.values()) >= FEW:
        return Found(_groups(found, limit))
    meant = ""
    is_known = knows_words(actor)
    # Partner people are given no guesses: which of them are tried would tell what words there are.
    kinds = found.keys() if is_known else found.keys() & SPELT if actor.is_internal else ()
    for guess in guesses(session, text)[:MOST_GUESSED] if kinds else ():
        more = _search(session, actor, guess, limit, kinds)
        if not is_known:
            more = _holding(more, {*guess.split()} - {*typed_name(text).split()})
        if any(more.values()):
            meant = meant or guess
            found |= {kind: _joined(found[kind], hits, limit) for kind, hits in more.items()}
    return Found(_groups(found, limit), meant)


def _search(
    session: Session, actor: Actor, text: str, limit: int, kinds: Collection[str] | None = None
) -> dict[str, Sequence[Hit]]:
    return {
        kind: source.find(session, actor, text, limit + 1)
        for kind, source in _SOURCES.items()
        if actor.can(source.permission) and (kinds is None or kind in kinds)
    }


def _holding(found: Mapping[str, Sequence[Hit]], words: set[str]) -> dict[str, Sequence[Hit]]:
    """Those of the hits that have these words whole, where the person sees them."""
    return {
        kind: [hit for hit in hits if words <= {*typed_name(f"{hit.name} {hit.note}").split()}]
        for kind, hits in found.items()
    }


def _joined(hits: Sequence[Hit], more: Sequence[Hit], limit: int) -> Sequence[Hit]:
    by_ref = {hit.ref: hit for hit in (*hits, *more)}
    return list(by_ref.values())[: limit + 1]


def _groups(found: dict[str, Sequence[Hit]], limit: int) -> list[Group]:
    return [
        Group(
            kind, labels.many(kind, title=True), _SOURCES[kind].icon, hits[:limit], has_more=len(hits) > limit
        )
        for kind, hits in found.items()
        if hits
    ]


def note_of(*parts: str | None) -> str:
    """What tells a record from others of its name."""
    return " · ".join(part for part in parts if part)


# Accounts and contacts


def account_hits(session: Session, actor: Actor, ids: Sequence[int]) -> list[Hit]:
    """The accounts of those keys that the actor may read, in that order; site and parent tell shops apart."""
    if not ids or not actor.can(Permission.ACCOUNT_VIEW):
        return []
    hits = {hit.key: hit for hit in _accounts(session, actor, _by_key(Account, actor), {"ids": list(ids)})}
    return [hits[key] for key in ids if key in hits]


def _accounts(session: Session, actor: Actor, statement: Any, given: Mapping[str, Any]) -> list[Hit]:
    rows = session.execute(statement, given).all()
    told = _telling(actor, "account")
    parents = names_of_accounts(session, actor, [row.parent_id for row in rows if row.parent_id])
    hits = {
        row.id: Hit(
            "account", row.ref, row.name,
            note_of(row.site, told(row, "billing_city"), below(parents.get(row.parent_id))),
            told(row, "email"), told(row, "website"), told(row, "phone"), _owner(actor, row), key=row.id,
        )
        for row in rows
    }  # fmt: skip
    return list(hits.values())


def names_of_accounts(session: Session, actor: Actor, ids: Iterable[int]) -> dict[int | None, str]:
    """Key → name of those accounts that the actor may read.  One statement, or none."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    statement = select(Account.id, Account.name).where(
        scope(Account, actor, Level.READ), Account.id.in_(wanted)
    )
    return {row.id: row.name for row in session.execute(statement)}


def below(parent: str | None) -> str | None:
    """That it belongs to that account."""
    return _("of %(parent)s", parent=parent) if parent else None


def contact_hits(session: Session, actor: Actor, ids: Sequence[int]) -> list[Hit]:
    """The contacts of those keys that the actor may read, in that order, with their accounts if those may be read."""
    if not ids or not actor.can(Permission.CONTACT_VIEW):
        return []
    hits = {hit.key: hit for hit in _contacts(session, actor, _by_key(Contact, actor), {"ids": list(ids)})}
    return [hits[key] for key in ids if key in hits]


def _contacts(session: Session, actor: Actor, statement: Any, given: Mapping[str, Any]) -> list[Hit]:
    told = _telling(actor, "contact")
    hits = {
        row.id: Hit(
            "contact", row.ref, f"{row.first_name} {row.last_name}" if row.first_name else row.last_name,
            note_of(told(row, "title"), row.account, row.site), told(row, "email"), None,
            told(row, "phone") or told(row, "mobile"), _owner(actor, row), key=row.id,
        )
        for row in session.execute(statement, given)
    }  # fmt: skip
    return list(hits.values())


def _telling(actor: Actor, object_: str) -> Callable[[Any, str], Any]:
    """(row, field) → what the actor is told of it."""
    return lambda row, name: getattr(row, name) if is_told(actor, object_, name) else None


def _owner(actor: Actor, row: Any) -> Person | None:
    return Person(row.owner_ref, row.owner) if actor.is_internal else None


def lead_hits(session: Session, actor: Actor, ids: Sequence[int]) -> list[Hit]:
    """The leads of those keys that the actor may read whole, in that order, by what is not hidden from them."""
    if not ids:
        return []
    readable = set(session.scalars(_readable(actor), {"ids": list(ids)}))
    return hits_of_leads(session, actor, [key for key in ids if key in readable])


def hits_of_leads(session: Session, actor: Actor, ids: Sequence[int]) -> list[Hit]:
    """ids: of leads that the actor may read, by a statement of the same transaction."""
    return [
        Hit(
            "lead", row.ref, row.title, note_of(row.person if row.company else None, row.city), row.email,
            None, row.phone, None, row.status, row.category or "", key=row.id,
        )
        for row in rows_of_keys(session, actor, [(key, Level.READ, None) for key in ids])
    ]  # fmt: skip


def campaign_hits(session: Session, actor: Actor, ids: Sequence[int]) -> list[Hit]:
    """The campaigns of those keys, in that order, for those who may see campaigns."""
    if not ids:
        return []
    statement = select(Campaign).where(scope(Campaign, actor, Level.READ), Campaign.id.in_(ids))
    found = {each.id: each for each in session.scalars(statement)}
    return [_campaign(found[key]) for key in ids if key in found]


def _campaign(campaign: Campaign) -> Hit:
    status = STATUSES[campaign.status]
    state = {"active": "working", "done": "converted"}.get(campaign.status, "new")
    note = pgettext("campaign", "Archived") if campaign.archived_at is not None else ""
    return Hit(
        "campaign", campaign.ref, campaign.name, note, status=str(status), state=state, key=campaign.id
    )


# The statements are made once for each person and kept: making one takes longer than answering it.


@lru_cache(maxsize=256)
def _columns(model: Any, actor: Actor) -> Any:
    """What a hit shows, of records that the actor may read."""
    owner = (User.ref.label("owner_ref"), User.name.label("owner"))
    if model is Account:
        return (
            select(
                Account.id, Account.ref, Account.name, Account.site, Account.billing_city, Account.parent_id,
                Account.email, Account.website, Account.phone, *owner,
            )
            .join(User, User.id == Account.owner_user_id)
            .where(scope(Account, actor, Level.READ))
        )  # fmt: skip
    return (
        select(
            Contact.id, Contact.ref, Contact.first_name, Contact.last_name, Contact.title, Contact.email,
            Contact.phone, Contact.mobile, Account.name.label("account"), Account.site, *owner,
        )
        .join(User, User.id == Contact.owner_user_id)
        .outerjoin(Account, and_(Account.id == Contact.account_id, scope(Account, actor, Level.READ)))
        .where(scope(Contact, actor, Level.READ))
    )  # fmt: skip


@lru_cache(maxsize=256)
def _readable(actor: Actor) -> Any:
    """Keys of those leads that the actor may read whole."""
    return select(Lead.id).where(
        scope(Lead, actor, Level.READ), Lead.id.in_(bindparam("ids", expanding=True))
    )


@lru_cache(maxsize=256)
def _by_key(model: Any, actor: Actor) -> Any:
    return _columns(model, actor).where(model.id.in_(bindparam("ids", expanding=True)))


@lru_cache(maxsize=256)
def _by_beginning(model: Any, actor: Actor) -> Any:
    """Along the entries that begin with a text."""
    kind = KINDS[model.__tablename__]
    text = SearchEntry.text
    return (
        _columns(model, actor)
        .join(SearchEntry, SearchEntry.record_id == model.id)
        .where(SearchEntry.kind == kind, text >= bindparam("first"), text < bindparam("last"))
        .order_by(text, SearchEntry.record_id)
        .limit(bindparam("most"))
    )


def _find(session: Session, actor: Actor, model: Any, text: str, limit: int) -> Sequence[Hit]:
    """The closest records; one statement where what begins with the text is enough, or all there can be."""
    read, by_keys = (_accounts, account_hits) if model is Account else (_contacts, contact_hits)
    starts = beginnings(actor, model, text)
    if starts is None:
        return by_keys(session, actor, find_ids(session, actor, model, text, limit=limit))
    found: dict[int, Hit] = {}
    for start in starts:
        given = {"first": start, "last": start + LAST, "most": 3 * limit}
        found.update((hit.key, hit) for hit in read(session, actor, _by_beginning(model, actor), given))
        if len(found) >= limit:
            return list(found.values())[:limit]
    more = find_ids(session, actor, model, text, limit=limit, beyond_first=True)
    hits = by_keys(session, actor, [key for key in more if key not in found])
    return [*found.values(), *hits][:limit]


def _find_leads(session: Session, actor: Actor, text: str, limit: int) -> Sequence[Hit]:
    return hits_of_leads(session, actor, find_ids(session, actor, Lead, text, limit=limit))


def _find_campaigns(session: Session, actor: Actor, text: str, limit: int) -> Sequence[Hit]:
    return campaign_hits(session, actor, find_ids(session, actor, Campaign, text, limit=limit))


def _find_accounts(session: Session, actor: Actor, text: str, limit: int) -> Sequence[Hit]:
    return _find(session, actor, Account, text, limit)


def _find_contacts(session: Session, actor: Actor, text: str, limit: int) -> Sequence[Hit]:
    return _find(session, actor, Contact, text, limit)


add_source(Source("lead", "target", Permission.LEAD_VIEW, _find_leads))
add_source(Source("account", "building", Permission.ACCOUNT_VIEW, _find_accounts))
add_source(Source("contact", "contact", Permission.CONTACT_VIEW, _find_contacts))
add_source(Source("campaign", "megaphone", Permission.CAMPAIGN_VIEW, _find_campaigns))
