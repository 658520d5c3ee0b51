"""What strangers post to a web form: a lead, once, or quarantine; and the same answer whatever becomes of it."""

import html
import re
from datetime import timedelta

import pytest
from sqlalchemy import delete

from app.campaigns.operations import create_campaign
from app.capture import public_views
from app.capture.marks import make_mark
from app.capture.models import Cause, LeadFormPost, PostState
from app.capture.taking import asked_by, find_open_form, purge_posts, read_post, release_posts, take_post
from app.events.models import Event
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.db import db, transaction
from app.leads.models import Lead, LeadSource
from app.notifications.models import Delivery
from tests import people
from tests.capture.forms import make_form
from tests.factories import actor_of, get_default_queue, make_lead, row_count, rows
from tests.races import together

SANE = {"last_name": "Puig", "email": "Anna@Puig.example", "description": "Two vans, please"}


def text_of(answer):
    return html.unescape(answer.get_data(as_text=True))


def send(client, form, data, **kwargs):
    return client.post(f"/leads/capture/{form.key}", data=data, **kwargs)


@pytest.mark.databases("sqlite")
def test_what_a_stranger_sends_is_one_lead_within_the_hour(client, session, mara, monkeypatch):
    source = rows(session, LeadSource)[0]
    create_campaign(session, actor_of(session, mara), {"name": "Spring"}, now=clock.now())
    form = make_form(
        session, mara, hidden={"source": source.name, "campaign": "Spring", "product_interest": "Vans"}
    )
    known = make_lead(session, owner=mara, email="anna@puig.example", last_name="Puig")
    first = send(
        client, form, {**SANE, "status": "qualified", "score": "99", "owner": mara.ref, "campaign": "Mine"}
    )
    assert (first.status_code, first.location) == (303, f"/f/{form.key}/thanks")
    assert "Set-Cookie" not in first.headers
    lead = rows(session, Lead, Lead.id != known.id)[0]
    assert (lead.last_name, lead.source_id, lead.campaign_name, lead.product_interest) == (
        "Puig", source.id, "Spring", "Vans",
    )  # fmt: skip
    assert (lead.owner_queue_id, lead.created_by_id) == (get_default_queue(session).id, None)
    assert lead.duplicates == [{"type": "lead", "id": known.id, "reasons": ["email", "name"]}]
    created = rows(session, Event, Event.record_ref == lead.ref, Event.verb == "created")[0]
    assert (created.door, created.actor_name) == ("form", "web form")
    # Sent again, as after a crash, and typed otherwise: a person would call it the same.
    again = send(client, form, {**SANE, "last_name": " PUIG ", "email": "anna@puig.example"})
    assert (again.status_code, again.location) == (303, first.location)
    assert row_count(session, Lead) == 2
    assert "Thank you" in text_of(client.get(first.location))
    assert send(client, form, {**SANE, "description": "And a bus"}).status_code == 303
    assert row_count(session, Lead) == 3
    later = clock.now() + timedelta(minutes=61)
    monkeypatch.setattr(clock, "now", lambda: later)
    send(client, form, SANE)
    assert row_count(session, Lead) == 4
    assert row_count(session, Delivery, Delivery.recipient.contains("puig")) == 0


@pytest.mark.databases("sqlite")
def test_what_is_missing_or_no_text_comes_back_with_what_was_typed(client, signed_in, session, mara):
    form = make_form(session, mara, language="es", heading="Escríbenos")
    setup = text_of(signed_in(mara).get(f"/setup/lead-forms/{form.ref}"))
    assert "Hemos recibido tu mensaje" in setup, "what people read afterwards, in their language"
    for data, said in (
        ({"email": "anna@puig.example"}, "last_name"),
        ({"last_name": "Puig", "email": "anna"}, "email"),
        ({"last_name": "a\x00b", "email": "anna@puig.example"}, "last_name"),
    ):
        answer = send(client, form, data)
        page = text_of(answer)
        assert answer.status_code == 422, data
        assert f'id="lead-{said}-error"' in page
        assert f'value="{data["email"]}"' in page
        assert 'lang="es"' in page
        assert "Escríbenos" in page
    broken = b"last_name=%ED%A0%80&email=anna%40puig.example"
    answer = client.post(
        f"/leads/capture/{form.key}", data=broken, content_type="application/x-www-form-urlencoded"
    )
    assert (answer.status_code, 'value="anna@puig.example"' in text_of(answer)) == (422, True)
    assert send(client, form, {"last_name": "x" * 70_000}).status_code == 413
    assert send(client, form, {}).status_code == 422
    assert row_count(session, Lead) == 0
    # Where last name and company must be given, a form asks for them although it forgot to.
    get_organisation(session).strict_capture = True
    assert 'id="lead-company-error"' in text_of(send(client, form, SANE))
    assert send(client, form, {**SANE, "company": "Puig SL"}).status_code == 303
    assert rows(session, Lead)[0].company == "Puig SL"
    form.is_active = False
    assert send(client, form, SANE).status_code == client.get(f"/f/{form.key}").status_code == 404


