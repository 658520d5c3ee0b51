"""What partners are never told of added fields, by any way in."""

import pytest
from sqlalchemy import select

from app.fields.operations import (
    index_field,
)
from app.identity.models import Organisation
from app.kernel import clock
from app.kernel.errors import Invalid
from app.leads.models import Lead
from app.routing.models import Queue
from app.sharing.scope import HiddenFieldSelected, scope
from app.sharing.shares import share_record
from tests.factories import (
    actor_of,
    make_account,
    make_contact,
    make_lead,
)
from tests.fields.making import finish_work, make_field


def test_a_hidden_field_is_nowhere_for_partners(session, ada, pia, northwind, api, signed_in):
    shown = make_field(session, ada, "lead", "text", "Shown")
    early = make_field(session, ada, "lead", "choice", "Early", choices=("Gold",), visibility="preview")
    secret = make_field(session, ada, "lead", "text", "Secret", visibility="hidden")
    for field in (shown, secret):
        index_field(session, actor_of(session, ada), field.ref, now=clock.now())
    session.commit()
    held = {shown.name: "open-word", early.name: "gold", secret.name: "hidden-word"}
    lead = make_lead(session, owner=pia, company="Acme", custom=held)
    queue_id = northwind.queue_id
    waiting = make_lead(session, company="Waits", custom=held)
    waiting.owner_queue_id, waiting.partner_account_id = queue_id, northwind.account_id
    session.commit()
    finish_work(session)
    client = api(pia)
    whole = client.get(f"/api/v1/leads/{lead.ref}").json
    assert whole["custom"] == {shown.name: "open-word", early.name: "gold"}
    assert client.get(f"/api/v1/leads/{waiting.ref}").json["custom"] == {early.name: "gold"}
    assert client.get(f"/api/v1/leads?{secret.name}=hidden-word").status_code == 422
    assert len(client.get(f"/api/v1/leads?{shown.name}=open-word").json["items"]) == 1
    assert client.get(f"/api/v1/leads?sort={shown.name}").status_code == 422
    body = {"custom": {secret.name: "x"}}
    refused = client.patch(f"/api/v1/leads/{lead.ref}", json=body).json["errors"]
    nothing = client.patch(f"/api/v1/leads/{lead.ref}", json={"custom": {"c_none": "x"}}).json["errors"]
    assert refused == {f"custom.{secret.name}": nothing["custom.c_none"]}
    changed = client.patch(f"/api/v1/leads/{lead.ref}", json={"custom": {shown.name: "new"}}).json
    assert changed["version"] != whole["version"]
    # A change of the hidden one is no change for them.
    api(ada).patch(f"/api/v1/leads/{lead.ref}", json={"custom": {secret.name: "hidden-other"}})
    assert client.get(f"/api/v1/leads/{lead.ref}").json["version"] == changed["version"]
    with pytest.raises(HiddenFieldSelected):
        session.execute(select(Lead.custom).where(scope(Lead, actor_of(session, pia))))
    with pytest.raises(HiddenFieldSelected):
        session.execute(select(Lead.custom[secret.name]).where(scope(Lead, actor_of(session, pia))))
    with pytest.raises(HiddenFieldSelected):
        session.execute(select(Lead.custom_1).where(scope(Lead, actor_of(session, pia))))
    browser = signed_in(pia)
    for url in (f"/leads/{lead.ref}", f"/leads/{lead.ref}/edit", f"/leads/{waiting.ref}", "/leads"):
        page = browser.get(url).get_data(as_text=True)
        assert "hidden-" not in page, url
        assert secret.name not in page, url
    assert "Gold" in browser.get(f"/leads/{waiting.ref}").get_data(as_text=True)


def test_what_names_the_vendors_people_is_never_shown_to_partners(
    session, ada, sal, pia, northwind, api, signed_in, now
):
    held = {}
    for object_ in ("lead", "account", "contact"):
        held[object_] = make_field(session, ada, object_, "user", "Engineer").name
    organisation = session.get_one(Organisation, 1)
    organisation.preview_fields = [*organisation.preview_fields, held["lead"]]  # as somebody chose before
    lead = make_lead(session, owner=pia, custom={held["lead"]: sal.ref})
    waiting = make_lead(
        session, queue=session.get_one(Queue, northwind.queue_id), custom={held["lead"]: sal.ref}
    )
    account = make_account(session, "Forges", custom={held["account"]: sal.ref})
    contact = make_contact(session, "Roca", account=account, custom={held["contact"]: sal.ref})
    for record in (account, contact):
        share_record(
            session, actor_of(session, ada), record, {"type": "user", "id": pia.ref}, "read", now=now
        )
    session.commit()
    records = {"leads": lead, "accounts": account, "contacts": contact}
    for user, is_told in ((ada, True), (pia, False)):
        browser, client = signed_in(user), api(user)
        for room, record in records.items():
            name = held[record.__tablename__]
            page, body = browser.get(f"/{room}/{record.ref}"), client.get(f"/api/v1/{room}/{record.ref}")
            assert (page.status_code, body.status_code) == (200, 200)
            assert ("Engineer" in page.text) is ("Sal" in page.text) is is_told
            assert (name in body.json["custom"]) is (sal.ref in body.text) is is_told
            listed = browser.get(f"/{room}?column={name}&{name}={sal.ref}").text
            assert (f"/{room}/{record.ref}" in listed and "Sal" in listed) is is_told
    browser, client = signed_in(pia), api(pia)
    for url in (f"/leads/{lead.ref}/edit", f"/leads/{waiting.ref}", "/inbox"):
        assert "Engineer" not in browser.get(url).text
        assert sal.ref not in browser.get(url).text
    assert held["lead"] not in client.get(f"/api/v1/leads/{waiting.ref}").text
    asked = client.patch(f"/api/v1/leads/{lead.ref}", json={"custom": {held["lead"]: None}})
    assert asked.status_code == 422
    assert api(ada).get(f"/api/v1/leads/{lead.ref}").json["custom"] == {held["lead"]: sal.ref}
    with pytest.raises(Invalid) as refused:
        make_field(session, ada, "lead", "user", "Architect", visibility="after_claim")
    assert list(refused.value.errors) == ["visibility"]
    assert held["lead"] not in signed_in(ada).get("/setup/lead-fields").text
