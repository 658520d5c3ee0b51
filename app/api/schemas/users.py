"""Users as the API takes and shows them."""

from typing import Literal

from pydantic import Field, StrictStr

from app.api.schemas.common import Answer, Body, Id, Moment, SuccessorIn, Text, Whole, list_of

AnyRole = Literal["administrator", "channel_manager", "sales", "viewer", "user", "manager", "executive"]
Scope = Literal["all", "portfolio"]


class NewUser(Body):
    """Somebody who gets an invitation by mail: an internal user, or a colleague of a partner's leader."""

    email: StrictStr
    name: StrictStr
    role: AnyRole
    account_scope: Scope = "all"


class UserChanges(Body):
    """Fields to change; those left out stay, null clears."""

    role: AnyRole | None = None
    capacity: Whole | None = None
    away_until: Text = None
    account_scope: Scope | None = None
    language: Text = None
    time_zone: Text = None


class Deactivate(Body):
    """What becomes of the open leads; must be said."""

    open_records: Literal["keep", "route"] | SuccessorIn


class User(Answer):
    """A person who signs in.  account_id: of the partner account, for partner users.

    last_sign_in_at is shown to the vendor's people alone.
    """

    id: Id
    version: str
    created_at: Moment
    updated_at: Moment
    email: str
    name: str
    role: AnyRole
    state: Literal["invited", "active", "deactivated"]
    account_scope: Scope
    account_id: str | None
    capacity: int | None
    away_until: Moment | None
    language: str
    time_zone: str
    last_sign_in_at: Moment | None = Field(default=None)


UserList = list_of(User)
