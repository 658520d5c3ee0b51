"""Offers, and what pages of the inbox say."""

import re
from datetime import timedelta

from app.leads.models import Lead, Offer, OfferState
from tests.factories import make_lead, rows

HTMX = {"HX-Request": "true"}


def offer(session, user, now, *, minutes=60, **fields):
    """A lead held out to the person until then."""
    lead = make_lead(session, owner=user, **fields)
    until = now + timedelta(minutes=minutes)
    row = Offer(
        lead_id=lead.id, user_id=user.id, company_id=user.partner_account_id, state=OfferState.PENDING,
        made_at=now, expires_at=until, hops=0,
    )  # fmt: skip
    session.add(row)
    session.flush()
    lead.offer_id, lead.offer_expires_at = row.id, until
    session.flush()
    return lead


def text_of(answer):
    return answer.get_data(as_text=True)


def refs_in(answer):
    """The leads of a page's table, in order."""
    return re.findall(r'<tr id="(lead_\w+)"', text_of(answer))


def tab_counts(answer):
    """The numbers of the three tabs."""
    tabs = re.search(r'<nav class="tabs".*?</nav>', text_of(answer), re.DOTALL)
    return re.findall(r'<span class="count">([^<]+)</span>', tabs.group(0))


def fresh(session, lead):
    return rows(session, Lead, Lead.id == lead.id)[0]
