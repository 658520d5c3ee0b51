"""Who sees which records, and why: every rule of visibility, written once, as a labelled condition.

A rule reads the record's own columns (owner, queue, partner account), or the grants that sharing rules
and shares by hand have stored for one of the actor's principals; a change of membership recalculates
nothing.  A list is the merge of its rules' first rows; each condition therefore fits an index that ends
in the sort key.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from app.accounts.models import Account, AccountResponsible, Contact
from app.campaigns.models import Campaign
from app.cases.models import Case
from app.documents.models import Document
from app.kernel.actor import Actor, Level, Permission, Role
from app.kernel.db import Base
from app.leads.models import Lead, LeadRefusal
from app.opportunities.models import Opportunity
from app.sharing.models import GrantSet, GrantSetState, SharingGrant
from app.sharing.rule import NOTHING_SUPPOSED, Grants, Rule, Supposed
from app.sharing.scoped import Scoped

Condition = ColumnElement[bool]
Column = InstrumentedAttribute[Any]
SHARED_TABLES = frozenset({"account", "case", "contact", "document", "lead", "opportunity"})


@lru_cache(maxsize=4096)
def rules_for(model: type[Base], actor: Actor) -> Sequence[Rule]:
    """The rules that apply to this actor on this model; none at all for a model nobody shares.

    Kept by the actor's whole value: somebody whose role or queues changed is another actor here.
    """
    return tuple(_RULES[model](actor))


def _cap(actor: Actor, level: Level) -> Level:
    """Viewers are capped at reading, whatever gives them a record."""
    return min(level, Level.READ) if actor.role is Role.VIEWER else level


def deleted_lead_rules(actor: Actor) -> Sequence[Rule]:
    """The rules that would give the actor a deleted lead if it were brought back."""
    return _lead_rules(actor, Lead.deleted_at.is_not(None))


def _live_lead_rules(actor: Actor) -> list[Rule]:
    return _lead_rules(actor, Lead.deleted_at.is_(None))


def in_force(
    principal_ids: Sequence[int], kind: str, level: Level = Level.READ, *, without: Sequence[int] = ()
) -> ColumnElement[bool]:
    """That a grant is to one of the principals, on that object, at that level at least, belongs to a set in
    force and has not ended.  without: sets that do not count.
    """
    # Said of the few that are not in force: a planner that joins with those that are takes their number for
    # the whole of what is to be read, and reads all grants of a principal to show fifty.
    idle = select(GrantSet.id).where(
        GrantSet.principal_id.in_(principal_ids),
        GrantSet.object == kind,
        GrantSet.state != GrantSetState.ACTIVE,
    )
    return and_(
        SharingGrant.principal_id.in_(principal_ids),
        SharingGrant.object == kind,
        SharingGrant.set_id.not_in(idle),
        or_(SharingGrant.until.is_(None), SharingGrant.until > func.now()),
        *([SharingGrant.level >= level] if level > Level.READ else []),
        *([SharingGrant.set_id.not_in(without)] if without else []),
    )


def in_force_on(kind: str, record_id: int) -> Select[int, int, Any]:
    """(principal, level, end) of every grant of one record that counts."""
    return (
        select(SharingGrant.principal_id, SharingGrant.level, SharingGrant.until)
        .join(GrantSet, and_(GrantSet.id == SharingGrant.set_id, GrantSet.state == GrantSetState.ACTIVE))
        .where(
            SharingGrant.object == kind,
            SharingGrant.record_id == record_id,
            or_(SharingGrant.until.is_(None), SharingGrant.until > func.now()),
        )
    )


def _shared_rules(
    model: type[Base], actor: Actor, live: ColumnElement[bool], *, to_follow: bool = False
) -> list[Rule]:
    """What sharing rules and shares by hand give to the actor's principals: one rule, if anything.

    What a change not yet made would give them comes beside it, a rule each.  to_follow: for what follows the record,
    which what conversions give does not count for.
    """
    kind, table = model.__tablename__, model.__table__
    supposed: Supposed = actor.supposed or NOTHING_SUPPOSED
    rules = [
        Rule("shared", _cap(actor, given.level), and_(live, given.where))
        for given in supposed.given
        if given.object == kind
    ]
    ids = tuple(principal_id for object_, principal_id in actor.shared if object_ == kind)
    if not ids:
        return rules

    def granted(level: Level) -> ColumnElement[bool]:
        held = in_force(ids, kind, level, without=supposed.ended)
        if to_follow:
            converted = select(GrantSet.id).where(
                GrantSet.principal_id.in_(ids), GrantSet.object == kind, GrantSet.is_conversion
            )
            held = and_(held, SharingGrant.set_id.not_in(converted))
        return exists().where(SharingGrant.record_id == table.c.id, held).correlate(table)

    highest = _cap(actor, Level.EDIT)
    only_read = ~granted(Level.EDIT) if highest > Level.READ else None
    where, grants = and_(live, granted(Level.READ)), Grants(ids, live, supposed.ended)
    return [*rules, Rule("shared", highest, where, unless=only_read, otherwise=Level.READ, grants=grants)]


def _by_default(
    level: Level | None, actor: Actor, where: ColumnElement[bool], *, is_whole: bool
) -> list[Rule]:
    """What everybody of the actor's side is given; a portfolio switches it off."""
    if level is None or actor.sees_portfolio_only:
        return []
    return [Rule("default", _cap(actor, level), where, is_whole=is_whole)]


