"""Levels, principals, rules and causes in words, with the pages that they are linked to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from app.accounts.fields import ACCOUNT_FIELDS, CONTACT_FIELDS
from app.accounts.models import Account
from app.cases.fields import CASE_FIELDS
from app.fields.catalogue import catalogue
from app.fields.criteria_words import shows_values
from app.identity.models import User
from app.identity.roles import role_names
from app.kernel import labels
from app.kernel.actor import Actor, Level, Permission, Role
from app.kernel.db import db
from app.kernel.errors import Invalid
from app.leads.fields import FIELDS
from app.opportunities.fields import OPPORTUNITY_FIELDS
from app.partners.models import PartnerLevel
from app.routing.criteria import parse
from app.routing.criteria_words import describe
from app.routing.models import Queue
from app.sharing.consequences import Count
from app.sharing.explain import Cause, Grant, Grantee
from app.sharing.models import PublicGroup, SharingRule
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
from app.sharing.subjects import SUBJECTS
from app.web.filters import number

ICONS: Mapping[str, str] = {
    USER: "user",
    INTERNAL_ROLE: "shield",
    PARTNER_ACCOUNT: "building",
    ACCOUNT_TEAM: "users",
    PARTNER_LEVEL: "star",
    QUEUE: "layers",
    GROUP: "users",
    ALL_INTERNAL: "home",
    ALL_PARTNERS: "handshake",
}
_LABELS: Mapping[str, Mapping[str, Any]] = {
    "lead": FIELDS,
    "account": ACCOUNT_FIELDS,
    "contact": CONTACT_FIELDS,
    "opportunity": OPPORTUNITY_FIELDS,
    "case": CASE_FIELDS,
}
# The names stand on pages of those who may ask who sees a record, or whose own way in they tell.
_NAMING = Actor.system("names of causes")


@dataclass(frozen=True, slots=True)
class Who:
    """A principal as a line shows it.  note: what it is, "" where the name says it."""

    name: str
    note: str
    icon: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """A cause as a line shows it.  share: public name of the share by hand that gives it, else ""."""

    text: str
    url: str = ""
    share: str = ""


def level_words(level: Level) -> str:
    """What is given, as a badge."""
    return {
        Level.PREVIEW: _("Preview"),
        Level.READ: _("Reads"),
        Level.EDIT: _("Edits"),
        Level.FULL: _("Everything"),
    }[level]


def count_words(count: Count) -> str:
    """ "1,234", or "more than 10,000"."""
    if count.is_more and count.number:
        return _("more than %(number)s", number=number(count.number))
    return number(count.number)


def level_tone(level: Level) -> str:
    return {Level.PREVIEW: "grey", Level.READ: "blue", Level.EDIT: "green", Level.FULL: "violet"}[level]


def who_of(known: Known, actor: Actor) -> Who:
    """A principal that was chosen, linked where the actor may go."""
    url = _page(known.type, known.ref, actor)
    return Who(known.name, _note(known.type, known.role), ICONS[known.type], url)


def sentence_of(known: Known) -> str:
    """A principal within a sentence: "Northwind (managers and executives)"."""
    note = _note(known.type, known.role)
    return f"{known.name} ({note})" if note else known.name


def _note(kind: str, role: Role | None = None) -> str:
    if kind == PARTNER_ACCOUNT:
        return {
            None: _("everybody there"),
            Role.MANAGER: _("managers and executives"),
            Role.EXECUTIVE: _("executives"),
        }.get(role, "")
    return {
        INTERNAL_ROLE: _("internal role"),
        ACCOUNT_TEAM: _("its owner and the people responsible for it"),
        PARTNER_LEVEL: labels.one("partner_level"),
        QUEUE: _("members of the queue"),
        GROUP: _("public group"),
    }.get(kind, "")


_PAGES: Mapping[str, tuple[str, str]] = {
    USER: ("users.show", "user_ref"),
    PARTNER_ACCOUNT: ("partners.show", "account_ref"),
    ACCOUNT_TEAM: ("accounts.show", "account_ref"),
    QUEUE: ("queues.show", "queue_ref"),
    GROUP: ("groups.show", "group_ref"),
}


_NEEDED: Mapping[str, Permission] = {
    USER: Permission.USER_VIEW,
    PARTNER_ACCOUNT: Permission.PARTNER_VIEW,
    GROUP: Permission.SHARING_MANAGE,
}


def _page(kind: str, ref: str | None, actor: Actor) -> str:
    needed = _NEEDED.get(kind)
    if kind not in _PAGES or ref is None or (needed is not None and not actor.can(needed)):
        return ""
    endpoint, argument = _PAGES[kind]
    return url_for(endpoint, **{argument: ref}) if endpoint in current_app.view_functions else ""  # type: ignore[arg-type]


def criteria_words(object_: str, criteria: Mapping[str, Any]) -> str:
    """Stored criteria in a sentence; one that cannot be understood any more says so."""
    try:
        parsed = parse(dict(criteria) or None, SUBJECTS[object_].fields)
    except Invalid:
        return _("conditions that cannot be understood any more")
    if parsed.matches_everything:
        return _("every one")
    own = catalogue(db.session()).active(object_)
    named = {name: str(field.label) for name, field in {**_LABELS[object_], **own}.items()}
    language = str(get_locale() or "en")
    return describe(parsed, named, _, language=language, show=shows_values(own, _, language))


def rule_words(rule: SharingRule, names: Mapping[int, Known]) -> str:
    """Which records a rule gives.  names: principal's id → what it is."""
    if rule.owned_by_id is not None:
        return _("owned by %(who)s", who=sentence_of(names[rule.owned_by_id]))
    return criteria_words(rule.object, rule.criteria)


