"""Previews of the single acts that change what people see: each act done, read and undone by `attempts.of_act`.

The arguments are those of the operations; they raise what these raise.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountResponsible, Contact
from app.accounts.operations import add_responsible, edit_account, remove_responsible
from app.accounts.queries import get_account
from app.cases.models import Case
from app.identity.models import User
from app.identity.operations import edit_user
from app.kernel.actor import Actor
from app.leads.models import Lead
from app.opportunities.models import Opportunity
from app.partners.operations import edit_partner
from app.sharing.affected import Consequences, Everybody
from app.sharing.attempts import of_act
from app.sharing.groups import add_group_member, remove_group_member
from app.sharing.models import GroupMember, Principal
from app.sharing.principals import find_principal
from app.sharing.shares import share_record


def group_member_added(
    session: Session, actor: Actor, group_ref: str, given: object, *, now: datetime, **more: Any
) -> Consequences:
    known = find_principal(session, given, field="principal")
    return of_act(
        session,
        lambda writing: add_group_member(writing, actor, group_ref, given, now=now),
        moved=_holding(session, known.key),
        **more,
    )


def group_member_removed(
    session: Session, actor: Actor, group_ref: str, member_ref: str, *, now: datetime, **more: Any
) -> Consequences:
    key = session.scalar(
        select(Principal.key)
        .join(GroupMember, GroupMember.principal_id == Principal.id)
        .where(GroupMember.ref == member_ref)
    )
    return of_act(
        session,
        lambda writing: remove_group_member(writing, actor, group_ref, member_ref, now=now),
        moved=_holding(session, key or ""),
        **more,
    )


def _holding(session: Session, key: str) -> set[int]:
    return Everybody(session).holding(key)


def record_shared(
    session: Session,
    actor: Actor,
    subject: Any,
    given: object,
    level: object,
    *,
    until: datetime | None,
    now: datetime,
    **more: Any,
) -> Consequences:
    """Of sharing a record by hand with somebody who has no share of it."""
    # Undoing lets go of what was loaded within it.
    model, record_id = type(subject), subject.id
    written = {model: model.id == record_id}
    if model is Account:
        written[Contact] = Contact.account_id == record_id
    return of_act(
        session,
        lambda writing: share_record(
            writing, actor, subject, given, level, until=until, is_new=True, now=now
        ),
        moved=_holding(session, find_principal(session, given).key),
        written=written,
        **more,
    )


def user_edited(
    session: Session, actor: Actor, user: User, values: Mapping[str, Any], *, now: datetime, **more: Any
) -> Consequences:
    # The rank of a partner user stands on each of their leads, by which those above them see these.
    written = {Lead: Lead.owner_user_id == user.id} if user.is_partner else {}
    return of_act(
        session,
        lambda writing: edit_user(writing, actor, user, values, now=now),
        moved={user.id},
        written=written,
        **more,
    )


def partner_edited(
    session: Session, actor: Actor, account_ref: str, values: Mapping[str, Any], *, now: datetime, **more: Any
) -> Consequences:
    """Of another level, and of who is in the company's queue."""
    account = get_account(session, actor, account_ref)
    people = session.scalars(select(User.id).where(User.partner_account_id == account.id))
    return of_act(
        session,
        lambda writing: edit_partner(writing, actor, account_ref, values, now=now),
        moved=set(people),
        **more,
    )


def account_edited(
    session: Session, actor: Actor, account_ref: str, values: Mapping[str, Any], *, now: datetime, **more: Any
) -> Consequences:
    """Of a change of owner; other fields may change in the same edit."""
    account = get_account(session, actor, account_ref)
    owner = session.scalar(select(User.id).where(User.ref == (values.get("owner") or "")))
    moved = {account.owner_user_id, owner} - {None}
    return _of_account(
        session,
        account,
        moved,
        lambda writing: edit_account(writing, actor, account_ref, values, allow_duplicate=True, now=now),
        **more,
    )


def responsible_added(
    session: Session, actor: Actor, account_ref: str, user_ref: str, *, now: datetime, **more: Any
) -> Consequences:
    account = get_account(session, actor, account_ref)
    moved = set(session.scalars(select(User.id).where(User.ref == user_ref)))
    return _of_account(
        session,
        account,
        moved,
        lambda writing: add_responsible(writing, actor, account_ref, user_ref, now=now),
        **more,
    )


def responsible_removed(
    session: Session, actor: Actor, account_ref: str, responsible_ref: str, *, now: datetime, **more: Any
) -> Consequences:
    account = get_account(session, actor, account_ref)
    moved = set(
        session.scalars(select(AccountResponsible.user_id).where(AccountResponsible.ref == responsible_ref))
    )
    return _of_account(
        session,
        account,
        moved,
        lambda writing: remove_responsible(writing, actor, account_ref, responsible_ref, now=now),
        **more,
    )


def _of_account(
    session: Session, account: Account, moved: Collection[Any], act: Callable[[Session], Any], **more: Any
) -> Consequences:
    written = {
        Account: Account.id == account.id,
        Contact: Contact.account_id == account.id,
        Case: Case.account_id == account.id,
        Opportunity: Opportunity.account_id == account.id,
    }
    return of_act(session, act, moved=moved, written=written, **more)


def owners_changed(
    session: Session, act: Callable[[Session], Any], lead_refs: Sequence[str], **more: Any
) -> Consequences:
    """Of `act`, which gives these leads to somebody else."""
    return of_act(session, act, written={Lead: Lead.ref.in_(list(lead_refs))}, **more)
