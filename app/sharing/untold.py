"""Accounts that stand in an answer to "who sees it", and that whoever asks does not see: told without their names.

Who sees a case, an opportunity or a contact is not told of an account that they do not see; that somebody has the record
through it is said all the same.  Partners are known by name to everybody inside.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.kernel import refs
from app.kernel.actor import Actor, Level, Role
from app.partners.models import PartnerAccount
from app.sharing.explain import Cause, Grant
from app.sharing.scope import scope

_LOOKING = Actor.system("accounts in causes")


def as_asked(session: Session, asker: Actor, grants: Sequence[Grant]) -> list[Grant]:
    """The grants as the asker is told them.  One statement at most."""
    named = {grant.to.ref for grant in grants} | {cause.ref for grant in grants for cause in grant.causes}
    hidden = _hidden(session, asker, named)
    return [
        replace(
            grant,
            to=replace(grant.to, ref=None) if grant.to.ref in hidden else grant.to,
            causes=tuple(_untold(grant.causes, hidden)),
        )
        for grant in grants
    ]


def causes_as_asked(session: Session, asker: Actor, causes: Sequence[Sequence[Cause]]) -> list[list[Cause]]:
    """The causes of several records likewise."""
    hidden = _hidden(session, asker, (cause.ref for each in causes for cause in each))
    return [_untold(each, hidden) for each in causes]


def _untold(causes: Iterable[Cause], hidden: set[str]) -> list[Cause]:
    return [replace(cause, ref=None) if cause.ref in hidden else cause for cause in causes]


def _hidden(session: Session, asker: Actor, named: Iterable[str | None]) -> set[str]:
    accounts = {ref for ref in named if ref is not None and refs.is_ref(refs.ACCOUNT, ref)}
    if not accounts or asker.role is Role.ADMINISTRATOR:
        return set()
    seen = select(Account.id).where(scope(Account, asker, Level.READ), Account.ref.in_(accounts))
    is_partner = exists().where(PartnerAccount.account_id == Account.id)
    statement = select(Account.ref).where(
        scope(Account, _LOOKING), Account.ref.in_(accounts), Account.id.not_in(seen), ~is_partner
    )
    return set(session.scalars(statement))