@pytest.mark.databases("sqlite")
def test_what_a_program_sends_waits_until_somebody_looks_at_it(client, signed_in, session, mara, monkeypatch):
    form = make_form(session, mara, thank_you_url="https://vendor.example/thanks?a=1")
    page = text_of(client.get(f"/f/{form.key}"))
    mark = re.search(r'name="made" value="([^"]+)"', page)[1]
    trapped = send(client, form, {**SANE, public_views.TRAP: "12"})
    hasty = send(client, form, {**SANE, "made": mark})
    forged = send(client, form, {**SANE, "last_name": "Pons", "made": f"{mark}x"})
    assert {a.status_code for a in (trapped, hasty, forged)} == {303}
    assert {a.location for a in (trapped, hasty, forged)} == {form.thank_you_url}
    assert row_count(session, Lead) == 0
    waiting = rows(session, LeadFormPost)
    assert [(post.cause, post.times) for post in waiting] == [(Cause.TRAP, 2), (Cause.FORGED, 1)]
    browser = signed_in(mara)
    shown = text_of(browser.get(f"/setup/lead-forms/quarantine?form={form.ref}"))
    assert "Two vans, please" in shown
    kept = [post.ref for post in waiting]
    sent = {"act": "release", "post": kept[0]}
    for _ in range(2):
        answer = browser.submit("/setup/lead-forms/quarantine", sent)
        assert answer.status_code == 303
    assert [lead.last_name for lead in rows(session, Lead)] == ["Puig"]
    # Taken out, narrowed to why it is here; deleted for good only when asked once more.
    taken = browser.submit(
        "/setup/lead-forms/quarantine/export?cause=forged&sort=came", {}, page="/setup/lead-forms/quarantine"
    )
    assert "last_name: Pons" in text_of(taken)
    assert "last_name: Puig" not in text_of(taken)
    assert form.ref in text_of(
        browser.submit("/setup/lead-forms/export?sort=name", {}, page="/setup/lead-forms?sort=-changed")
    )
    sent = {"act": "delete", "post": kept[1]}
    assert "Delete 1 post for good?" in text_of(browser.submit("/setup/lead-forms/quarantine", sent))
    assert row_count(session, LeadFormPost) == 2
    browser.submit("/setup/lead-forms/quarantine", {**sent, "sure": "1"})
    assert [post.state for post in rows(session, LeadFormPost)] == [PostState.TAKEN]
    old = clock.now() - timedelta(seconds=3)
    assert send(client, form, {"last_name": "Slow", "made": make_mark("x", form.key, old)}).status_code == 303
    send(client, form, {"last_name": "Slow", "made": make_mark(public_secret(client), form.key, old)})
    assert [lead.last_name for lead in rows(session, Lead)] == ["Puig", "Slow"]
    session.commit()
    with transaction() as writing:
        assert purge_posts(writing, now=clock.now() + timedelta(days=31)) == 3
    assert rows(session, LeadFormPost) == []


def public_secret(client):
    return client.application.extensions["canal.settings"].signing_key


@pytest.mark.databases("sqlite")
def test_a_form_is_shown_by_the_sites_that_it_names_alone(client, session, mara):
    bare = make_form(session, mara)
    framed = make_form(
        session, mara, frame_sites=["https://www.vendor.example/page"], thank_you_url="https://t.example/x"
    )
    answer = client.get(f"/f/{bare.key}")
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert (answer.headers["X-Frame-Options"], "Set-Cookie" in answer.headers) == ("DENY", False)
    for answer in (client.get(f"/f/{framed.key}"), send(client, framed, {})):
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'self' https://www.vendor.example" in policy
        assert "form-action 'self' https://t.example" in policy
        assert "X-Frame-Options" not in answer.headers
    assert "<script" not in text_of(answer)
    assert (
        client.get("/f/nothing").status_code
        == send(client, type("F", (), {"key": "no"}), SANE).status_code
        == 404
    )
    again = client.get(f"/leads/capture/{bare.key}")
    assert (again.status_code, again.location) == (303, f"/f/{bare.key}")


@pytest.mark.databases("sqlite")
def test_a_flood_is_held_back_by_address(worlds, app, session, mara):
    form = make_form(session, mara, language="es")
    session.commit()
    flood = people.Client(worlds.another(app, rate_limits=True), use_cookies=True)
    answers = [send(flood, form, {"last_name": f"Spam {n}"}).status_code for n in range(22)]
    assert (answers.count(303), answers.count(429)) == (20, 2)
    assert "Demasiadas veces seguidas" in text_of(send(flood, form, {"last_name": "Spam"}))
    assert row_count(session, Lead) == 20


def test_posts_at_once_lose_and_double_nothing(app, session, mara):
    """Four threads post the same fifteen, half of them spam: each is there once; two people release them at once."""
    form = make_form(session, mara)
    session.commit()
    now, key = clock.now(), form.key

    def post(number):
        def act():
            for n in range(15):
                n = (n + 2 * number) % 15
                with transaction() as writing:
                    asked = find_open_form(writing, key)
                    cause = Cause.TRAP if n % 2 else None
                    read = read_post(writing, asked_by(writing, asked), {"last_name": f"Nr {n}"}, cause)
                    take_post(writing, asked, read, now=now)
            return 15

        return act

    assert together(app, [post(number) for number in range(4)]) == [15] * 4
    assert sorted(lead.last_name for lead in rows(session, Lead)) == sorted(
        f"Nr {n}" for n in range(0, 15, 2)
    )
    posts = rows(session, LeadFormPost)
    assert (len(posts), {post.times for post in posts}) == (15, {4})
    trapped = [post.ref for post in posts if post.state == PostState.TRAPPED]
    ref = mara.id

    def release():
        from app.identity.models import User

        with transaction() as writing:
            person = writing.get(User, ref)
            return release_posts(writing, actor_of(writing, person), trapped, now=now)[0]

    made = together(app, [release, release])
    assert sum(made) == 7, made
    session.expire_all()
    assert row_count(session, Lead) == 15
    session.execute(delete(LeadFormPost))
    db.session.rollback()
