"""Who is answerable for an account, as what; these accounts are their portfolio.

Naming and removing somebody is in `accounts.operations`, beside the other acts that change who sees an account.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import AccountResponsible
from app.accounts.operations import get_governed
from app.accounts.relations.models import ResponsibleRole
from app.events.operations import record
from app.identity.models import User
from app.kernel.actor import Actor
from app.kernel.errors import NotFound
from app.kernel.text import clean_text


def change_role(
    session: Session, actor: Actor, account_ref: str, responsible_ref: str, role: str | None, *, now: datetime
) -> AccountResponsible:
    """Say as what somebody is answerable; whoever they are, they see no more and no less by it.

    Raises NotAllowed, NotFound, Invalid.
    """
    account = get_governed(session, actor, account_ref)
    responsible = session.scalar(
        select(AccountResponsible).where(
            AccountResponsible.ref == responsible_ref, AccountResponsible.account_id == account.id
        )
    )
    if responsible is None:
        raise NotFound("responsible", responsible_ref)
    new = clean_text(role, max_length=80, field="role") or ""
    if new == responsible.role:
        return responsible
    name = session.get_one(User, responsible.user_id).name
    changes = {"role": (responsible.role, new)}
    responsible.role = new
    record(
        session,
        actor,
        verb="responsible_changed",
        subject=account,
        at=now,
        changes=changes,
        detail={"name": name},
    )
    return responsible


def roles_offered(session: Session) -> Sequence[str]:
    """The roles that an administrator suggests, in their order."""
    return session.scalars(
        select(ResponsibleRole.name)
        .where(ResponsibleRole.is_active)
        .order_by(ResponsibleRole.position, ResponsibleRole.id)
    ).all()
