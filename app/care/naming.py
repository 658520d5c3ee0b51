"""Setting how accounts are to be named."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.accounts.naming import Naming
from app.events.operations import record
from app.identity.organisation import SUBJECT, lock_organisation
from app.kernel.actor import Actor, Permission


def set_account_naming(session: Session, actor: Actor, naming: Naming, *, now: datetime) -> None:
    """Keep how accounts are to be named from now on; those that are there stay as they are.

    Writes an event; does not commit.  Raises NotAllowed.
    """
    actor.require(Permission.SETTING_MANAGE)
    organisation = lock_organisation(session)
    before, after = organisation.account_naming, naming.to_store()
    if Naming.stored(before) == naming:
        return
    organisation.account_naming = after
    organisation.version += 1
    record(
        session, actor, verb="edited", subject=SUBJECT, at=now, changes={"account_naming": (before, after)}
    )