def _lead_rules(actor: Actor, live: ColumnElement[bool]) -> list[Rule]:
    if actor.is_partner:
        # While a lead is offered to their company, its people see the preview, whatever else would give more.
        ours = and_(Lead.offer_id.is_not(None), func.coalesce(Lead.partner_account_id, 0) == actor.company_id)
        return [*_partner_lead_rules(actor, live), *_shared_rules(Lead, actor, and_(live, ~ours))]
    if actor.role is Role.ADMINISTRATOR:
        return [Rule("administrator", Level.FULL, live, is_whole=True)]
    # Everything else only raises the level of what the default gives.
    rules = _by_default(actor.default_lead_level, actor, live, is_whole=True)
    rules.append(Rule("owner", _cap(actor, Level.FULL), and_(live, Lead.owner_user_id == actor.user_id)))
    rules.extend(
        Rule(cause, _cap(actor, level), and_(live, Lead.partner_account_id.in_(account_ids)))
        for cause, level, account_ids in (
            ("channel_manager", Level.FULL, actor.managed_ids),
            ("account_team", Level.EDIT, actor.answerable_ids),
        )
        if account_ids
    )
    rules.extend(
        Rule("queue", _cap(actor, Level.READ), and_(live, Lead.owner_queue_id == q)) for q in actor.queue_ids
    )
    rules.extend(_shared_rules(Lead, actor, live))
    return rules


def _partner_lead_rules(actor: Actor, live: ColumnElement[bool]) -> list[Rule]:
    offered = Lead.offer_id.is_not(None)
    rules = _by_default(actor.default_lead_level, actor, live, is_whole=True)
    rules.append(Rule("owner", Level.EDIT, and_(live, Lead.owner_user_id == actor.user_id), offered))
    rules.extend(
        Rule(
            "role_hierarchy",
            Level.EDIT,
            and_(live, Lead.partner_account_id == actor.company_id, Lead.owner_rank == rank),
            offered,
        )
        for rank in range(actor.rank)
    )
    # A company that declined a lead, or let its offer lapse, is not shown it in a queue again.
    refused = exists().where(LeadRefusal.lead_id == Lead.id, LeadRefusal.company_id == actor.company_id)
    rules.extend(
        Rule("queue", Level.PREVIEW, and_(live, Lead.owner_queue_id == queue_id, ~refused))
        for queue_id in actor.queue_ids
    )
    return rules


def rules_of_merged(model: type[Base], actor: Actor) -> Sequence[Rule]:
    """The rules that would give the actor an account or a contact that became part of another, were it still there.

    Its shares and whoever was answerable for it went along with the merge: what those gave is not counted.
    """
    if model is Account:
        return _account_rules(actor, Account.merged_into_id.is_not(None))
    return _contact_rules(actor, Contact.merged_into_id.is_not(None))


def rules_of_deleted(model: type[Base], actor: Actor) -> Sequence[Rule]:
    """The rules that would give the actor a deleted account or contact if it were brought back."""
    gone = and_(model.deleted_at.is_not(None), model.merged_into_id.is_(None))  # type: ignore[attr-defined]
    return _account_rules(actor, gone) if model is Account else _contact_rules(actor, gone)