def field_choices(object_: str) -> Sequence[tuple[str, str]]:
    """The fields that criteria may name, as they are called, by their names."""
    known = {**_LABELS[object_], **catalogue(db.session()).active(object_)}
    pairs = ((name, str(known[name].label)) for name in SUBJECTS[object_].fields)
    return sorted(pairs, key=lambda pair: pair[1].casefold())


class Naming:
    """Names of the principals and causes of some grants, looked up together: one statement for each kind."""

    def __init__(
        self, session: Session, actor: Actor, grants: Iterable[Grant], causes: Iterable[Cause] = ()
    ) -> None:
        self.actor = actor
        wanted: dict[str, set[str]] = {}
        for grant in grants:
            if grant.to.ref is not None and grant.to.type != INTERNAL_ROLE:
                wanted.setdefault(_table(grant.to.type), set()).add(grant.to.ref)
            causes = [*causes, *grant.causes]
        for cause in causes:
            if cause.ref is not None and cause.type in _OF_CAUSE:
                wanted.setdefault(_OF_CAUSE[cause.type], set()).add(cause.ref)
        self.names = {kind: _names(session, kind, found) for kind, found in wanted.items()}

    def who(self, to: Grantee) -> Who:
        """A principal of a grant."""
        if to.type == ALL_INTERNAL:
            return Who(_("Everybody inside"), "", ICONS[to.type])
        if to.type == ALL_PARTNERS:
            return Who(_("Every partner user"), "", ICONS[to.type])
        if to.type == INTERNAL_ROLE:
            return Who(str(role_names()[Role(to.ref or "")]), _note(to.type), ICONS[to.type])
        if to.type == ACCOUNT_TEAM and to.ref is None:  # of an account that the reader does not see
            return Who(_("account team"), _note(to.type), ICONS[to.type])
        ref = to.ref or ""
        name = self.names[_table(to.type)].get(ref, ref)
        if to.type == ACCOUNT_TEAM:
            name = _("Team of %(account)s", account=name)
        return Who(name, _note(to.type, to.role), ICONS[to.type], self._url(to.type, to.ref))

    def why(self, cause: Cause, to: Grantee | None = None) -> Why:
        """A cause as those who may ask who sees a record read it.  Partner users read no names.

        to: the principal in whose line it stands, which then need not be named again.
        """
        name = self.names.get(_OF_CAUSE.get(cause.type, ""), {}).get(cause.ref or "", "")
        if self.actor.is_partner or (cause.ref is None and cause.type in ("account_team", "parent")):
            return Why(cause_words(cause.type))
        if to is not None and to.ref == cause.ref:
            if (to.type, cause.type) == (QUEUE, "queue"):
                return Why(_("it waits there"), self._url(QUEUE, cause.ref))
            if (to.type, cause.type) == (ACCOUNT_TEAM, "account_team"):
                return Why(_("account team"), self._url(ACCOUNT_TEAM, cause.ref))
        match cause.type:
            case "queue":
                text = _("member of the queue “%(name)s”", name=name)
                return Why(text, self._url(QUEUE, cause.ref))
            case "channel_manager":
                text = _("channel manager of %(name)s", name=name)
                return Why(text, self._url(PARTNER_ACCOUNT, cause.ref))
            case "account_team":
                return Why(_("responsible for %(name)s", name=name), self._url(ACCOUNT_TEAM, cause.ref))
            case "parent":
                return Why(_("the account %(name)s", name=name), self._url(ACCOUNT_TEAM, cause.ref))
            case "sharing_rule":
                may = self.actor.can(Permission.SHARING_MANAGE)
                url = url_for("sharing_rules.show", rule_ref=cause.ref) if may and cause.ref else ""
                return Why(_("rule “%(name)s”", name=name), url)
            case "manual_share":
                return Why(_("shared by hand"), share=cause.ref or "")
            case "default":
                may = self.actor.can(Permission.SETTING_MANAGE)
                return Why(_("organisation-wide default"), url_for("sharing_defaults.show") if may else "")
        return Why(cause_words(cause.type))

    def _url(self, kind: str, ref: str | None) -> str:
        return _page(kind, ref, self.actor)


