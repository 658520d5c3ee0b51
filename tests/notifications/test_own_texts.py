"""Mail in the organisation's own words: written, tried, sent, taken back; and nothing that a text can break."""

from collections.abc import Callable
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.events.models import Event
from app.identity.models import User
from app.identity.queries import get_organisation
from app.kernel.actor import Role
from app.kernel.errors import InUse, Invalid, NotAllowed, Stale
from app.notifications.messages import write_mail
from app.notifications.models import Delivery, MailTemplate, MailText, Notification
from app.notifications.models import NotificationKind as Kind
from app.notifications.texts.kinds import OWN_WORDS, PLACEHOLDERS
from app.notifications.texts.language import CannotFill, clean_texts, fill, fill_line
from app.notifications.texts.operations import (
    create_template,
    delete_template,
    restore_text,
    save_text,
    use_builtin,
)
from app.notifications.texts.preview import preview_text, text_to_begin_from
from app.notifications.texts.queries import get_text, list_texts
from app.notifications.texts.trying import READERS
from app.routing.operations import route_lead
from app.routing.rule_operations import activate_rules, create_rules
from tests.factories import actor_of, make_lead, make_user, row_count, rows
from tests.notifications.correspondence import NOW, SECRETS, correspond
from tests.notifications.mailing import html_of, read_anew, run_sender, smtp_sender, tell, text_of
from tests.notifications.smtp_server import SmtpServer
from tests.people import Client

PAGE = "/setup/mail-texts"
VALUES = {"name": "Pia", "title": "Forges {{ vendor }}", "until": "", "vendor": "Acme", "link": "http://x"}


@pytest.mark.databases("sqlite")
def test_the_language_puts_text_in_and_does_nothing_else() -> None:
    assert fill_line("{{name}}: {{ title }}", VALUES) == "Pia: Forges {{ vendor }}", (
        "values are not read again"
    )
    assert fill("Dear {{ name }},\nby {{ until }}\n\n{{ until }}\n\nyours", VALUES) == ["Dear Pia,", "yours"]
    assert fill("a\nb { c }", VALUES) == ["a\nb { c }"]
    with pytest.raises(CannotFill, match="line 2"):
        fill("x\n{{ password }}", VALUES)
    known = tuple(VALUES)
    assert clean_texts(" Hi\r\nBcc: x ", "one\r\n\r\ntwo\x00".replace("\x00", ""), known) == (
        "Hi Bcc: x",
        "one\n\ntwo",
    )
    for bad in (
        "{{ name.__class__ }}", "{{ name | upper }}", "{{ 7 * 7 }}", "{% for x in range(9) %}", "{{ name", "name }}",
        "{# x #}", "{{ lead['email'] }}", "{{ }}", "see HTTP://evil.example", "{{ name }} " * 61, "x" * 5001, "  ",
    ):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            clean_texts("fine", f"first line\n{bad}" if len(bad) < 100 and bad.strip() else bad, known)
        if len(bad) < 100 and bad.strip():
            assert "Line 2" in str(refused.value.errors["body"][0])


@pytest.mark.databases("sqlite")
def test_the_built_in_text_can_be_begun_from_in_every_language(session: Session, mara: User) -> None:
    admin = actor_of(session, make_user(session, "Ada", role=Role.ADMINISTRATOR))
    nothing = preview_text(session, admin, "invitation", "en", subject="x", body="x", lead="", now=NOW)
    assert len(nothing.shown) == 2, "without a lead as well"
    nothing = preview_text(session, admin, "lead_offered", "en", subject="x", body="x", lead="", now=NOW)
    assert not nothing.shown
    lead = make_lead(session, owner=mara, **{**SECRETS, "external_id": None, "company": "Forges"})
    for kind, known in PLACEHOLDERS.items():
        for language in ("en", "es", "ca"):
            subject, body = text_to_begin_from(session, kind, language)
            assert clean_texts(subject, body, known) == (subject, body), (kind, language)
            shown = preview_text(
                session, admin, kind, language, subject=subject, body=body, lead=lead.ref, now=NOW
            )
            assert [preview.reader for preview in shown.shown] == list(READERS[kind])
            assert all(preview.words.note is None for preview in shown.shown)
    assert set(OWN_WORDS) | {"assignment"} == set(PLACEHOLDERS)
    assert text_to_begin_from(session, "lead_assigned", "es")[0] == "Nuevo lead de {{ giver }}: {{ title }}"
    assert "{{ number }}" in text_to_begin_from(session, "leads_assigned", "ca")[0]


