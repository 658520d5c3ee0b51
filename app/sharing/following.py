"""Who sees a document: whoever reads the record that it is on, and of the library whom the default lets.

Each reason for which somebody has a record is a reason for which they have its documents, with the same name.
Whoever may change the record may change them.  Partner people see none that is internal, none that another
partner company attached, and change only what their own attached.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from app.accounts.models import Account, Contact
from app.cases.models import Case
from app.documents.models import Document
from app.kernel.actor import Actor, Level, Permission, Role
from app.leads.models import Lead
from app.opportunities.models import Opportunity
from app.sharing.models import SharingGrant
from app.sharing.rule import Followed, Rule
from app.sharing.rules import in_force, rules_for
from app.sharing.scoped import Scoped

# Whoever may not open records of a kind sees nothing that is on them.
_KINDS: tuple[tuple[Any, InstrumentedAttribute[int | None], Permission], ...] = (
    (Lead, Document.lead_id, Permission.LEAD_VIEW),
    (Account, Document.account_id, Permission.ACCOUNT_VIEW),
    (Contact, Document.contact_id, Permission.CONTACT_VIEW),
    (Case, Document.case_id, Permission.CASE_VIEW),
    (Opportunity, Document.opportunity_id, Permission.OPPORTUNITY_VIEW),
)
# Reasons that give most of all records: a document's own record is looked up for them.  Of the others the
# records may be few, and lists then find their documents by them.
_BROAD = frozenset({"administrator", "default"})
# Reasons that give a partner's people what their own company holds of these.
_HELD, _OWN = (Lead, Opportunity), frozenset({"owner", "role_hierarchy"})
_LIVE = Document.deleted_at.is_(None)
_LIBRARY = and_(*(column.is_(None) for _model, column, _permission in _KINDS))


def rules_of_documents(actor: Actor) -> list[Rule]:
    """The reasons for which the actor sees documents, those that give most first."""
    rules = _broad(actor)
    for model, column, permission in _KINDS:
        if not actor.can(permission):
            continue
        of_kind = [rule for rule in rules_for(model, actor) if rule.can_give(Level.READ)]
        covered = max((rule.level for rule in of_kind if rule.cause in _BROAD), default=None)
        for rule in of_kind:
            if rule.cause not in _BROAD:
                rules.append(_narrow(actor, model, column, rule, covered))
                if covered is not None and model is Contact and rule.cause == "owner":
                    rules.append(_of_private_contacts(actor, rule))
    if actor.is_partner:
        return rules
    own = and_(_LIBRARY, Document.created_by_id == actor.user_id)
    rules.append(replace(_rule(actor, "owner", own, own), covered=_of_library(actor)))
    return rules


def gives_whole_kinds(actor: Actor) -> bool:
    """Whether the default gives the actor all records of a kind, and with them what is on these."""
    return any(
        rule.cause in _BROAD and rule.can_give(Level.READ)
        for model, _column, permission in _KINDS
        if actor.can(permission)
        for rule in rules_for(model, actor)
    )


def _narrow(
    actor: Actor, model: Any, column: InstrumentedAttribute[int | None], rule: Rule, covered: Level | None
) -> Rule:
    """What a reason gives of the documents of its records: each document's own record is looked up.

    covered: the level at which the default gives them all, so that it adds none to a list; else lists may find the
    documents by the records.
    """
    read = and_(column.is_not(None), _looked_up(model, column, rule.at_least(Level.READ)))
    edit = _looked_up(model, column, rule.at_least(Level.EDIT)) if rule.can_give(Level.EDIT) else None
    followed = _followed(actor, model, column, rule) if covered is None else None
    return replace(_rule(actor, rule.cause, read, edit), covered=covered, followed=followed)


def _of_private_contacts(actor: Actor, rule: Rule) -> Rule:
    """The default gives no contact without an account: its owner alone has what is on it."""
    private = and_(rule.where, Contact.account_id.is_(None))
    column = Document.contact_id
    read = and_(column.is_not(None), _looked_up(Contact, column, private))
    found = _rule(actor, rule.cause, read, read if rule.can_give(Level.EDIT) else None)
    keys = select(Contact.id).where(_marked(Contact, private))
    return replace(found, followed=Followed(keys, _seen(actor, _of_those(column, keys)), _LIVE))


def _broad(actor: Actor) -> list[Rule]:
    """What the default, or being an administrator, gives of all kinds together: one walk along the list."""
    read, edit = [], []
    for model, column, permission in _KINDS:
        for rule in rules_for(model, actor) if actor.can(permission) else ():
            if rule.cause in _BROAD and rule.can_give(Level.READ):
                here = and_(
                    column.is_not(None), exists().where(model.id == column, _marked(model, rule.where))
                )
                read.append(here)
                if rule.can_give(Level.EDIT):
                    edit.append(here)
    level = _of_library(actor)
    if level is not None:
        read.append(_LIBRARY)
        if level >= Level.EDIT:
            edit.append(_LIBRARY)
    if not read:
        return []
    given = or_(false(), *read)
    if actor.role is Role.ADMINISTRATOR:
        where = and_(_LIVE, given)
        return [Rule("administrator", Level.FULL, where, is_whole=True)]
    changed = given if len(edit) == len(read) else or_(*edit) if edit else None
    return [_rule(actor, "default", given, changed)]


def _of_library(actor: Actor) -> Level | None:
    if actor.role is Role.ADMINISTRATOR:
        return Level.FULL
    return None if actor.sees_portfolio_only else actor.default_document_level


def _rule(actor: Actor, cause: str, read: ColumnElement[bool], edit: ColumnElement[bool] | None) -> Rule:
    """A rule that gives reading where `read` holds and, among those, changing where `edit` does."""
    where = _seen(actor, read)
    if edit is None or actor.role is Role.VIEWER:
        return Rule(cause, Level.READ, where)
    own = func.coalesce(Document.company_id, 0) == actor.company_id
    if edit is read and not actor.is_partner:
        return Rule(cause, Level.EDIT, where)
    unless = not_(and_(edit, own) if actor.is_partner else edit)
    return Rule(cause, Level.EDIT, where, unless=unless, otherwise=Level.READ)


def _seen(actor: Actor, held: ColumnElement[bool]) -> ColumnElement[bool]:
    """Live documents of which that holds, of the actor's side."""
    if not actor.is_partner:
        return and_(_LIVE, held)
    ours = or_(Document.company_id.is_(None), Document.company_id == actor.company_id)
    return and_(_LIVE, held, Document.is_internal.is_(False), ours)


