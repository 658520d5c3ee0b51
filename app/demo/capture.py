"""The demo company's web form, with a lead that came by it and what a program sent."""

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.capture.models import Cause
from app.capture.operations import create_lead_form
from app.capture.taking import asked_by, read_post, take_post
from app.identity.queries import find_actor
from app.leads.models import LeadSource

if TYPE_CHECKING:
    from app.demo.company import Company

ASKED = (("last_name", True), ("first_name", False), ("company", True), ("email", True), ("phone", False))
WISH = {
    "name": "description",
    "label": "What are you looking for?",
    "help": "Models, how many, by when: whatever you know already.",
}
GENUINE = {
    "first_name": "Greta", "last_name": "Lindholm", "company": "Lindholm Cargo Bikes", "email": "greta@lindholm.example",
    "phone": "+46 8 555 010 20", "description": "Twelve cargo bicycles for deliveries in Stockholm, before April.",
}  # fmt: skip
SPAM = {
    "last_name": "BestRankings", "company": "BestRankings", "email": "offers@rankings.example",
    "description": "First page of every search engine, guaranteed. Answer now.",
}  # fmt: skip


def set_up_capture(company: "Company") -> None:
    """One form, which has brought one lead; one post waits in its quarantine."""
    session, now = company.session, company.now
    actor = find_actor(session, company.staff["mara"].id)
    assert actor is not None
    source = session.scalars(select(LeadSource.name).order_by(LeadSource.position, LeadSource.id)).first()
    given = {
        "name": "Contact page",
        "heading": "Ask for an offer",
        "fields": [*({"name": name, "required": required} for name, required in ASKED), WISH],
        "hidden": {"product_interest": "Cargo bicycles"} | ({"source": source} if source else {}),
        "thank_you_text": "A shop near you will call within a day.",
    }
    form = create_lead_form(session, actor, given, now=now - timedelta(days=20))
    for typed, cause, ago in ((GENUINE, None, 3), (SPAM, Cause.TRAP, 5)):
        post = read_post(session, asked_by(session, form), typed, cause)
        take_post(session, form, post, now=now - timedelta(hours=ago))
