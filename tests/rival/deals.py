"""Opportunities, who takes part in them, and a lead that became one: hidden, and one's own."""

from typing import Any

from sqlalchemy.orm import Session

from app.conversion.models import FieldMapping
from app.conversion.operations import convert_lead
from app.conversion.wanted import read_wanted
from app.kernel import refs
from app.opportunities.models import ContactRole
from app.opportunities.people import store_part
from tests.factories import actor_of, make_lead, make_opportunity
from tests.rival.worlds import STEM, World, veil


def add_veiled_deals(session: Session, world: World, account: Any, contact: Any) -> None:
    """Opportunities of others: of the vendor, of another partner, deleted; and what a lead of theirs became."""
    people = world.people
    nora, pia = actor_of(session, people["nora"]), actor_of(session, people["pia"])
    hidden = [
        make_opportunity(session, account=account, owner=people["nora"], amount=7, currency="EUR"),
        make_opportunity(session, account=account, owner=people["pia"]),
        make_opportunity(session, account=account, owner=people["nora"], deleted_at=world.now),
    ]
    part = store_part(session, nora, hidden[0], contact, ContactRole.BUYER, now=world.now)
    lead = make_lead(session, owner=people["pia"], company=f"{STEM} works", last_name=f"{STEM} Puig")
    veil(lead)
    world.veiled["lead"].append(lead.ref)
    sold = read_wanted(opportunity={"name": f"{STEM} deal"})
    became = convert_lead(session, pia, lead.ref, sold, now=world.now)
    for each in (*hidden, became.opportunity):
        each.currency = "EUR"
    veil(*hidden, became.opportunity)
    mapping = FieldMapping(
        ref=refs.new_ref(refs.FIELD_MAPPING), lead_field=f"{STEM} a", object="account", field=f"{STEM} b"
    )
    session.add(mapping)
    session.flush()
    world.veiled["opp"] += [*(each.ref for each in hidden), became.opportunity.ref]
    world.veiled["ocr"].append(part.ref)
    world.veiled["map"].append(mapping.ref)
    world.veiled["acct"].append(became.account.ref)
    world.veiled["cont"].append(became.contact.ref)


def add_own_deals(session: Session, world: World, account: Any) -> None:
    """One that the rival works on, and one of the portfolio."""
    world.southwinds["opp"].append(
        make_opportunity(session, "Southwind's", account=account, owner=world.people["otto"]).ref
    )
    world.portas["opp"].append(
        make_opportunity(session, "Porta's", account=account, owner=world.people["porta"]).ref
    )
