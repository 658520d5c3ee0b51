"""People in lists: whom a condition can name, what they are called, how a cell shows them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.queries import Person
from app.identity.models import User, UserState
from app.kernel.actor import Actor


def colleague_choices(session: Session, actor: Actor) -> Sequence[tuple[str, str]]:
    """The internal people who can own something, oneself first; partners choose among themselves alone."""
    if actor.is_partner:
        return [("me", _("me"))]
    rows = session.execute(
        select(User.ref, User.name)
        .where(User.partner_account_id.is_(None), User.state != UserState.DEACTIVATED)
        .order_by(func.lower(User.name), User.id)
    )
    return [("me", _("me")), *((ref, name) for ref, name in rows)]


def user_names(session: Session, actor: Actor, values: Collection[str]) -> Mapping[str, str]:
    """Public name → name, of users that a filter names and the person may know; "me" is oneself."""
    names = {"me": _("me")} if "me" in values else {}
    statement = select(User.ref, User.name).where(User.ref.in_(list(values)))
    if actor.is_partner:
        statement = statement.where(User.partner_account_id == actor.company_id)
    elif values:
        statement = statement.where(User.partner_account_id.is_(None))
    names.update((ref, name) for ref, name in session.execute(statement))
    return names


def users_by_key(session: Session, actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    """Key → the person as `ui.owner` draws them; of records that the reader sees, whose owners are no secret.

    Partner people know nobody outside their company.
    """
    statement = select(User.id, User.ref, User.name).where(User.id.in_(list(keys)))
    if actor.is_partner:
        statement = statement.where(User.partner_account_id == actor.company_id)
    return {key: Person(ref, name) for key, ref, name in session.execute(statement)}
