"""Web forms in setup: made, shown with what to copy, changed, deleted."""

import html
import re

import pytest

from app.campaigns.models import CampaignMember
from app.campaigns.operations import create_campaign, edit_campaign
from app.capture.models import LeadForm, LeadFormPost
from app.capture.operations import create_lead_form, edit_lead_form
from app.events.models import Event
from app.kernel import clock
from app.kernel.errors import Invalid, NotAllowed, NotFound
from app.leads.models import Lead, LeadSource
from app.leads.registries import SOURCES, remove_item
from tests.capture.forms import make_form
from tests.factories import actor_of, row_count, rows
from tests.fields.making import make_field

pytestmark = pytest.mark.databases("sqlite")


def text_of(answer):
    return html.unescape(answer.get_data(as_text=True))


def test_a_form_is_made_copied_changed_and_deleted(signed_in, client, session, ada, mara):
    field = make_field(session, ada, "lead", "choice", "Fleet", choices=("Small", "Large"))
    browser = signed_in(mara)
    assert "No web forms yet" in text_of(browser.get("/setup/lead-forms"))
    typed = {
        "name": "Fair", "language": "ca", "is_active": "1", "ask-email": "1", "place-email": "2", "must-email": "1",
        f"ask-{field.name}": "1", f"place-{field.name}": "1", "ask-consent": "1", "place-consent": "3",
        "label-email": "El correu", "help-email": "On us escrivim", "hidden-campaign": "Fira", "thank_you_url": "http://x.example",
    }  # fmt: skip
    refused = browser.submit("/setup/lead-forms", typed, page="/setup/lead-forms/new")
    assert (refused.status_code, 'value="El correu"' in text_of(refused)) == (422, True)
    assert "There is no campaign “Fira”. Make it first." in text_of(refused)
    fair = create_campaign(session, actor_of(session, mara), {"name": "fira"}, now=clock.now())
    session.commit()
    assert "<option>fira</option>" in text_of(browser.get("/setup/lead-forms/new"))
    made = browser.submit("/setup/lead-forms", {**typed, "thank_you_url": ""}, page="/setup/lead-forms/new")
    assert made.status_code == 303
    edit_campaign(session, actor_of(session, mara), fair.ref, {"name": "Fira"}, now=clock.now())
    session.commit()  # the form goes on under the campaign's new name
    form = rows(session, LeadForm)[0]
    assert [each["name"] for each in form.fields] == [field.name, "email", "consent"]
    page = text_of(browser.get(made.location))
    snippet = html.unescape(re.search(r'(?s)<textarea[^>]*id="snippet"[^>]*>(.*?)</textarea>', page)[1])
    assert f'action="http://127.0.0.1:5000/leads/capture/{form.key}"' in snippet or form.key in snippet
    assert "<script" not in snippet
    assert "style" not in snippet
    for control in re.findall(r'<(?:input|select|textarea)[^>]* id="([^"]+)"', snippet):
        assert f'<label for="{control}">' in snippet, control
    posted = {"email": "a@b.example", field.name: form_choice(field), "consent": "yes"}
    assert client.post(f"/leads/capture/{form.key}", data=posted).status_code == 303
    lead = rows(session, Lead)[0]
    assert (lead.email, lead.consent, lead.consent_basis, lead.campaign_name) == (
        "a@b.example",
        True,
        "consent",
        "Fira",
    )
    assert [member.campaign_id for member in rows(session, CampaignMember)] == [fair.id]
    assert (lead.consent_origin, lead.consent_on is None) == ("Fair", False)
    assert lead.custom == {field.name: form_choice(field)}
    page = f"/setup/lead-forms/{form.ref}/edit"
    for version, status in (("1", 303), ("1", 409)):
        answer = browser.submit(
            page, {**typed, "name": f"Fair {version} {status}", "thank_you_url": "", "version": version}
        )
        assert answer.status_code == status
    assert "goes with it" not in text_of(browser.get(f"/setup/lead-forms/{form.ref}/delete"))
    assert browser.submit(f"/setup/lead-forms/{form.ref}/delete").status_code == 303
    assert browser.get(f"/setup/lead-forms/{form.ref}").status_code == 404
    assert client.post(f"/leads/capture/{form.key}", data=posted).status_code == 404
    assert (row_count(session, Lead), row_count(session, LeadFormPost)) == (1, 0)
    told = [event.verb for event in rows(session, Event, Event.record_kind == "lead_form")]
    assert told == ["created", "filled_in", "edited", "deleted"]
    assert browser.get("/setup/audit-log?kind=filled_in").status_code == 200


def form_choice(field):
    return field.choices[0]["key"] if isinstance(field.choices[0], dict) else field.choices[0].key


def test_forms_are_kept_by_channel_managers_and_administrators(session, signed_in, mara, sal, pia):
    form = make_form(session, mara)
    for person in (sal, pia):
        with pytest.raises(NotAllowed):
            create_lead_form(session, actor_of(session, person), {}, now=clock.now())
        for page in ("", "/new", "/quarantine", f"/{form.ref}", f"/{form.ref}/edit", f"/{form.ref}/delete"):
            assert signed_in(person).get(f"/setup/lead-forms{page}").status_code == 403, page
    with pytest.raises(NotFound):
        edit_lead_form(session, actor_of(session, mara), f"form_{'0' * 22}", {}, now=clock.now())


def test_what_a_form_cannot_be_is_refused_and_what_has_gone_stops_nothing(session, client, mara, ada):
    actor, now = actor_of(session, mara), clock.now()
    for given, field in (
        ({"name": ""}, "name"), ({"language": "fr"}, "language"), ({"fields": []}, "fields"),
        ({"fields": [{"name": "title"}]}, "fields"), ({"fields": [{"name": "score"}]}, "fields[0].name"),
        ({"fields": [{"name": "email"}, {"name": "email"}]}, "fields[1].name"), ({"hidden": {"score": 9}}, "hidden"),
        ({"hidden": {"email": "a@b.example"}}, "hidden"), ({"hidden": {"source": "Nowhere"}}, "hidden.source"),
        ({"thank_you_url": "javascript:alert(1)"}, "thank_you_url"), ({"heading": "\x00"}, "heading"),
        ({"thank_you_url": "https://a.example; script-src *"}, "thank_you_url"),
        ({"frame_sites": ["https://a.example;", "x"]}, "frame_sites"), ({"frame_sites": ["https://*"]}, "frame_sites"),
        ({"nonsense": 1}, "nonsense"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as caught:
            make_form(session, mara, **given)
        assert list(caught.value.errors) == [field], given
    source = LeadSource(ref="item_x", name="Fair", name_fold="fair")
    session.add(source)
    session.flush()
    form = make_form(session, mara, hidden={"source": "fair", "country": "Spain"})
    remove_item(session, actor_of(session, ada), SOURCES, source.ref, now=now)
    edit_lead_form(session, actor, form.ref, {"name": "Other"}, now=now)
    assert client.post(f"/leads/capture/{form.key}", data={"last_name": "Puig"}).status_code == 303
    lead = rows(session, Lead)[0]
    assert (lead.source_id, lead.country) == (None, "ES")
