"""Who can be given something: a principal by its key, by public name, in words.

A person's principals are the keys that `keys_of` lists and every group that one of them is in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, bindparam, literal, or_, select, union_all
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.identity.models import User, UserState
from app.identity.roles import role_names
from app.kernel.actor import INTERNAL_ROLES, PARTNER_ROLES, Actor, Role
from app.kernel.db import is_sqlite
from app.kernel.errors import Invalid
from app.partners.models import PartnerAccount, PartnerLevel
from app.routing.models import Queue
from app.sharing.models import GrantSet, GrantSetState, GroupReach, Principal, PublicGroup
from app.sharing.scope import scope

USER, INTERNAL_ROLE, PARTNER_ACCOUNT = "user", "internal_role", "partner_account"
ACCOUNT_TEAM, PARTNER_LEVEL, QUEUE, GROUP = "account_team", "partner_level", "queue", "group"
ALL_INTERNAL, ALL_PARTNERS = "all_internal", "all_partners"
# Of the vendor's people those who see more than their portfolio: whom defaults give something.
WHOLE_INTERNAL = f"{ALL_INTERNAL}:whole"
TYPES = (
    USER,
    INTERNAL_ROLE,
    PARTNER_ACCOUNT,
    ACCOUNT_TEAM,
    PARTNER_LEVEL,
    QUEUE,
    GROUP,
    ALL_INTERNAL,
    ALL_PARTNERS,
)
CHOOSE = _l("Choose whom.")
UNKNOWN = _l("There is no such user, role, account, level, queue or group.")
# Partner users are in these, or may come to be: a partner account may become a member of a queue at any time.
OUTSIDE = frozenset({PARTNER_ACCOUNT, PARTNER_LEVEL, ALL_PARTNERS, QUEUE})
_RANKS: Mapping[str, Role] = {role.value: role for role in PARTNER_ROLES}
# Principals are named to whoever manages sharing, whichever records they see in their lists.
_NAMING = Actor.system("names of principals")


@dataclass(frozen=True, slots=True)
class Known:
    """A principal that exists.  ref: None for everybody of a side; an internal role's is its name.

    role: of a partner account, that role and above; None for all of it.
    """

    key: str
    type: str
    ref: str | None
    name: str
    role: Role | None = None

    def to_json(self) -> dict[str, Any]:
        """As the contract writes it."""
        value: dict[str, Any] = {"type": self.type}
        if self.ref is not None:
            value["id"] = self.ref
        if self.role is not None:
            value["role"] = self.role.value
        return value


# What a person is


def keys_of(
    *,
    user_id: int,
    role: Role,
    company_id: int | None,
    level_id: int | None,
    queue_ids: Iterable[int],
    team_ids: Iterable[int],
    is_whole: bool = False,
) -> list[str]:
    """The principals that a person is by themselves, without groups.

    team_ids: partner accounts that they own or are a responsible of.  is_whole: they see more than their portfolio.
    """
    keys = [f"{USER}:{user_id}", *(f"{QUEUE}:{key}" for key in queue_ids)]
    if company_id is None:
        keys += [WHOLE_INTERNAL] if is_whole else []
        keys += [ALL_INTERNAL, f"{INTERNAL_ROLE}:{role}", *(f"{ACCOUNT_TEAM}:{key}" for key in team_ids)]
        return keys
    keys += [ALL_PARTNERS, *(f"{PARTNER_ACCOUNT}:{company_id}:{rank}" for rank in range(role.rank + 1))]
    if level_id is not None:
        keys.append(f"{PARTNER_LEVEL}:{level_id}")
    return keys


def keys_of_actor(actor: Actor) -> list[str]:
    """The same of a person who may act."""
    return keys_of(
        user_id=actor.user_id or 0,
        role=actor.role,
        company_id=actor.company_id,
        level_id=actor.level_id,
        queue_ids=actor.queue_ids,
        team_ids=(*actor.managed_ids, *actor.answerable_ids),
        is_whole=not actor.sees_portfolio_only,
    )


def principals_of(keys: Sequence[str]) -> Select[int]:
    """Select of the ids of these principals and of every group that one of them is in."""
    own = select(Principal.id).where(Principal.key.in_(keys))
    groups = select(GroupReach.group_principal_id).where(GroupReach.member_principal_id.in_(own))
    return select(Principal.id).where(or_(Principal.id.in_(own), Principal.id.in_(groups)))


@cache
def _shared_with() -> Select[str, int]:
    """Made once: every request of an installation that shares anything runs it."""
    own = select(Principal.id).where(Principal.key.in_(bindparam("keys", expanding=True)))
    mine = own.cte("mine")
    groups = select(GroupReach.group_principal_id).where(
        GroupReach.member_principal_id.in_(select(mine.c.id))
    )
    return (
        select(GrantSet.object, GrantSet.principal_id)
        .where(
            GrantSet.state == GrantSetState.ACTIVE,
            or_(GrantSet.principal_id.in_(select(mine.c.id)), GrantSet.principal_id.in_(groups)),
        )
        .distinct()
        .order_by(GrantSet.object, GrantSet.principal_id)
    )


def find_shared(session: Session, keys: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """(object, principal) pairs for which somebody with these keys has grants in force.

    Theirs are the principals that they are, and every group that one of these is in.
    """
    rows = session.execute(_shared_with(), {"keys": list(keys)})
    return tuple((object_, principal_id) for object_, principal_id in rows)


class Membership:
    """Who belongs to which principals, read once, to ask about many people.  Two statements, a third for `shared`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.ids: dict[str, int] = {
            key: row for row, key in session.execute(select(Principal.id, Principal.key))
        }
        self._above: dict[int, set[int]] = {}
        for member, group in session.execute(
            select(GroupReach.member_principal_id, GroupReach.group_principal_id)
        ):
            self._above.setdefault(member, set()).add(group)

    def principals(self, keys: Iterable[str]) -> set[int]:
        """The principals with these keys, and every group that one of them is in."""
        own = {self.ids[key] for key in keys if key in self.ids}
        return own.union(*(self._above.get(key, ()) for key in own))

    def holds(self, keys: Sequence[str], key: str) -> bool:
        """Whether somebody with these keys is one of those whom the principal stands for."""
        return key in keys or self.ids.get(key, 0) in self.principals(keys)

    @cached_property
    def _objects(self) -> dict[int, list[str]]:
        """Principal → the objects of which it has grants in force."""
        found: dict[int, list[str]] = {}
        pairs = select(GrantSet.principal_id, GrantSet.object).where(GrantSet.state == GrantSetState.ACTIVE)
        for principal_id, object_ in self.session.execute(pairs.distinct()):
            found.setdefault(principal_id, []).append(object_)
        return found

    def shared(self, keys: Iterable[str]) -> tuple[tuple[str, int], ...]:
        """As `find_shared`."""
        return tuple(
            sorted((object_, key) for key in self.principals(keys) for object_ in self._objects.get(key, ()))
        )


