"""What contacts, and leads, agreed to, by the API and by files: read and said by the vendor's people, and never taken back by a file."""

from app.accounts.models import Contact
from app.events.models import Event
from app.sharing.shares import share_record
from tests.factories import actor_of, make_contact, make_lead, open_portal, rows
from tests.intake.importing import take

AGREED = {
    "consent": True, "consent_basis": "legitimate_interest", "consent_on": "2026-03-31", "consent_origin": "Fair",
    "opted_out_email": True, "opted_out_phone": False,
}  # fmt: skip
UNKNOWN = {**dict.fromkeys(AGREED), "opted_out_email": False, "opted_out_phone": False}


def shown(contact):
    return {name: contact[name] for name in AGREED}


def test_programs_say_and_read_what_a_contact_agreed_to(session, api, sal, world):
    client = api(sal)
    made = client.post("/contacts", {"last_name": "Soler", "account_id": world.account.ref, **AGREED})
    assert made.status_code == 201
    assert shown(made.json) == AGREED
    kept = rows(session, Contact, Contact.ref == made.json["id"])[0]
    assert kept.opted_out_by["opted_out_email"]["by"] == sal.id
    url = f"/contacts/{made.json['id']}"
    change = {"opted_out_phone": True, "consent": False, "consent_basis": "Contract"}
    changed = client.patch(url, change).json
    assert shown(changed) == {**AGREED, **change, "consent_basis": "contract"}
    told = rows(session, Event, Event.record_ref == made.json["id"], Event.verb == "edited")[-1].changes
    assert told["consent"] == [True, False]

    plain = client.post("/contacts", {"last_name": "Roca", "account_id": world.account.ref}).json
    assert shown(plain) == UNKNOWN
    wrong = {
        "consent": "perhaps", "consent_basis": "a whim", "consent_on": "some day", "consent_origin": "x" * 256,
        "opted_out_email": None,
    }  # fmt: skip
    for name, value in wrong.items():
        refused = client.patch(f"/contacts/{plain['id']}", {name: value, "title": "CEO"})
        assert (refused.status_code, list(refused.json["errors"])) == (422, [name])
    assert client.get(f"/contacts/{plain['id']}").json["title"] is None


def test_what_was_written_in_words_is_taken_back_unchanged_and_checked_when_it_changes(
    session, api, sal, world
):
    contact = make_contact(session, "Roca", account=world.account, consent_basis="as agreed by phone")
    url, client = f"/contacts/{contact.ref}", api(sal)
    whole = {name: value for name, value in client.get(url).json.items() if name in AGREED}
    assert client.patch(url, {**whole, "title": "CEO"}).json["consent_basis"] == "as agreed by phone"
    refused = client.patch(url, {"consent_basis": "as agreed by letter"})
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["consent_basis"])


def test_partner_people_are_told_what_somebody_wants_no_more_and_nothing_else(
    session, api, ada, pia, world, now
):
    open_portal(session)
    contact = make_contact(session, "Roca", account=world.account, consent=True, consent_basis="contract",
                           opted_out_phone=True)  # fmt: skip
    share_record(session, actor_of(session, ada), contact, {"type": "user", "id": pia.ref}, "read", now=now)
    body = api(pia).get(f"/contacts/{contact.ref}").json
    assert shown(body) == {**UNKNOWN, "opted_out_phone": True}
    assert api(pia).patch(f"/contacts/{contact.ref}", {"opted_out_phone": False}).status_code == 403


def test_a_file_says_what_contacts_agreed_to_and_takes_no_opt_out_back(session, api, mara, world):
    header = "Last name,Account,External id,Consent,Basis of consent,Date of consent,No e-mail,No calls\n"
    first = f"Roca,{world.account.ref},c1,yes,Contract,31/03/2026,yes,\n"
    mapping = {
        "Last name": "last_name", "Account": "account_id", "External id": "external_id", "Consent": "consent",
        "Basis of consent": "consent_basis", "Date of consent": "consent_on", "No e-mail": "opted_out_email",
        "No calls": "opted_out_phone",
    }  # fmt: skip
    more = f"Serra,{world.account.ref},c2,perhaps,a whim,,,\n"
    done = take(session, header + first + more, by=mara, kind="contact", mapping=mapping)
    assert (done.created, done.refused, done.warnings) == (2, 0, 2)
    roca, serra = (rows(session, Contact, Contact.external_id == name)[0] for name in ("c1", "c2"))
    read = api(mara).get(f"/contacts/{roca.ref}").json
    assert shown(read) == {
        **UNKNOWN, "consent": True, "consent_basis": "contract", "consent_on": "2026-03-31", "opted_out_email": True,
    }  # fmt: skip
    assert shown(api(mara).get(f"/contacts/{serra.ref}").json) == UNKNOWN
    again = f"Roca,{world.account.ref},c1,no,,,no,yes\n"
    take(session, header + again, by=mara, kind="contact", mapping=mapping)
    after = api(mara).get(f"/contacts/{roca.ref}").json
    assert (after["consent"], after["opted_out_email"], after["opted_out_phone"]) == (False, True, True)


def test_a_partner_takes_back_no_opt_out_that_somebody_else_has_noted(api, session, ada, pia, pam, otto):
    lead = make_lead(session, owner=pia, opted_out_email=True)  # nobody knows who noted it, as of old leads
    session.commit()
    url = f"/leads/{lead.ref}"
    assert api(ada).patch(url, {"opted_out_phone": True}).status_code == 200
    for name in ("opted_out_phone", "opted_out_email"):
        refused = api(pia).patch(url, {name: False, "city": "Salt"})
        assert (refused.status_code, list(refused.json["errors"])) == (422, [name])
    assert api(pia).get(url).json["city"] != "Salt"
    # The vendor takes it back; what a partner's own people note, they take back themselves, also for each other.
    assert api(ada).patch(url, {"opted_out_phone": False, "opted_out_email": False}).status_code == 200
    for name in ("opted_out_phone", "opted_out_email"):
        assert api(pam).patch(url, {name: True}).status_code == 200
    assert api(pia).patch(url, {"opted_out_phone": False}).json["opted_out_phone"] is False
    # Whoever has the lead next finds it as it was noted.
    lead.owner_user_id, lead.partner_account_id = otto.id, otto.partner_account_id
    session.commit()
    assert api(otto).patch(url, {"opted_out_email": False}).status_code == 422
