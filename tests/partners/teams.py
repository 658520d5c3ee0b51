"""What the tests of a partner's team share: whom to invite, and how."""

from sqlalchemy import select

from app.accounts.models import Account
from app.kernel import clock
from app.partners.inviting import invite_colleague
from app.sharing.scope import scope
from tests.factories import SYSTEM, actor_of

NEW = {"name": "Nil Serra", "email": "nil@northwind.example", "role": "user", "language": "ca"}


def text_of(answer):
    return answer.get_data(as_text=True)


def invite(session, who, **given):
    """A colleague invited by that person, as the operation makes them."""
    values = {"name": "Nil Serra", "email": "nil@northwind.example", "role": "user", **given}
    user = invite_colleague(session, actor_of(session, who), **values, now=clock.now())
    session.flush()
    return user


def account_of(session, partner):
    found = select(Account).where(scope(Account, SYSTEM), Account.id == partner.account_id)
    return session.scalars(found).one()