# By public name


def find_principal(session: Session, given: object, *, field: str = "principal") -> Known:
    """The principal that `{"type", "id"?, "role"?}` names.  Raises Invalid, filed under `field`."""
    if isinstance(given, dict) and "" in (given.get("type"), given.get("id")):
        raise Invalid({field: [CHOOSE]})
    if not isinstance(given, dict) or given.get("type") not in TYPES or set(given) - {"type", "id", "role"}:
        known = ", ".join(TYPES)
        raise Invalid({field: [_l("Give a type (%(known)s) and an id.", known=known)]})
    kind, ref, role = given["type"], given.get("id"), given.get("role")
    if role is not None and (kind != PARTNER_ACCOUNT or role not in _RANKS):
        raise Invalid({field: [_l("A role goes with a partner account: user, manager or executive.")]})
    if kind in (ALL_INTERNAL, ALL_PARTNERS):
        if ref is not None:
            raise Invalid({field: [_l("Everybody of one side has no id.")]})
        return Known(kind, kind, None, _side_name(kind))
    found = _find(session, kind, ref, role) if isinstance(ref, str) else None
    if found is None:
        raise Invalid({field: [UNKNOWN]})
    return found


def _find(session: Session, kind: str, ref: str, role: str | None) -> Known | None:
    if kind == INTERNAL_ROLE:
        if ref not in set(INTERNAL_ROLES):
            return None
        return Known(f"{kind}:{ref}", kind, ref, str(role_names()[Role(ref)]))
    row = session.execute(_by_ref(kind).where(_ref_column(kind) == ref)).first()
    if row is None:
        return None
    key, public, name = row
    if kind == PARTNER_ACCOUNT:
        rank = _RANKS[role].rank if role is not None else 0
        return Known(f"{kind}:{key}:{rank}", kind, public, name, _RANKS[role] if rank and role else None)
    return Known(f"{kind}:{key}", kind, public, name)


def _ref_column(kind: str) -> Any:
    return _TABLES[kind].ref


_TABLES: dict[str, Any] = {
    USER: User,
    PARTNER_ACCOUNT: Account,
    ACCOUNT_TEAM: Account,
    PARTNER_LEVEL: PartnerLevel,
    QUEUE: Queue,
    GROUP: PublicGroup,
}


_NAMED: dict[str, Any] = {table.__tablename__: table for table in _TABLES.values()}


