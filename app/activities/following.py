"""Activities of a lead that became something: what is done shows there too, what is planned goes along."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.activities.lasting import recount
from app.activities.models import Activity
from app.activities.places import place_of
from app.leads.models import Lead

_QUIETLY = {"synchronize_session": False}


def follow_conversion(session: Session, lead: Lead, target: Any, account: Account) -> list[int]:
    """Let planned activities be on what the lead became, where they can be done; the keys of those.

    What is done stays on the lead and counts for the account.  Does not commit.
    """
    session.flush()
    planned = list(
        session.scalars(
            select(Activity.id)
            .where(Activity.lead_id == lead.id, Activity.is_done.is_(False))
            .order_by(Activity.id)
        )
    )
    if not planned and lead.last_activity_at is None:
        return []  # nothing was ever done on it either
    _move(session, planned, {"lead_id": None, place_of(target).column.key: target.id})
    session.execute(
        update(Activity)
        .where((Activity.lead_id == lead.id) | Activity.id.in_(planned))
        .values(of_account_id=account.id),
        execution_options=_QUIETLY,
    )
    _forget(session)
    recount(session, [(Account, account.id)])
    return planned


def unfollow_conversion(
    session: Session, lead: Lead, target: Any, account: Account, planned: Sequence[int]
) -> None:
    """Let them be where they were.  Does not commit."""
    session.flush()
    _move(session, planned, {"lead_id": lead.id, place_of(target).column.key: None})
    session.execute(
        update(Activity).where(Activity.lead_id == lead.id).values(of_account_id=None),
        execution_options=_QUIETLY,
    )
    _forget(session)
    targets: list[tuple[Any, int]] = [(Account, account.id)]
    if isinstance(target, Contact):
        targets.append((Contact, target.id))
    recount(session, targets)


def _move(session: Session, keys: Sequence[int], values: dict[str, int | None]) -> None:
    if keys:
        session.execute(
            update(Activity).where(Activity.id.in_(keys)).values(**values), execution_options=_QUIETLY
        )


def _forget(session: Session) -> None:
    for loaded in list(session.identity_map.values()):
        if isinstance(loaded, Activity):
            session.expire(loaded)
