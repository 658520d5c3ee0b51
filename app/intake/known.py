"""The record that a row means, among those that the person may see and change.

Others count as absent: what is hidden is neither found nor told of.  Where several fit, none is taken.
"""

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.accounts.values import person_name
from app.intake.manner import Manner, Match, Mode
from app.intake.record_values import Read
from app.kernel.actor import Actor, Level
from app.kernel.errors import Invalid
from app.kernel.fold import email_key, fold
from app.sharing.scope import scope

NO_SUCH_ID = _l("There is no record of that id that you may change.")
NOT_THERE = _l("Nothing that you may change fits, and nothing is created here.")
# People of one last name at one account, or without an account named: more is no name to be known by.
MOST_OF_A_NAME = 500
# In place of an account's key, where the row names one that is not there: then nobody works at it yet.
NOWHERE = 0


def find_known(
    session: Session, actor: Actor, model: Any, read: Read, manner: Manner, *, account_id: int | None = None
) -> Any | None:
    """The record; None where there is none yet and one may be made.

    account_id: of the account that a contact's row names; NOWHERE for one that is not there.
    Raises Invalid: several fit, none does and none may be made.
    """
    if read.ref is not None:
        found = _matching(session, actor, model, model.ref == read.ref)
        if not found:
            raise Invalid({"": [NO_SUCH_ID]})
        return found[0]
    match = manner.match
    if match is Match.EXTERNAL_ID and manner.goes_on and not read.values.get("external_id"):
        match = Match.NAME if model is Account else Match.EMAIL
    found = _fitting(session, actor, model, read, match, account_id)
    if len(found) > 1:
        raise Invalid({"": [_several(model, read, match)]})
    if not found and manner.mode is Mode.UPDATE:
        raise Invalid({"": [NOT_THERE]})
    return found[0] if found else None


def _fitting(
    session: Session, actor: Actor, model: Any, read: Read, match: Match, account_id: int | None
) -> list[Any]:
    values = read.values
    if match is Match.EXTERNAL_ID:
        given = values.get("external_id")
        return _matching(session, actor, model, model.external_id == given) if given else []
    if model is Account:
        return _accounts_called(session, actor, read)
    if match is Match.EMAIL and values.get("email"):
        return _matching(session, actor, Contact, Contact.email_key == email_key(values["email"]))
    return _contacts_called(session, actor, read, account_id)


def _accounts_called(session: Session, actor: Actor, read: Read) -> list[Any]:
    values = read.values
    name = values.get("name") or person_name(values)
    if not name:
        return []
    found = _matching(session, actor, Account, Account.name_fold == fold(name, 255), most=MOST_OF_A_NAME)
    if "kind" in values:
        found = [account for account in found if account.kind == values["kind"]]
    if values.get("site"):
        found = [account for account in found if fold(account.site or "") == fold(values["site"])]
    return found


def _contacts_called(session: Session, actor: Actor, read: Read, account_id: int | None) -> list[Any]:
    last, first = read.values.get("last_name"), fold(read.values.get("first_name") or "")
    if not last:
        return []
    called: Any = Contact.last_name_fold == fold(last, 120)
    if account_id == NOWHERE:
        called &= Contact.account_id.is_(None)
    elif account_id is not None:
        called &= Contact.account_id == account_id
    found = _matching(session, actor, Contact, called, most=MOST_OF_A_NAME)
    return [contact for contact in found if fold(contact.first_name or "") == first]


def _matching(
    session: Session, actor: Actor, model: Any, where: ColumnElement[bool], *, most: int = 2
) -> list[Any]:
    statement = select(model).where(scope(model, actor, Level.EDIT), where).order_by(model.id).limit(most)
    return list(session.scalars(statement))


def _several(model: Any, read: Read, match: Match) -> Any:
    if match is Match.EMAIL and read.values.get("email"):
        return _l("Several have the e-mail address %(value)s.", value=read.values["email"])
    if model is Account and not read.values.get("site"):
        return _l("Several are called so. Name the site to tell them apart.")
    return _l("Several are called so.")
