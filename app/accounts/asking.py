"""What the making of an account or contact asks of the database: here one by one; imports ask for many at once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.accounts.changes import find_owner
from app.accounts.models import Account, AccountKind
from app.accounts.naming import Naming
from app.accounts.queries import get_account
from app.accounts.reporting import kept_kind
from app.fields.records import write
from app.identity.queries import get_organisation
from app.kernel.actor import Actor
from app.kernel.errors import Invalid, NotFound
from app.sharing.external_ids import refuse_taken


class Asking:
    """The questions, for one person."""

    def __init__(self, session: Session, actor: Actor) -> None:
        self.session, self.actor = session, actor

    def owner_id(self, ref: str | None) -> int:
        """Whose the new record is: who is named, else the actor.  Raises Invalid."""
        if ref is not None:
            return find_owner(self.session, ref).id
        if self.actor.user_id is None:
            raise Invalid({"owner": [_l("Choose one of the people listed.")]})
        return self.actor.user_id

    def naming(self) -> Naming:
        """How companies are to be called."""
        return Naming.stored(get_organisation(self.session).account_naming)

    def account(self, ref: str | None) -> Account | None:
        """Where a contact works; it stays a business until the transaction ends.  Raises Invalid."""
        if ref is None:
            return None
        try:
            account = get_account(self.session, self.actor, ref)
            kind = kept_kind(self.session, account)
        except NotFound as error:
            raise Invalid({"account_id": [_l("There is no such account.")]}) from error
        return refuse_person(account, kind)

    def refuse_taken(self, model: Any, external_id: str | None) -> None:
        """Raises Invalid when another record that the actor may read has the external id."""
        refuse_taken(self.session, self.actor, model, external_id)

    def held_in_fields(self, object_: str, custom: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """The columns for what fields hold that administrators added; notes that these are in use.  Raises Invalid."""
        return write(self.session, object_, None, custom, now=now).columns


def refuse_person(account: Account, kind: AccountKind) -> Account:
    """The account, if it can have contacts.  Raises Invalid."""
    if kind is AccountKind.PERSON:
        raise Invalid({"account_id": [_l("A person account is one person and has no contacts.")]})
    return account