def _by_ref(kind: str) -> Select[Any, Any, Any]:
    """(key, public name, name) of those that can be chosen."""
    table = _TABLES[kind]
    statement = select(table.id, table.ref, table.name)
    if kind == USER:
        return statement.where(User.state != UserState.DEACTIVATED)
    if kind == QUEUE:
        return statement.where(Queue.deleted_at.is_(None))
    if kind in (PARTNER_ACCOUNT, ACCOUNT_TEAM):
        return statement.join(PartnerAccount, PartnerAccount.account_id == Account.id).where(
            scope(Account, _NAMING), Account.deleted_at.is_(None)
        )
    return statement


def _side_name(kind: str) -> str:
    return _("Everybody inside") if kind == ALL_INTERNAL else _("Every partner user")


# By key


def names_of(session: Session, principal_ids: Iterable[int]) -> dict[int, Known]:
    """Principal's id → what it is.  Two statements, whatever the number."""
    rows = session.execute(select(Principal.id, Principal.key).where(Principal.id.in_(set(principal_ids))))
    return names_of_keys(session, {row.id: row.key for row in rows})


def names_of_keys(session: Session, keys: Mapping[int, str]) -> dict[int, Known]:
    """Principal's id → what it is.  keys: id → key.  One statement; gone ones keep their key as name."""
    parts = {key_id: key.split(":") for key_id, key in keys.items()}
    wanted: dict[str, set[int]] = {table: set() for table in _NAMED}
    for kind, *rest in parts.values():
        if kind in _TABLES:
            wanted[_TABLES[kind].__tablename__].add(int(rest[0]))
    found: dict[tuple[str, int], tuple[str, str]] = {}
    if any(wanted.values()):
        rows = session.execute(_names(), {name: list(ids) for name, ids in wanted.items()})
        found = {(table, key): (ref, name) for table, key, ref, name in rows}
    return {key_id: _known(found, *part) for key_id, part in parts.items()}


@cache
def _names() -> Any:
    """(table, id, public name, name) of rows of every table that principals are of; made once."""
    selects = []
    for name, model in _NAMED.items():
        statement = select(literal(name), model.id, model.ref, model.name)
        if model is Account:
            statement = statement.where(scope(Account, _NAMING))
        selects.append(statement.where(model.id.in_(bindparam(name, expanding=True))))
    return union_all(*selects)


def _known(found: Mapping[tuple[str, int], tuple[str, str]], kind: str, *rest: str) -> Known:
    key = ":".join((kind, *rest))
    if kind in (ALL_INTERNAL, ALL_PARTNERS):
        return Known(key, kind, None, _side_name(kind))
    if kind == INTERNAL_ROLE:
        return Known(key, kind, rest[0], str(role_names()[Role(rest[0])]))
    ref, name = found.get((_TABLES[kind].__tablename__, int(rest[0])), (key, key))
    role = None
    if kind == PARTNER_ACCOUNT and rest[1] != "0":
        role = next(each for each in PARTNER_ROLES if each.rank == int(rest[1]))
    return Known(key, kind, ref, name, role)


def keep_principal(session: Session, key: str) -> int:
    """The id of the principal, stored when it is referred to for the first time.  Does not commit."""
    found = session.scalar(select(Principal.id).where(Principal.key == key))
    if found is not None:
        return found
    insert: Any = sqlite_insert if is_sqlite(session) else postgresql_insert
    # Two may refer to it for the first time at once: the second waits for the first, and finds it.
    statement = insert(Principal).values(key=key).on_conflict_do_nothing(index_elements=["key"])
    made = session.scalar(statement.returning(Principal.id))
    if made is None:
        made = session.scalars(select(Principal.id).where(Principal.key == key)).one()
    return int(made)


def keep_principals(session: Session, keys: Iterable[str]) -> dict[str, int]:
    """The ids of several, by their keys, in one statement; each stored when it is new.  Does not commit."""
    wanted = list(dict.fromkeys(keys))
    rows = session.execute(select(Principal.key, Principal.id).where(Principal.key.in_(wanted)))
    found = {key: each for key, each in rows}  # noqa: C416 - rows are no pairs to a type checker
    return {key: found[key] if key in found else keep_principal(session, key) for key in wanted}


def reaches_partners(session: Session, key: str) -> bool:
    """Whether partner users are, or may come to be, among those whom the principal stands for."""
    kind = key.partition(":")[0]
    if kind in OUTSIDE:
        return True
    if kind == USER:
        company = session.scalar(select(User.partner_account_id).where(User.id == int(key.split(":")[1])))
        return company is not None
    if kind != GROUP:
        return False
    members = session.scalars(
        select(Principal.key)
        .join(GroupReach, GroupReach.member_principal_id == Principal.id)
        .join(PublicGroup, PublicGroup.principal_id == GroupReach.group_principal_id)
        .where(PublicGroup.id == int(key.split(":")[1]))
    )
    return any(reaches_partners(session, member) for member in members if not member.startswith("group:"))
