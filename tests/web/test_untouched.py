"""A form that is opened and saved as it stands changes nothing: no event, no version."""

import pytest

from app.events.models import Event
from tests.campaigns.test_campaigns import make_campaign
from tests.factories import (
    make_account,
    make_case,
    make_contact,
    make_lead,
    make_opportunity,
    make_partner,
    make_queue,
    row_count,
)
from tests.fields.making import make_field
from tests.pressed import Pressed

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def pages(session, ada, mara):
    """Page of a form → a field of it."""
    account = make_account(session, "Forges", owner=ada, annual_revenue=1000, billing_country="ES")
    kinds = {
        "accounts": account,
        "contacts": make_contact(session, "Puig", account=account, owner=ada),
        "leads": make_lead(session, owner=mara, company="Forges", country="ES", annual_revenue=2000),
        "opportunities": make_opportunity(
            session, "Vans", account=account, owner=ada, amount=1, currency="EUR"
        ),
        "cases": make_case(session, "Broken", account=account, owner=ada),
        "campaigns": make_campaign(session, ada, budgeted_cost=100, currency="EUR"),
        "queues": make_queue(session, "North", members=[make_partner(session, "Northwind")]),
    }
    fields = [
        make_field(session, ada, name, label=name) for name in ("account", "contact", "lead", "opportunity")
    ]
    return {
        **{f"/{kind}/{record.ref}/edit": "version" for kind, record in kinds.items()},
        **{f"/setup/fields/{field.ref}/edit": "asked_by" for field in fields},
        "/setup/naming": "patterns",
        "/setup/organisation": "accent",
        "/setup/mail-texts/lead_assigned/en": "subject",
        "/setup/mail-texts/lead_assigned/ca": "subject",
    }


def test_what_is_saved_as_it_stands_stays_as_it_is(signed_in, session, ada, pages):
    browser = signed_in(ada)
    before = row_count(session, Event)
    for page, having in pages.items():
        form = Pressed(browser.get(page), having)
        saved = browser.submit(form.action or page, form.fields, page=page)
        assert saved.status_code == 303, (page, form.fields)
        assert row_count(session, Event) == before, page
