"""Choosing a principal on a page: first of which type, then which one; by itself, without script too."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.identity.models import User, UserState
from app.identity.roles import role_names
from app.kernel import labels
from app.kernel.actor import INTERNAL_ROLES, PARTNER_ROLES, Actor, Permission
from app.kernel.fold import fold
from app.partners.models import PartnerAccount, PartnerLevel
from app.routing.models import Queue
from app.sharing.models import PublicGroup
from app.sharing.principals import (
    ACCOUNT_TEAM,
    ALL_INTERNAL,
    ALL_PARTNERS,
    GROUP,
    INTERNAL_ROLE,
    PARTNER_ACCOUNT,
    PARTNER_LEVEL,
    QUEUE,
    USER,
    Known,
)
from app.sharing.scope import scope

MOST_OFFERED = 50
LONGEST_SEARCH = 80
# Pickers name all people and companies to whoever keeps rules, whichever of them they see in their lists.
_NAMING = Actor.system("names to share with")
# What is typed for a long list; the others are short.
SEARCHED = frozenset({USER, PARTNER_ACCOUNT, ACCOUNT_TEAM, QUEUE, GROUP})
_WITHOUT_LIST = frozenset({ALL_INTERNAL, ALL_PARTNERS})

Pairs = Sequence[tuple[str, str]]


@dataclass(slots=True)
class Picker:
    """A choice as it stands in a form.  name: what its fields begin with.

    offered: (public name, name) of those that can be chosen of the type.  is_cut: there are more.
    """

    name: str
    type: str = ""
    ref: str = ""
    role: str = ""
    search: str = ""
    offered: Pairs = ()
    is_cut: bool = False
    errors: list[str] = field(default_factory=list)

    @property
    def has_list(self) -> bool:
        return bool(self.type) and self.type not in _WITHOUT_LIST

    @property
    def is_searched(self) -> bool:
        """Whether the list is too long to be looked through."""
        return self.type in SEARCHED and (self.is_cut or bool(self.search))

    @property
    def takes_role(self) -> bool:
        return self.type == PARTNER_ACCOUNT

    def given(self) -> dict[str, Any]:
        """What was chosen, as `find_principal` takes it."""
        given: dict[str, Any] = {"type": self.type}
        if self.has_list:
            given["id"] = self.ref
        if self.takes_role and self.role:
            given["role"] = self.role
        return given


def read_picker(form: Mapping[str, str], name: str) -> Picker:
    """The choice that was sent."""
    return Picker(
        name,
        type=form.get(f"{name}_type", ""),
        ref=form.get(f"{name}_id", ""),
        role=form.get(f"{name}_role", ""),
        search=form.get(f"{name}_q", "").strip()[:LONGEST_SEARCH],
    )


def picker_of(known: Known, name: str) -> Picker:
    """A stored choice."""
    return Picker(name, type=known.type, ref=known.ref or "", role=known.role.value if known.role else "")


def offer(session: Session, actor: Actor, picker: Picker) -> Picker:
    """Fill in whom the picker offers the actor; what is chosen already stays among them."""
    if not picker.has_list:
        return picker
    everybody = _all_of(session, actor, picker.type)
    wanted = fold(picker.search)
    found = [pair for pair in everybody if not wanted or wanted in fold(pair[1])]
    chosen = [pair for pair in everybody if pair[0] == picker.ref]
    shown = found[:MOST_OFFERED]
    picker.offered = [*(pair for pair in chosen if pair not in shown), *shown]
    picker.is_cut = len(found) > len(shown)
    return picker


def type_choices() -> Pairs:
    """The types of principal, as they are called; the likeliest first."""
    return [
        (GROUP, _("Public group")),
        (USER, labels.one("user", title=True)),
        (INTERNAL_ROLE, _("Internal role")),
        (PARTNER_ACCOUNT, labels.one("partner_account", title=True)),
        (ACCOUNT_TEAM, _("Team of a partner account")),
        (PARTNER_LEVEL, labels.one("partner_level", title=True)),
        (QUEUE, labels.one("queue", title=True)),
        (ALL_INTERNAL, _("Everybody inside")),
        (ALL_PARTNERS, _("Every partner user")),
    ]


def role_choices() -> Pairs:
    """Of a partner account: everybody, or a role and those above it."""
    names = (_("Everybody there"), _("Managers and executives"), _("Executives"))
    values = ("", *(role.value for role in PARTNER_ROLES[1:]))
    return list(zip(values, names, strict=True))


def users_named(session: Session, actor: Actor, search: str, *, most: int = 20) -> Pairs:
    """(public name, name and company) of people whose name or company has that in it."""
    wanted = fold(search)
    return [pair for pair in _users(session, actor) if wanted in fold(pair[1])][:most] if wanted else []


def _named_to(actor: Actor) -> Actor:
    """As whom companies are read that are named to the actor: those who keep rules know all, others what they see."""
    return _NAMING if actor.can(Permission.SHARING_MANAGE) else actor


def _all_of(session: Session, actor: Actor, kind: str) -> Pairs:
    if kind == USER:
        return _users(session, actor)
    if kind == INTERNAL_ROLE:
        return [(role.value, str(role_names()[role])) for role in INTERNAL_ROLES]
    statement: Any = None
    if kind in (PARTNER_ACCOUNT, ACCOUNT_TEAM):
        statement = (
            select(Account.ref, Account.name)
            .join(PartnerAccount, PartnerAccount.account_id == Account.id)
            .where(scope(Account, _named_to(actor)), Account.deleted_at.is_(None))
            .order_by(Account.name_fold, Account.id)
        )
    elif kind == PARTNER_LEVEL:
        statement = select(PartnerLevel.ref, PartnerLevel.name).order_by(PartnerLevel.position)
    elif kind == QUEUE:
        statement = select(Queue.ref, Queue.name).where(Queue.deleted_at.is_(None)).order_by(Queue.name_fold)
    elif kind == GROUP:
        statement = select(PublicGroup.ref, PublicGroup.name).order_by(PublicGroup.name_fold)
    return [] if statement is None else _pairs(session.execute(statement))


def _users(session: Session, actor: Actor) -> Pairs:
    """Colleagues first, then users of the partners that the actor may know of, by company."""
    rows = session.execute(
        select(User.ref, User.name, Account.name)
        .outerjoin(Account, and_(Account.id == User.partner_account_id, scope(Account, _named_to(actor))))
        .where(
            User.state != UserState.DEACTIVATED,
            or_(User.partner_account_id.is_(None), Account.id.is_not(None)),
        )
        .order_by(User.partner_account_id.is_not(None), Account.name_fold, User.name, User.id)
    )
    return [(ref, f"{company} · {name}" if company else name) for ref, name, company in rows]


def _pairs(rows: Iterable[Any]) -> Pairs:
    return [(ref, name) for ref, name in rows]