def test_a_text_is_written_sent_restored_and_taken_back(session: Session) -> None:
    world = correspond(session)
    admin = actor_of(session, make_user(session, "Ada Lopez", role=Role.ADMINISTRATOR))
    given = {
        "subject": "{{ title }} is yours, {{ name }}",
        "body": "Call {{ company }}.\nBy {{ place }}.\n\n{{ link }}",
    }
    builtin = world.write(session, "lead_assigned")
    assert save_text(session, admin, "lead_assigned", "en", **given, number=0, now=NOW) == 1
    sent = world.write(session, "lead_assigned")
    assert sent["Subject"] == "Forges del Ter, Girona is yours, Pia Riera"
    assert "Call Forges del Ter.\r\nBy Girona, Catalunya, Spain.\r\n" in text_of(sent)
    assert "Call Forges del Ter.<br>By Girona, Catalunya, Spain.</p>" in html_of(sent)
    assert sent["Message-ID"] == builtin["Message-ID"]
    mail = write_mail(session, world.deliveries["lead_assigned"].id, now=NOW)
    assert session.get_one(MailText, mail.text_id).number == 1
    # Another language, an offer, and a lead that has moved on since say what is built in.
    assert world.write(session, "lead_offered")["Subject"].startswith("Lead offered by")
    assert world.write(session, "lead_assigned_internal")["Subject"].startswith("Forges del Ter, Girona is")
    world.leads["internal"].owner_user_id = make_user(session, role=Role.SALES).id
    session.flush()
    moved = world.write(session, "lead_assigned_internal")
    assert moved["Subject"].startswith("New lead from Mara Soler")
    assert "gone to somebody else since" in text_of(moved)
    world.pia.language = "es"
    session.flush()
    assert world.write(session, "lead_assigned")["Subject"].startswith("Nuevo lead de")
    world.pia.language = "en"
    # Versions.
    with pytest.raises(Stale):
        save_text(session, admin, "lead_assigned", "en", **given, number=0, now=NOW)
    save_text(session, admin, "lead_assigned", "en", subject="Second", body="Second", number=1, now=NOW)
    assert world.write(session, "lead_assigned")["Subject"] == "Second"
    restore_text(session, admin, "lead_assigned", "en", wanted=1, number=2, now=NOW)
    assert world.write(session, "lead_assigned")["Subject"] == sent["Subject"]
    use_builtin(session, admin, "lead_assigned", "en", number=3, now=NOW)
    assert world.write(session, "lead_assigned")["Subject"] == builtin["Subject"]
    page = get_text(session, admin, "lead_assigned", "en")
    assert [version.number for version in page.versions] == [4, 3, 2, 1]
    assert page.versions[-1].subject == given["subject"], "no version is rewritten"
    edits = rows(session, Event, Event.record_kind == "mail_template")
    assert [event.detail["number"] for event in edits] == [1, 2, 3, 4]
    assert edits[1].changes["subject"] == [given["subject"], "Second"]
    with pytest.raises(NotAllowed):
        save_text(session, actor_of(session, world.mara), "lead_assigned", "en", **given, number=4, now=NOW)


