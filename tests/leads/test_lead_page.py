"""One lead as a page: what internal people, its partner and a rival see of it, and what it costs."""

import html
import re
from datetime import timedelta

import pytest

from app.activities.operations import log_activity
from app.leads.models import Assignment, Offer, OfferState
from tests.factories import (
    actor_of,
    make_account,
    make_contact,
    make_lead,
    make_queue,
    make_source,
    open_portal,
    rows,
)


@pytest.fixture(autouse=True)
def _portal(session):
    open_portal(session)


def text_of(answer):
    return answer.get_data(as_text=True)


def main(answer):
    """The page's own part, without the frame."""
    return text_of(answer).partition('id="main"')[2]


def test_it_shows_who_what_and_where(signed_in, session, mara, pia, northwind):
    lead = make_lead(
        session, owner=pia, company="Forges del Ter", first_name="Marta", last_name="Puig", title="Purchasing",
        phone="+34 972 20 11 00", source=make_source(session, "Fair in Lleida"), product_interest="Pumps", score=74,
        city="Girona", country="ES", description="One\nTwo", status="working",
    )  # fmt: skip
    page = main(signed_in(mara).get(f"/leads/{lead.ref}"))
    assert f'data-ref="{lead.ref}"' in page
    for shown in (
        "Forges del Ter",
        "Marta Puig · Purchasing",
        "Working",
        "Fair in Lleida",
        "Girona, Spain",
        "Northwind",
    ):
        assert shown in page, shown
    assert 'href="tel:+34972201100"' in page


def test_what_somebody_agreed_to_stands_there_once(signed_in, session, mara, pia, northwind):
    lead = make_lead(session, owner=pia, consent=True, consent_basis="contract", consent_origin="Fair")
    page = main(signed_in(mara).get(f"/leads/{lead.ref}"))
    assert page.count('id="consent-card"') == page.count("Contract") == page.count("<dd>Fair</dd>") == 1
    assert 'data-field="consent"' not in page
    page = main(signed_in(pia).get(f"/leads/{lead.ref}"))
    assert (page.count('data-field="consent"'), page.count('id="consent-card"')) == (1, 0)


def test_a_lead_without_a_company_is_called_by_the_person(signed_in, session, mara):
    lead = make_lead(session, company=None, first_name="Marta", last_name="Puig")
    assert "<h1>Marta Puig</h1>" in main(signed_in(mara).get(f"/leads/{lead.ref}"))


def test_every_field_stands_in_its_section_with_what_it_means(signed_in, session, mara):
    from app.leads.fields import FIELDS, SECTIONS

    page = html.unescape(main(signed_in(mara).get(f"/leads/{make_lead(session).ref}")))
    for section in SECTIONS.values():
        assert str(section) in page
    for field in FIELDS.values():
        if field.name not in ("status", "score"):  # they stand in the head
            assert str(field.label) in page, field.name
            assert str(field.help) in page, field.name


def test_the_owner_card_says_why_it_went_there(signed_in, session, mara, pia):
    lead = make_lead(session, owner=pia, cause="round_robin")
    step = {
        "step": "turn",
        "name": "Catalan partners",
        "to": "Pia",
        "count": 3,
        "turns": 9,
        "share": 3.0,
        "passed": [],
    }
    session.add(
        Assignment(
            lead_id=lead.id, at=lead.created_at, cause="round_robin", to_user_id=pia.id, actor_name="Rules",
            to_company_id=pia.partner_account_id, trace=[step],
        )
    )  # fmt: skip
    page = main(signed_in(mara).get(f"/leads/{lead.ref}"))
    assert "A round robin gave its turn to Pia." in page
    assert "Catalan partners" in page
    assert "1 stop before" in page
    assert f'href="/leads/{lead.ref}/owner"' in page


def test_people_who_may_not_trace_read_where_it_went_and_not_the_reasons(signed_in, session, sal, pia):
    lead = make_lead(session, owner=pia)
    step = {
        "step": "turn",
        "name": "Catalan partners",
        "to": "Pia",
        "count": 3,
        "turns": 9,
        "share": 3.0,
        "passed": [],
    }
    rows(session, Assignment, Assignment.lead_id == lead.id)[0].trace = [step]
    page = main(signed_in(sal).get(f"/leads/{lead.ref}"))
    assert "Tests gave it to Pia." in page
    assert "Catalan partners" not in page


def test_a_partner_reads_of_nobody_outside_their_company(signed_in, session, pia, mara, otto):
    lead = make_lead(
        session, owner=pia, company="Forges del Ter", imported={"Old system": "cell"}, created_by_id=mara.id,
        updated_by_id=mara.id,
    )  # fmt: skip
    session.add(
        Assignment(
            lead_id=lead.id, at=lead.created_at, cause="manual", from_user_id=otto.id, to_user_id=pia.id, actor_name="Mara",
            actor_id=mara.id, from_company_id=otto.partner_account_id, to_company_id=pia.partner_account_id, trace=[],
        )
    )  # fmt: skip
    page = main(signed_in(pia).get(f"/leads/{lead.ref}"))
    assert "Forges del Ter" in page
    assert "It was given to Pia." in page
    for hidden in ("Mara", "Otto", "Southwind", "Old system"):
        assert hidden not in page, hidden