def _is_nameless(actor: Actor, view: Permission) -> bool:
    """Whether it must not be called anything to partner people, from whom names of leads are hidden: it is then nowhere.

    Not only its page: its name stands beside activities, opportunities, documents and what a lead became.
    """
    return actor.is_partner and not actor.can(view)


def _live_account_rules(actor: Actor) -> list[Rule]:
    return _account_rules(actor, Account.deleted_at.is_(None))


def _live_contact_rules(actor: Actor) -> list[Rule]:
    return _contact_rules(actor, Contact.deleted_at.is_(None))


def _account_rules(actor: Actor, live: ColumnElement[bool]) -> list[Rule]:
    if _is_nameless(actor, Permission.ACCOUNT_VIEW):
        return []
    if actor.role is Role.ADMINISTRATOR:
        return [Rule("administrator", Level.FULL, live, is_whole=True)]
    rules = _by_default(actor.default_account_level, actor, live, is_whole=True)
    rules.extend(_shared_rules(Account, actor, live))
    if actor.is_partner:
        return [*rules, Rule("owner", Level.EDIT, and_(live, Account.owner_user_id == actor.user_id))]
    rules.append(Rule("owner", _cap(actor, Level.FULL), and_(live, Account.owner_user_id == actor.user_id)))
    theirs = (AccountResponsible.account_id, AccountResponsible.user_id == actor.user_id)
    return [*rules, _of_accounts("account_team", actor, live, Account.id, *theirs)]


def _contact_rules(actor: Actor, live: ColumnElement[bool]) -> list[Rule]:
    if _is_nameless(actor, Permission.CONTACT_VIEW):
        return []
    if actor.role is Role.ADMINISTRATOR:
        return [Rule("administrator", Level.FULL, live, is_whole=True)]
    own_level = Level.EDIT if actor.is_partner else Level.FULL
    rules = [Rule("owner", _cap(actor, own_level), and_(live, Contact.owner_user_id == actor.user_id))]
    # One without an account is its owner's alone, whatever else would give it.
    of_account = and_(live, Contact.account_id.is_not(None))
    by_default = _by_default(actor.default_contact_level, actor, of_account, is_whole=False)
    further = [*_shared_rules(Contact, actor, of_account), *_of_shared_accounts(actor, of_account)]
    if not actor.is_partner:
        further += _of_team_accounts("parent", actor, of_account, Contact.account_id)
    covered = by_default[0].level if by_default else None
    return [*rules, *by_default, *(replace(rule, covered=covered) for rule in further)]


def _of_team_accounts(cause: str, actor: Actor, live: Condition, account_id: Column) -> list[Rule]:
    """What is of the accounts that the person is answerable for, and of those that they own.

    Two rules rather than one with an OR, so that each fits the index of the account.
    """
    answerable, own = AccountResponsible.user_id == actor.user_id, Account.owner_user_id == actor.user_id
    return [
        _of_accounts(cause, actor, live, account_id, AccountResponsible.account_id, answerable),
        _of_accounts(cause, actor, live, account_id, Account.id, own),
    ]


def _of_accounts(
    cause: str, actor: Actor, live: Condition, account_id: Column, key: Column, theirs: Condition
) -> Rule:
    """What is of accounts that the person has a part in.  key, theirs: where these accounts are told, and as whose."""
    # Of one row its own account is looked up: who has many would have them all read for it.
    where = and_(live, exists().where(key == account_id, theirs).correlate(account_id.table))
    by_index = and_(live, account_id.in_(select(key).where(theirs)))
    return Rule(cause, _cap(actor, Level.EDIT), where, by_index=by_index)


def deleted_case_rules(actor: Actor) -> Sequence[Rule]:
    """The rules that would give the actor a deleted case if it were brought back."""
    return _case_rules(actor, Case.deleted_at.is_not(None))


def _live_case_rules(actor: Actor) -> list[Rule]:
    return _case_rules(actor, Case.deleted_at.is_(None))