def test_a_reader_gets_nothing_that_they_may_not_see(session: Session) -> None:
    """A text that names every placeholder there is, in each mail that may say it, and in the preview."""
    world = correspond(session)
    admin = actor_of(session, make_user(session, "Ada Lopez", role=Role.ADMINISTRATOR))
    for kind in (Kind.LEAD_OFFERED, Kind.LEAD_IN_QUEUE, Kind.LEAD_ASSIGNED):
        body = "\n".join(f"{name}: {{{{ {name} }}}}" for name in PLACEHOLDERS[kind])
        save_text(session, admin, kind, "en", subject="All", body=body, number=0, now=NOW)
        shown = preview_text(
            session, admin, kind, "en", subject="All", body=body, lead=world.leads["internal"].ref, now=NOW
        )
        for preview in shown.shown:
            said = f"{preview.words} {preview.letter.facts} {preview.examples}"
            assert ("Forges" in said) == (preview.reader != "preview")
            assert not any(str(secret) in said for secret in SECRETS.values())
    for name, company_shown in (("lead_offered", False), ("lead_in_queue", False), ("lead_assigned", True)):
        mail = world.write(session, name)
        said = text_of(mail) + html_of(mail) + mail["Subject"]
        assert mail["Subject"] == "All"
        assert ("Forges" in said) is company_shown
        assert "company:" in said if company_shown else "company:" not in said, "the line is left out"
        assert not any(str(secret) in said for secret in SECRETS.values())
    # What is hidden from partners for good is in no mail to one, own text or not, heading and preview included.
    get_organisation(session).hidden_fields = ["company"]
    session.flush()
    for back_to in ("own", "built-in"):
        mail = world.write(session, "lead_assigned")
        assert "Forges" not in text_of(mail) + html_of(mail) + mail["Subject"], back_to
        assert "Forges" in text_of(world.write(session, "lead_assigned_internal"))
        use_builtin(session, admin, Kind.LEAD_ASSIGNED, "en", number=1, now=NOW)
    shown = preview_text(
        session, admin, Kind.LEAD_ASSIGNED, "en", subject="x", body="{{ title }}",
        lead=world.leads["internal"].ref, now=NOW,
    )  # fmt: skip
    assert ["Forges" in str(p.words) for p in shown.shown] == [False, True]


def test_a_text_that_cannot_be_used_loses_no_mail(
    app: Flask, session: Session, smtp: SmtpServer, pia: User, now: datetime
) -> None:
    admin = actor_of(session, make_user(session, "Ada Lopez", role=Role.ADMINISTRATOR))
    save_text(session, admin, "lead_assigned", "en", subject="Own", body="Own", number=0, now=now)
    text = rows(session, MailText)[0]
    text.body = "{{ gone_since }}"
    delivery = tell(session, pia, make_lead(session, owner=pia, company="Forges"), "test:1", now)
    (usual, _named) = list_texts(session, admin)
    state = next(line for line in usual if line.key == "lead_assigned").states[0]
    assert "gone_since" in str(state.faults[0])
    session.commit()
    run_sender(app, smtp_sender(app, smtp))
    (mail,) = smtp.to(pia.email)
    assert mail["Subject"].startswith("New lead from")
    read_anew(session)
    session.refresh(delivery)
    assert (delivery.state.value, delivery.text_id, delivery.error) == ("sent", None, "text_unusable")


def test_a_rule_chooses_a_text(session: Session, mara: User, pia: User, now: datetime) -> None:
    admin = actor_of(session, make_user(session, "Ada Lopez", role=Role.ADMINISTRATOR))
    template = create_template(session, admin, name="Pumps", now=now)
    for name in ("pumps ", ""):
        with pytest.raises(Invalid):
            create_template(session, admin, name=name, now=now)
    save_text(
        session, admin, template.ref, "en", subject="Pump: {{ title }}", body="{{ giver }}", number=0, now=now
    )
    entry = {"target": {"type": "user", "id": mara.ref}, "template_id": template.ref}
    with pytest.raises(Invalid) as refused:
        create_rules(
            session, admin, name="x", entries=[{**entry, "template_id": f"tmpl_{'0' * 22}"}], now=now
        )
    assert list(refused.value.errors) == ["entries[0].template_id"]
    rules = create_rules(session, admin, name="x", entries=[entry], now=now)
    with pytest.raises(InUse) as used:
        delete_template(session, admin, template.ref, now=now)
    assert f"version {rules.number}, rule 1" in str(used.value.message)
    activate_rules(session, admin, rules.ref, now=now)
    lead = make_lead(session, company="Forges", city="Girona")
    route_lead(session, admin, lead, now=now)
    delivery = session.scalars(select(Delivery).where(Delivery.template_id == template.id)).one()
    # What is sent is the text of the day, and one that was chosen is sent even if it was deleted since.
    save_text(session, admin, template.ref, "en", subject="Pumps! {{ title }}", body="x", number=1, now=now)
    rules = create_rules(session, admin, name="y", entries=[{**entry, "template_id": None}], now=now)
    activate_rules(session, admin, rules.ref, now=now)
    delete_template(session, admin, template.ref, now=now)
    mail = write_mail(session, delivery.id, now=now)
    assert b"Subject: Pumps! Forges, Girona" in mail.content
    assert session.get_one(Notification, delivery.notification_id).kind is Kind.LEAD_ASSIGNED


