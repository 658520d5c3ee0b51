"""Web forms for tests."""

from typing import Any

from sqlalchemy.orm import Session

from app.capture.models import LeadForm
from app.capture.operations import create_lead_form
from app.identity.models import User
from app.kernel import clock
from tests.factories import actor_of

ASKED = (("last_name", True), ("email", False), ("phone", False), ("description", False))


def make_form(session: Session, person: User, **given: Any) -> LeadForm:
    """A form that asks for a last name, which is required, an e-mail address, a phone number and a note."""
    fields = [{"name": name, "required": required} for name, required in ASKED]
    values = {"name": "Contact", "fields": fields, **given}
    return create_lead_form(session, actor_of(session, person), values, now=clock.now())