def _case_rules(actor: Actor, live: ColumnElement[bool]) -> list[Rule]:
    """A case stands for itself: who sees its account or its contact does not see it for that."""
    if actor.role is Role.ADMINISTRATOR:
        return [Rule("administrator", Level.FULL, live, is_whole=True)]
    rules = _by_default(actor.default_case_level, actor, live, is_whole=True)
    rules.extend(_shared_rules(Case, actor, live))
    own = and_(live, Case.owner_user_id == actor.user_id)
    if actor.is_partner:
        return [*rules, Rule("owner", Level.EDIT, own)]
    rules.append(Rule("owner", _cap(actor, Level.FULL), own))
    return [*rules, *_of_team_accounts("account_team", actor, live, Case.account_id)]


def deleted_opportunity_rules(actor: Actor) -> Sequence[Rule]:
    """The rules that would give the actor a deleted opportunity if it were brought back."""
    return _opportunity_rules(actor, Opportunity.deleted_at.is_not(None))


def _live_opportunity_rules(actor: Actor) -> list[Rule]:
    return _opportunity_rules(actor, Opportunity.deleted_at.is_(None))


def _opportunity_rules(actor: Actor, live: ColumnElement[bool]) -> list[Rule]:
    """Like a case it stands for itself; whom it belongs to on a partner's side sees it as they do leads."""
    if actor.role is Role.ADMINISTRATOR:
        return [Rule("administrator", Level.FULL, live, is_whole=True)]
    rules = _by_default(actor.default_opportunity_level, actor, live, is_whole=True)
    rules.extend(_shared_rules(Opportunity, actor, live))
    own = and_(live, Opportunity.owner_user_id == actor.user_id)
    of_partner = Opportunity.partner_account_id
    if actor.is_partner:
        rules.append(Rule("owner", Level.EDIT, own))
        rules.extend(
            Rule(
                "role_hierarchy",
                Level.EDIT,
                and_(live, of_partner == actor.company_id, Opportunity.owner_rank == rank),
            )
            for rank in range(actor.rank)
        )
        return rules
    rules.append(Rule("owner", _cap(actor, Level.FULL), own))
    rules.extend(
        Rule(cause, _cap(actor, level), and_(live, of_partner.in_(account_ids)))
        for cause, level, account_ids in (
            ("channel_manager", Level.FULL, actor.managed_ids),
            ("account_team", Level.EDIT, actor.answerable_ids),
        )
        if account_ids
    )
    return [*rules, *_of_team_accounts("account_team", actor, live, Opportunity.account_id)]


def _of_shared_accounts(actor: Actor, of_account: ColumnElement[bool]) -> list[Rule]:
    """A contact follows its account: what is shared of the account is shared of its contacts."""

    def marked(condition: ColumnElement[bool]) -> ColumnElement[bool]:
        # For the level given stands outside the contacts' own scope.
        return Scoped(condition, Account.__tablename__)

    def is_of(condition: ColumnElement[bool]) -> ColumnElement[bool]:
        its = exists().where(Account.id == Contact.account_id, marked(condition))
        return its.correlate(Contact.__table__)

    return [
        Rule(
            "parent",
            rule.level,
            and_(of_account, is_of(rule.where)),
            unless=None if rule.unless is None else is_of(rule.unless),
            otherwise=rule.otherwise,
            by_index=and_(of_account, Contact.account_id.in_(select(Account.id).where(marked(rule.where)))),
        )
        for rule in _shared_rules(Account, actor, Account.deleted_at.is_(None), to_follow=True)
    ]


def _campaign_rules(actor: Actor) -> list[Rule]:
    """Campaigns are not shared one by one: whose role has them has them all, and no partner has any."""
    if actor.is_partner or not actor.can(Permission.CAMPAIGN_VIEW):
        return []
    level = Level.FULL if actor.can(Permission.CAMPAIGN_EDIT) else Level.READ
    return [Rule("default", level, true(), is_whole=True)]


def _document_rules(actor: Actor) -> list[Rule]:
    from app.sharing.following import rules_of_documents  # which stands on the rules above

    return rules_of_documents(actor)


_RULES: dict[type[Base], Callable[[Actor], list[Rule]]] = {
    Lead: _live_lead_rules,
    Account: _live_account_rules,
    Contact: _live_contact_rules,
    Case: _live_case_rules,
    Opportunity: _live_opportunity_rules,
    Document: _document_rules,
    Campaign: _campaign_rules,
}
