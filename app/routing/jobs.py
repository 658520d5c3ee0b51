"""What the worker does for routing: end the offers that were not accepted in time."""

import structlog

from app.kernel import clock
from app.kernel.db import reading, transaction
from app.leads.errors import LeadMoved
from app.routing.offers import due_offers, expire_offer

log = structlog.get_logger("canal.offers")

AT_ONCE = 100


def end_lapsed_offers() -> bool:
    """End the offers that are due, each in a transaction of its own; true when there may be more.

    An offer that cannot be ended is logged and tried again next time; it keeps no other waiting.
    """
    now = clock.now()
    with reading() as session:  # without asking for SQLite's write lock
        due = due_offers(session, now=now, limit=AT_ONCE)
    done = 0
    for offer_id in due:
        try:
            with transaction() as session:
                done += expire_offer(session, offer_id, now=now)
        except LeadMoved:
            continue  # accepted, declined or taken back at this very moment
        except Exception:
            log.exception("an offer could not be ended", offer=offer_id)
    return done == AT_ONCE