def cause_words(cause: str) -> str:
    """A cause without names."""
    return {
        "administrator": _("administrators have everything"),
        "default": _("organisation-wide default"),
        "owner": _("ownership"),
        "offer": _("an offer"),
        "role_hierarchy": _("a role above its owner's in the company"),
        "queue": _("member of the queue in which it waits"),
        "channel_manager": _("channel manager of the company"),
        "account_team": _("responsible for the company"),
        "parent": _("its account"),
        "shared": _("a sharing rule or a share by hand"),
        "sharing_rule": _("a sharing rule"),
        "manual_share": _("shared by hand"),
        "conversion": _("saw the lead that became it"),
    }.get(cause, cause.replace("_", " "))


# Whose public name a cause holds.
_OF_CAUSE: Mapping[str, str] = {
    "queue": QUEUE,
    "channel_manager": PARTNER_ACCOUNT,
    "account_team": PARTNER_ACCOUNT,
    "parent": PARTNER_ACCOUNT,
    "sharing_rule": "sharing_rule",
}


def _table(kind: str) -> str:
    return PARTNER_ACCOUNT if kind == ACCOUNT_TEAM else kind


def _names(session: Session, kind: str, refs: Iterable[str]) -> dict[str, str]:
    refs = list(refs)
    if kind == USER:
        rows = session.execute(
            select(User.ref, User.name, Account.name)
            .outerjoin(Account, and_(Account.id == User.partner_account_id, scope(Account, _NAMING)))
            .where(User.ref.in_(refs))
        )
        return {ref: f"{name}, {company}" if company else name for ref, name, company in rows}
    tables: Mapping[str, Any] = {
        PARTNER_LEVEL: PartnerLevel,
        QUEUE: Queue,
        GROUP: PublicGroup,
        "sharing_rule": SharingRule,
        PARTNER_ACCOUNT: Account,
    }
    table = tables[kind]
    statement = select(table.ref, table.name).where(table.ref.in_(refs))
    if table is Account:
        statement = statement.where(scope(Account, _NAMING))
    return {ref: name for ref, name in session.execute(statement)}  # noqa: C416 - rows are no pairs to mypy
