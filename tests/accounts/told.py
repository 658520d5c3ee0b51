"""What events tell of an account."""

from app.events.models import Event
from tests.factories import rows


def verbs(session, record):
    """The verbs of its events, in order."""
    return [e.verb for e in rows(session, Event, Event.record_ref == record.ref)]