def test_imported_columns_are_the_vendors(signed_in, session, mara, pia):
    lead = make_lead(session, owner=pia, imported={"Old system": "A-77"})
    assert "A-77" in main(signed_in(mara).get(f"/leads/{lead.ref}"))
    assert "A-77" not in main(signed_in(pia).get(f"/leads/{lead.ref}"))


def test_probable_duplicates_show_as_far_as_one_may_see_them(signed_in, session, mara, pia, otto):
    seen = make_lead(session, owner=pia, company="Alike of Pia")
    hidden = make_lead(session, owner=otto, company="Alike of Otto")
    account = make_account(session, "Alike account")
    contact = make_contact(session, "Alikecontact", account=account)
    lead = make_lead(
        session,
        owner=pia,
        duplicates=[
            {"type": "lead", "id": seen.id, "reasons": ["email", "name"]},
            {"type": "lead", "id": hidden.id, "reasons": ["phone"]},
            {"type": "account", "id": account.id, "reasons": ["company"]},
            {"type": "contact", "id": contact.id, "reasons": ["email"]},
        ],
    )
    page = main(signed_in(mara).get(f"/leads/{lead.ref}"))
    for shown in (
        "Alike of Pia",
        "Alike of Otto",
        "Alike account",
        "Alikecontact",
        "same e-mail, same last name",
    ):
        assert shown in page, shown
    page = main(signed_in(pia).get(f"/leads/{lead.ref}"))
    assert "Alike of Pia" in page
    for shown in ("Alike of Otto", "Alike account", "Alikecontact"):
        assert shown not in page, shown


def test_leads_that_came_later_and_what_is_filled_in_afterwards_are_found(
    signed_in, session, mara, pia, otto
):
    first = make_lead(session, owner=pia, company="Older Ltd", email="ann@older.example")
    make_lead(session, owner=otto, company="Of the rival", email="ann@older.example")
    later = make_lead(
        session, owner=pia, company=None, email=None, last_name="Later", phone="+34 972 555 666"
    )
    account = make_account(session, "Reachable", phone="+34 972 111 222")
    vendor = signed_in(mara)
    vendor.submit(
        f"/leads/{later.ref}/fields/email", {"email": "ANN@older.example", "began": ""}, page="/leads"
    )
    page = main(vendor.get(f"/leads/{first.ref}"))
    assert "Of the rival" in page
    assert f"/leads/{later.ref}" in page
    assert "Of the rival" not in main(signed_in(pia).get(f"/leads/{first.ref}"))
    vendor.submit(
        f"/leads/{later.ref}/fields/phone", {"phone": account.phone, "began": later.phone}, page="/leads"
    )
    assert "Reachable" in main(vendor.get(f"/leads/{later.ref}"))


def test_qualification_says_who_and_when(signed_in, session, mara, pia, now):
    from app.leads.operations import edit_lead

    lead = make_lead(session, owner=pia)
    edit_lead(session, actor_of(session, mara), lead.ref, {"budget": "40,000"}, now=now)
    assert re.search(r"40,000 <span[^>]*>Mara <time", main(signed_in(mara).get(f"/leads/{lead.ref}")))
    page = main(signed_in(pia).get(f"/leads/{lead.ref}"))
    assert "40,000" in page
    assert "Mara" not in page


def test_acts_are_those_the_person_may_do(signed_in, session, ada, mara, sal, vic, pia, pam, northwind):
    lead = make_lead(session, owner=pia)
    labels = {
        "Edit": ">Edit<",
        "Change": '/owner">Change<',
        "Delete": "Delete",
        "Give back": "Give it back",
        "Mark": "Mark as Working",
    }
    shown = {}
    for person in (ada, mara, sal, vic, pia, pam):
        page = main(signed_in(person).get(f"/leads/{lead.ref}"))
        acts = re.sub(r"<svg.*?</svg>", "", page)
        shown[person.name] = [name for name, mark in labels.items() if mark in acts]
    assert shown == {
        "Ada": ["Edit", "Change", "Delete", "Mark"],
        "Mara": ["Edit", "Change", "Delete", "Mark"],
        "Sal": ["Edit", "Mark"],
        "Vic": [],
        "Pia": ["Edit", "Give back", "Mark"],
        "Pam": ["Edit", "Change", "Mark"],
    }


def test_a_member_of_its_queue_can_claim_it_from_the_page(signed_in, session, sal, mara):
    lead = make_lead(session, queue=make_queue(session, members=[sal]))
    browser = signed_in(sal)
    assert f'action="/leads/{lead.ref}/claim"' in main(browser.get(f"/leads/{lead.ref}"))
    assert f'action="/leads/{lead.ref}/claim"' not in main(signed_in(mara).get(f"/leads/{lead.ref}"))
    answer = browser.submit(f"/leads/{lead.ref}/claim", page=f"/leads/{lead.ref}", follow_redirects=True)
    assert "It is yours now." in text_of(answer)
    assert signed_in(mara).submit(f"/leads/{lead.ref}/claim", page="/leads").status_code == 403


