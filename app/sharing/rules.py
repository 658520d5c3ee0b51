"""Who sees which records, and why: every rule of visibility, written once, as a labelled condition.

A rule reads the record's own columns (owner, queue, partner account), so a change of membership
recalculates nothing.  A list is the merge of its rules' first rows; each condition therefore fits
an index that ends in the sort key.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import ColumnElement, and_, case, exists, literal, or_, select

from app.accounts.models import Account, AccountResponsible, Contact
from app.kernel.actor import Actor, Level, Role
from app.kernel.db import Base
from app.leads.models import Lead, LeadRefusal

SHARED_TABLES = frozenset({"account", "contact", "lead"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason for which the actor is given records.

    level: what it gives.  offered: where this holds (a pending offer) it gives the preview only.
    is_whole: it gives every live record, so that other rules add nothing to a list.
    """

    cause: str
    level: Level
    where: ColumnElement[bool]
    offered: ColumnElement[bool] | None = None
    is_whole: bool = False

    def can_give(self, level: Level) -> bool:
        return self.level >= level

    def at_least(self, level: Level) -> ColumnElement[bool]:
        """The condition under which this rule gives at least `level`."""
        if self.offered is None or level <= Level.PREVIEW:
            return self.where
        return and_(self.where, ~self.offered)

    def given(self) -> ColumnElement[int]:
        """The level given to a row that satisfies `where`, as SQL."""
        if self.offered is None:
            return literal(int(self.level))
        return case((self.offered, int(Level.PREVIEW)), else_=int(self.level))


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


def _lead_rules(actor: Actor, live: ColumnElement[bool]) -> list[Rule]:
    if actor.is_partner:
        return _partner_lead_rules(actor, live)
    if actor.role is Role.ADMINISTRATOR:
        return [Rule("administrator", Level.FULL, live, is_whole=True)]
    rules = []
    if actor.default_lead_level is not None and not actor.sees_portfolio_only:
        # Ownership and the team of a partner account only raise the level of what the default gives.
        rules.append(Rule("default", _cap(actor, actor.default_lead_level), live, is_whole=True))
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
    return rules


def _partner_lead_rules(actor: Actor, live: ColumnElement[bool]) -> list[Rule]:
    offered = Lead.offer_id.is_not(None)
    rules = [Rule("owner", Level.EDIT, and_(live, Lead.owner_user_id == actor.user_id), offered)]
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


def _account_rules(actor: Actor) -> list[Rule]:
    live = Account.deleted_at.is_(None)
    if actor.is_partner:
        return [Rule("owner", Level.EDIT, and_(live, Account.owner_user_id == actor.user_id))]
    if actor.role is Role.ADMINISTRATOR:
        return [Rule("administrator", Level.FULL, live, is_whole=True)]
    rules = []
    if actor.default_account_level is not None and not actor.sees_portfolio_only:
        rules.append(Rule("default", _cap(actor, actor.default_account_level), live, is_whole=True))
    rules.append(Rule("owner", _cap(actor, Level.FULL), and_(live, Account.owner_user_id == actor.user_id)))
    answerable = select(AccountResponsible.account_id).where(AccountResponsible.user_id == actor.user_id)
    rules.append(Rule("account_team", _cap(actor, Level.EDIT), and_(live, Account.id.in_(answerable))))
    return rules


def _contact_rules(actor: Actor) -> list[Rule]:
    live = Contact.deleted_at.is_(None)
    own = Rule("owner", _cap(actor, Level.FULL), and_(live, Contact.owner_user_id == actor.user_id))
    if actor.is_partner:
        return [own]
    if actor.role is Role.ADMINISTRATOR:
        return [Rule("administrator", Level.FULL, live, is_whole=True)]
    rules = [own]
    has_account = Contact.account_id.is_not(None)
    if actor.default_account_level is not None and not actor.sees_portfolio_only:
        rules.append(Rule("default", _cap(actor, actor.default_account_level), and_(live, has_account)))
    team = or_(
        Contact.account_id.in_(
            select(AccountResponsible.account_id).where(AccountResponsible.user_id == actor.user_id)
        ),
        Contact.account_id.in_(select(Account.id).where(Account.owner_user_id == actor.user_id)),
    )
    rules.append(Rule("parent", _cap(actor, Level.EDIT), and_(live, has_account, team)))
    return rules


_RULES: dict[type[Base], Callable[[Actor], list[Rule]]] = {
    Lead: _live_lead_rules,
    Account: _account_rules,
    Contact: _contact_rules,
}