def _looked_up(
    model: Any, column: InstrumentedAttribute[int | None], given: ColumnElement[bool]
) -> ColumnElement[bool]:
    """That the document's record is among those given, looked at for each document.

    Not EXISTS, which a planner may turn round: it would read all records that are given.
    """
    record = select(model.id).where(model.id == column, _marked(model, given)).limit(1)
    return record.correlate(Document).scalar_subquery().is_not(None)


def _followed(actor: Actor, model: Any, column: InstrumentedAttribute[int | None], rule: Rule) -> Followed:
    """The same, by the records' own index or by their grants."""
    if rule.grants is None:
        rule = rule.as_listed()
        keys = select(model.id).where(_marked(model, rule.at_least(Level.READ)))
        # Counted with those that are given at less, as indexes hold them.
        every = select(model.id).where(_marked(model, rule.where))
        is_held = actor.is_partner and model in _HELD and rule.cause in _OWN
        return Followed(every, _seen(actor, _of_those(column, keys)), _LIVE, is_held)
    held = in_force(rule.grants.principal_ids, model.__tablename__, without=rule.grants.without)
    keys = select(SharingGrant.record_id).where(held)
    live = _looked_up(model, column, rule.grants.live)
    return Followed(keys, _seen(actor, and_(_of_those(column, keys), live)), _LIVE)


def _of_those(column: InstrumentedAttribute[int | None], keys: Any) -> ColumnElement[bool]:
    """That a document is on one of these records, asked in a way that both databases begin with the records.

    Compared at once, a sorted list would be walked from its beginning until enough are found.
    """
    other = aliased(Document)
    found = select(other.id).where(getattr(other, column.key).in_(keys))
    return and_(column.is_not(None), Document.id.in_(found))


def _marked(model: Any, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Marked as the scope of the record's table, for the level given stands outside the documents' own scope."""
    return Scoped(condition, model.__tablename__)