def test_the_editor_previews_saves_and_mails_to_oneself(
    session: Session, mara: User, pia: User, signed_in: Callable[[User], Client]
) -> None:
    ada = make_user(session, "Ada Lopez", role=Role.ADMINISTRATOR)
    lead = make_lead(session, owner=pia, company="Forges <b>", city="Girona", industry="Manufacturing")
    lead_ref = lead.ref
    browser = signed_in(ada)
    assert "Built-in" in browser.get(PAGE).text
    here = f"{PAGE}/lead_offered/en"
    page = browser.get(here).text
    assert "{{ until }}" in page
    assert "<h3>Manufacturing · Girona, ES" in page or "<h3>Manufacturing" in page
    typed = {"subject": "Look: {{ title }}", "body": "<i>{{ name }}</i>", "number": "0", "lead": lead_ref}
    typed["csrf_token"] = browser.csrf(here)
    fragment = browser.post(f"{here}/preview", data=typed, headers={"HX-Request": "true"})
    assert "&lt;i&gt;Ada Lopez&lt;/i&gt;" in fragment.text
    assert "Forges" not in fragment.text
    assert "<html" not in fragment.text
    whole = browser.post(f"{here}/preview", data=typed)
    assert "&lt;i&gt;Ada Lopez&lt;/i&gt;" in whole.text
    assert "<html" in whole.text
    assert row_count(session, MailTemplate) == 0, "a preview keeps nothing"
    wrong = browser.post(here, data={**typed, "subject": "{{ nobody }}", "body": "x\n{{ nothing }}"})
    assert wrong.status_code == 422
    for told in (
        '<a href="#subject">Subject: there is no placeholder “nobody”.</a>', 'aria-describedby="subject-error"',
        '<a href="#body">Line 2: there is no placeholder “nothing”.</a>', 'aria-describedby="body-help body-error"',
    ):  # fmt: skip
        assert told in wrong.text
    assert wrong.text.count("“nobody”") == 2, "on top and at its field, and not among the previews"
    assert wrong.text.count('aria-invalid="true"') == 2
    assert browser.post(f"{here}/test", data={**typed, "body": "{{ lead.email }}"}).status_code == 422
    assert browser.post(f"{here}/test", data=typed).status_code == 200
    trial = session.scalars(select(Delivery).order_by(Delivery.id.desc())).first()
    assert trial is not None
    assert trial.recipient == ada.email
    mail = write_mail(session, trial.id, now=NOW)
    assert b"Subject: Look: Manufacturing" in mail.content
    assert b"Nobody else got it" in mail.content
    assert browser.post(here, data=typed).status_code == 303
    assert browser.post(here, data={**typed, "body": "other"}).status_code == 409
    assert "Your own" in browser.get(here).text
    named = browser.post(PAGE, data={"name": "Pumps", "csrf_token": typed["csrf_token"]})
    assert browser.get(named.headers["Location"]).status_code == 200
    assert "Pumps" in browser.get(PAGE).text
    restored = browser.post(
        f"{here}/restore", data={"wanted": "0", "number": "1", "csrf_token": typed["csrf_token"]}
    )
    assert restored.status_code == 303
    assert "Built-in" in browser.get(here).text
    assert browser.get(f"{PAGE}/password_changed/en").status_code == 404, "warnings stay in Canal's words"
    assert browser.get(f"{PAGE}/lead_offered/xx").status_code == 404
