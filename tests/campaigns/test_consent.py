"""What a person agreed to: one rule of what wins, who noted an opt-out, and files that leave those people out."""

import itertools

import pytest

from app.accounts.consent import CONSENT, OPT_OUTS, stricter
from app.activities.operations import log_activity
from app.campaigns.members import add_member
from app.campaigns.operations import create_campaign
from app.care.consent import set_consent
from app.events.models import Event
from app.kernel import clock
from app.kernel.errors import NotAllowed
from app.leads.operations import edit_lead
from tests.factories import actor_of, make_account, make_contact, make_lead, rows
from tests.lists.test_exports import read, take_out


@pytest.mark.databases("sqlite")
def test_records_that_meet_only_get_stricter():
    answers, outs = (None, True, False), (False, True)
    for had, comes, kept_out, new_out, may_fill in itertools.product(answers, answers, outs, outs, outs):
        kept = {"consent": had, "consent_basis": "contract", "opted_out_email": kept_out}
        arriving = {"consent": comes, "consent_basis": "consent", "opted_out_email": new_out}
        changes = stricter(kept, arriving, may_fill=may_fill)
        after = {**kept, **changes}
        assert after["opted_out_email"] == (kept_out or new_out)
        assert after["consent"] is not True or True in (had, comes)
        if False in (had, comes):
            assert after["consent"] is False
        elif had is None and comes is None:
            assert after["consent"] is None
        assert stricter(after, arriving, may_fill=may_fill) == {}
        assert set(changes) <= {*OPT_OUTS, *CONSENT}


def test_consent_is_kept_with_who_and_when_and_files_respect_it(signed_in, session, mara, sal, pia, otto):
    account = make_account(session, "Forges", owner=mara)
    people = [
        make_contact(session, name, account=account, owner=mara, email=f"{name}@x.example") for name in "ABCD"
    ]
    lead = make_lead(session, owner=sal, company="Molins")
    session.commit()
    browser = signed_in(mara)
    home = f"/contacts/{people[0].ref}/consent"
    form = {"consent": "no", "consent_basis": "legitimate_interest", "consent_on": "2026-11-01", "consent_origin": "Fair", "version": "1"}  # fmt: skip
    assert browser.submit(home, {**form, "consent_on": "never"}).status_code == 422
    assert browser.submit(home, form).status_code == 303
    late = browser.submit(home, {**form, "consent": "yes"})
    assert late.status_code == 409
    assert browser.submit(f"/contacts/{people[1].ref}/consent", {"opted_out_email": "1"}).status_code == 303
    assert browser.submit(f"/contacts/{people[2].ref}/consent", {"opted_out_phone": "1"}).status_code == 303
    session.expire_all()
    assert (people[0].consent, str(people[0].consent_on), people[0].version) == (False, "2026-11-01", 2)
    assert people[1].opted_out_by["opted_out_email"]["by"] == mara.id
    shown = browser.get(f"/contacts/{people[0].ref}").get_data(as_text=True)
    assert "Legitimate interest" in shown
    for purpose, names in (("mailing", {"C", "D"}), ("calling", {"B", "D"})):
        fields = {"format": "csv", "purpose": purpose}
        page = browser.submit("/lists/contact/export", fields, page="/contacts").location
        take_out(browser, "contact")
        assert {row["last_name"] for row in read(browser, page)} == names
        assert "2 are left out" in browser.get(page).get_data(as_text=True)
    refused = browser.submit(
        "/lists/account/export", {"format": "csv", "purpose": "mailing"}, page="/accounts"
    )
    assert refused.status_code == 422
    # A lead's opt-out is kept the same way, whichever way it comes; partners say nothing of consent.
    edit_lead(session, actor_of(session, sal), lead.ref, {"opted_out_phone": True}, now=clock.now())
    assert lead.opted_out_by["opted_out_phone"]["by"] == sal.id
    edit_lead(session, actor_of(session, sal), lead.ref, {"opted_out_phone": False}, now=clock.now())
    assert lead.opted_out_by == {}
    own = make_lead(session, owner=pia)
    session.commit()
    with pytest.raises(NotAllowed):
        set_consent(session, actor_of(session, pia), own.ref, {"consent": "yes"}, now=clock.now())
    assert signed_in(otto).get(f"/leads/{lead.ref}/consent").status_code in (403, 404)


@pytest.mark.databases("sqlite")
def test_what_consent_rests_on_is_of_a_list_and_older_words_stay(signed_in, api, session, mara):
    lead = make_lead(
        session, owner=mara, company="Forges", consent=True, consent_basis="Signed up at the fair"
    )
    caller, browser = api(mara), signed_in(mara)
    refused = caller.patch(f"/leads/{lead.ref}", {"consent_basis": "a feeling"})
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["consent_basis"])
    page = browser.get(f"/leads/{lead.ref}/edit").text
    assert "Signed up at the fair</option>" in page
    assert "Legal obligation</option>" in page
    kept = {"consent": "no", "consent_basis": "Signed up at the fair", "version": str(lead.version)}
    assert browser.submit(f"/leads/{lead.ref}/consent", kept).status_code == 303
    assert browser.submit(f"/leads/{lead.ref}/consent", {"consent_basis": "made up"}).status_code == 422
    session.expire_all()
    assert (lead.consent, lead.consent_basis) == (False, "Signed up at the fair")
    for words, key in (
        ("Interés legítimo", "legitimate_interest"),
        ("opt-in", "consent"),
        ("Contracte", "contract"),
    ):
        assert caller.patch(f"/leads/{lead.ref}", {"consent_basis": words}).json["consent_basis"] == key
    assert "Contract" in browser.get("/leads?columns=company,consent_basis").text
    assert ">contract<" not in browser.get(f"/leads/{lead.ref}").text


def test_all_that_is_held_about_a_person_is_given_out_by_administrators_alone(
    signed_in, session, ada, mara, sal
):
    account = make_account(session, "Forges", owner=mara)
    contact = make_contact(session, "Puig", account=account, owner=mara, email="Puig@forges.example")
    lead = make_lead(
        session, owner=sal, email="puig@forges.example", company="Molins", description="Likes gravel"
    )
    other = make_lead(session, owner=sal, email="roca@forges.example")
    gone = make_lead(session, owner=sal, email="puig@forges.example", deleted_at=clock.now())
    campaign = create_campaign(session, actor_of(session, mara), {"name": "Spring"}, now=clock.now())
    add_member(session, actor_of(session, mara), campaign.ref, contact.ref, now=clock.now())
    log_activity(
        session, actor_of(session, sal), lead, kind="note", text="Wants a test ride", now=clock.now()
    )
    session.commit()
    browser = signed_in(ada)
    assert browser.submit("/care/person", {"email": "nobody"}).status_code == 422
    found = browser.submit("/care/person", {"email": " puig@forges.example "}).get_data(as_text=True)
    assert contact.ref in found
    assert gone.ref in found
    assert other.ref not in found
    answer = browser.submit("/care/person/file", {"email": "puig@forges.example"}, page="/care/person")
    body = answer.get_json()
    assert {each["ref"] for each in body["leads"]} == {lead.ref, gone.ref}
    assert [each["ref"] for each in body["contacts"]] == [contact.ref]
    assert "Wants a test ride" in str(body["activities"])
    assert [each["name"] for each in body["campaigns"]] == ["Spring"]
    assert "Likes gravel" in answer.get_data(as_text=True)
    [event] = rows(session, Event, Event.verb == "person_given_out")
    assert lead.ref in event.detail["records"]
    assert "forges" not in str(event.detail)
    assert signed_in(mara).get("/care/person").status_code == 403