def test_a_converted_lead_can_only_be_read(signed_in, session, mara, now):
    waits = make_lead(session, queue=make_queue(session, members=[mara]), converted_at=now)
    assert "/claim" not in main(signed_in(mara).get(f"/leads/{waits.ref}"))
    lead = make_lead(session, owner=mara, converted_at=now)
    page = main(signed_in(mara).get(f"/leads/{lead.ref}"))
    assert "Converted" in page
    for act in (">Change<", "Mark as", 'id="log"'):
        assert act not in page
    sent_back = signed_in(mara).get(f"/leads/{lead.ref}/edit")
    assert (sent_back.status_code, sent_back.location) == (303, f"/leads/{lead.ref}")


def test_the_preview_says_what_comes_after_the_claim(signed_in, session, pia, northwind):
    lead = make_lead(
        session, queue=make_queue(session, members=[northwind]), company="Forges del Ter", industry="Steel",
        employees=120, city="Girona", country="ES",
    )  # fmt: skip
    answer = signed_in(pia).get(f"/leads/{lead.ref}")
    page = main(answer)
    assert "<h1>Steel, 50–199 people · Girona, ES</h1>" in page
    assert "After you claim" in page
    assert f'action="/inbox/{lead.ref}/claim"' in page
    assert f'data-ref="{lead.ref}"' in page
    assert "Forges" not in text_of(answer)


def test_an_offer_shows_its_time_and_its_two_answers(signed_in, session, pia, now):
    lead = make_lead(session, owner=pia, company="Forges del Ter")
    offer = Offer(
        lead_id=lead.id, user_id=pia.id, company_id=pia.partner_account_id, state=OfferState.PENDING, made_at=now,
        expires_at=now + timedelta(minutes=90), hops=0,
    )  # fmt: skip
    session.add(offer)
    session.flush()
    lead.offer_id, lead.offer_expires_at = offer.id, offer.expires_at
    answer = signed_in(pia).get(f"/leads/{lead.ref}")
    assert "After you accept" in main(answer)
    assert "1 h left" in main(answer)
    assert f'action="/inbox/{lead.ref}/accept"' in main(answer)
    assert f'href="/leads/{lead.ref}/release"' in main(answer)
    assert "Forges" not in text_of(answer)


def test_who_may_not_see_it_gets_what_nobody_gets(signed_in, session, otto, pia, sal):
    from app.identity.models import AccountScope

    lead = make_lead(session, owner=pia)
    sal.account_scope = AccountScope.PORTFOLIO
    for person in (otto, sal):
        browser = signed_in(person)
        hidden, absent = browser.get(f"/leads/{lead.ref}"), browser.get(f"/leads/lead_{'0' * 22}")
        assert hidden.status_code == absent.status_code == 404
        blank = re.compile(
            r"Request \w+|csrf_token\" value=\"[^\"]+|X-CSRFToken\": \"[^\"]+|/leads/lead_\w+|lead_\w+"
        )
        assert blank.sub("", text_of(hidden)) == blank.sub("", text_of(absent))


@pytest.mark.parametrize("who", ["mara", "pia"])
def test_the_number_of_statements_does_not_grow_with_its_history(
    request, signed_in, session, who, pia, mara, now, count_queries
):
    from app.activities.operations import log_activity

    person = request.getfixturevalue(who)
    lead = make_lead(
        session,
        owner=pia,
        imported={"a": "b"},
        qualified_by={"budget": {"by": pia.id, "at": now.isoformat()}},
    )
    lead.duplicates = [
        {"type": "lead", "id": make_lead(session, owner=pia).id, "reasons": ["email"]} for _ in range(3)
    ]
    browser = signed_in(person)
    counts = []
    for number in (3, 30):
        for _ in range(number):
            log_activity(session, actor_of(session, pia), lead, kind="call", text="Called", now=now)
            session.add(
                Assignment(
                    lead_id=lead.id, at=now, cause="manual", to_user_id=pia.id, to_company_id=pia.partner_account_id,
                    actor_name="Tests", trace=[{"step": "no_rules"}],
                )
            )  # fmt: skip
        browser.get(f"/leads/{lead.ref}")
        with count_queries() as queries:
            assert browser.get(f"/leads/{lead.ref}").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1], queries
    assert counts[1] <= 20, queries


def test_a_long_name_is_whole_in_the_title_of_its_crumb_and_an_activity_opens_by_its_text(
    session, signed_in, mara, now
):
    lead = make_lead(session, owner=mara, company="Construccions " * 10 + "W" * 80)
    log_activity(session, actor_of(session, mara), lead, kind="note", subject="Short", text="More", now=now)
    browser = signed_in(mara)
    crumbs = re.search(
        r'<nav class="crumbs".*?</nav>', browser.get(f"/leads/{lead.ref}/edit").text, re.DOTALL
    )
    assert f'title="{lead.company}"' in crumbs.group()
    assert crumbs.group().count("title=") == 1
    page = browser.get(f"/leads/{lead.ref}").text
    assert re.search(r'<a class="history-open" href="/activities/act_\w+">Short</a>\nMore', page)
    assert ">Show<" not in page
