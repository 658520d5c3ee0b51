"""Users as the API shows them."""

from typing import Any

from app.api.answers import moment, version_of
from app.identity.directory import UserRow
from app.kernel.actor import Actor


def user_json(actor: Actor, row: UserRow) -> dict[str, Any]:
    """A user whom the actor knows of."""
    user = row.user
    body: dict[str, Any] = {
        "id": user.ref,
        "created_at": moment(user.created_at),
        "updated_at": moment(user.updated_at),
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "state": user.state,
        "account_scope": user.account_scope,
        "account_id": row.company_ref,
        "capacity": user.capacity,
        "away_until": moment(user.away_until),
        "language": user.language,
        "time_zone": user.time_zone,
    }
    body["version"] = version_of(actor, body, user.version)
    if actor.is_internal:
        body["last_sign_in_at"] = moment(user.last_sign_in_at)
    return body
