"""What mails say: word for word, in three languages, and nothing that they must not."""

import os
import re
from email.message import EmailMessage
from html import escape
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.identity.queries import get_organisation
from app.notifications.messages import write_mail
from app.notifications.models import NotificationKind
from tests.factories import make_lead
from tests.notifications.correspondence import NAMES, NOW, SECRETS, correspond, prospect, tell_of_bulk
from tests.notifications.mailing import html_of, notification_of, tell, text_of

GOLDEN = Path(__file__).parent / "golden"
LANGUAGES = ("en", "es", "ca")
WITH_HTML = {"lead_offered", "leads_assigned"}
PREVIEWS = {
    "lead_offered",
    "lead_in_queue",
    "leads_assigned_queue",
    "offer_lapsed_partner",
    "lead_recycled_partner",
    "daily_digest",
    "mail_test",
}
FIRST_LINK = re.compile(r"http\S*")


def everything(message: EmailMessage) -> str:
    """All that a reader, or a reader's mail program, could find."""
    headers = "\n".join(f"{name}: {value}" for name, value in message.items())
    return f"{headers}\n\n{text_of(message)}\n{html_of(message)}"


def without_chance(text: str) -> str:
    """Public names and one-time links differ from run to run."""
    text = text.replace("\r\n", "\n")
    text = re.sub(r"\b(lead|acct|act|dlv|user|queue)_[0-9A-Za-z]{20,}", r"\1_…", text)
    return re.sub(r"/welcome/\S+?(?=[\s\"]|$)", "/welcome/…", text)


def check_golden(path: Path, found: str) -> None:
    """CANAL_TEST_WRITE_GOLDEN=1 writes the files anew, to be read and committed."""
    if os.environ.get("CANAL_TEST_WRITE_GOLDEN"):
        path.write_text(found)
    assert path.read_text() == found, f"{path.name} reads otherwise now"


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mail_reads_as_agreed(session: Session, language: str) -> None:
    world = correspond(session, language)
    for name in NAMES:
        message = world.write(session, name)
        headers = "".join(
            f"{header}: {message[header]}\n"
            for header in (
                "From",
                "To",
                "Subject",
                "Date",
                "Message-ID",
                "Auto-Submitted",
                "Content-Language",
            )
        )
        check_golden(GOLDEN / f"{name}.{language}.txt", without_chance(f"{headers}\n{text_of(message)}"))
        if name in WITH_HTML:
            check_golden(GOLDEN / f"{name}.{language}.html", without_chance(html_of(message)))


@pytest.mark.databases("sqlite")
def test_the_first_invitation_makes_sense_before_the_organisation_has_a_name(session: Session) -> None:
    world = correspond(session)
    get_organisation(session).name = "Canal"
    message = world.write(session, "invitation_internal")
    assert message["Subject"] == "Your invitation to Canal"
    assert "sign in to Canal, where leads are worked on together with partners" in text_of(message)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("name", NAMES)
def test_both_parts_say_the_same(session: Session, name: str) -> None:
    message = correspond(session).write(session, name)
    html = re.sub(r"<[^>]+>", " ", html_of(message)).replace("&#39;", "'").replace("&amp;", "&")
    html = " ".join(html.split())
    for line in text_of(message).splitlines():
        said = line.strip("- :").strip()
        parts = said.split(": ") if ": " in said and "http" not in said else [said]
        if line.startswith("- ") and said.endswith(")"):
            title, _bracket, note = said.removesuffix(")").partition(" (")
            parts = [title, note]
        for part in parts:
            if part and "http" not in part:
                assert part in html, f"{part!r} is not in the HTML part"
    assert html_of(message).count('class="button"') == 1


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("name", NAMES)
def test_no_mail_shows_whom_to_call(session: Session, name: str) -> None:
    shown = everything(correspond(session).write(session, name))
    for field, secret in SECRETS.items():
        assert str(secret) not in shown, f"{field} is in the mail"
    assert "Forges" not in shown or name not in PREVIEWS, "a preview names the company"


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("name", NAMES)
def test_the_first_address_of_the_text_is_the_link(session: Session, name: str) -> None:
    world = correspond(session, company="http://evil.example/a HTTPS://evil.example hthttp://tp://x.example")
    get_organisation(session).name = "https://also.evil.example"
    message = world.write(session, name)
    links = FIRST_LINK.findall(text_of(message))
    assert links[0].startswith("http://127.0.0.1:5000/"), links[0]
    assert all(link.startswith("http://127.0.0.1:5000/") for link in links)
    assert f'href="{escape(links[0])}"' in html_of(message)
    assert all(
        link.startswith("http://127.0.0.1:5000/") for link in re.findall(r'href="([^"]*)"', html_of(message))
    )


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("name", NAMES)
def test_data_cannot_add_headers_or_markup(session: Session, name: str) -> None:
    company = "Forges\r\nBcc: thief@evil.example\r\n\r\n<script>alert(1)</script>{{ 7 * 7 }}\u202e\ud800"
    world = correspond(session, company=company.encode("utf-8", "replace").decode())
    world.pia.name = world.mara.name = world.pam.name = "Eve\r\nBcc: thief@evil.example"
    get_organisation(session).name = "Acme\r\nSubject: other <b>bold</b>"
    message = world.write(session, name)
    assert message["Bcc"] is None
    assert len(message.get_all("Subject")) == 1
    assert "<script>" not in html_of(message)
    assert "<b>bold" not in html_of(message)
    assert "{{ 7" not in everything(message) or "49" not in message["Subject"]
    assert "\u202e" not in everything(message)


@pytest.mark.parametrize("hidden", ["city", "industry", "employees", "source", "product_interest", "country"])
def test_a_preview_shows_the_fields_that_an_administrator_chose(session: Session, hidden: str) -> None:
    organisation = get_organisation(session)
    organisation.preview_fields = [name for name in organisation.preview_fields if name != hidden]
    world = correspond(session)
    shown = everything(world.write(session, "lead_offered")) + everything(
        world.write(session, "lead_in_queue")
    )
    value = {
        "city": "Girona",
        "industry": "Manufacturing",
        "employees": "50–199",
        "source": "Web form",
        "product_interest": "Industrial pumps",
        "country": "Spain",
    }[hidden]
    assert value not in shown
    assert "Manufacturing" in shown or "Girona" in shown


def test_a_lead_without_a_company_is_not_called_by_its_person(session: Session) -> None:
    world = correspond(session)
    lead = make_lead(session, owner=world.pia, **{**SECRETS, "external_id": None, "company": None})
    delivery = tell(session, world.pia, lead, "test:1", NOW)
    world.deliveries["it"] = delivery
    shown = everything(world.write(session, "it"))
    assert "Secret" not in shown
    assert world.write(session, "it")["Subject"] == "New lead from Acme Pumps: Manufacturing · Girona, ES"


def test_the_person_who_gave_it_is_named_to_their_own_side_only(session: Session) -> None:
    world = correspond(session)
    assert "Mara" not in everything(world.write(session, "lead_assigned"))
    assert world.write(session, "lead_assigned_internal")["Subject"].startswith("New lead from Mara Soler:")


def test_a_bulk_mail_lists_fifty_and_counts_the_rest(session: Session) -> None:
    world = correspond(session)
    tell_of_bulk(
        session,
        world,
        "many",
        world.pia,
        [prospect(session, f"Firm {n}", owner=world.pia) for n in range(53)],
    )
    text = text_of(world.write(session, "many"))
    assert len(re.findall(r"http\S*/leads/lead_", text)) == 50
    assert "and 3 more" in text
    assert world.write(session, "many")["Subject"] == "53 new leads from Acme Pumps"


def test_leads_of_a_bulk_act_that_went_elsewhere_are_left_out(session: Session) -> None:
    world = correspond(session)
    leads = [prospect(session, f"Firm {n}", owner=world.pia) for n in range(3)]
    tell_of_bulk(session, world, "some", world.pia, leads)
    leads[1].owner_user_id = world.mara.id
    leads[1].partner_account_id, leads[1].owner_rank = None, None
    session.flush()
    text = text_of(world.write(session, "some"))
    assert "Firm 1" not in text
    assert "Firm 0" in text
    assert "2 leads" in text


def test_an_object_that_was_renamed_is_called_so(session: Session) -> None:
    organisation = get_organisation(session)
    organisation.names, organisation.words_key = {"en": {"lead": ["enquiry", "enquiries"]}}, "enquiries"
    world = correspond(session)
    assert world.write(session, "lead_assigned")["Subject"].startswith("New enquiry from")
    assert "3 enquiries" in text_of(world.write(session, "leads_assigned"))


def test_the_message_id_stays_the_same(session: Session) -> None:
    world = correspond(session)
    first, later = world.write(session, "lead_assigned"), world.write(session, "lead_assigned")
    assert (
        first["Message-ID"] == later["Message-ID"] == f"<{world.deliveries['lead_assigned'].ref}@127.0.0.1>"
    )


def test_an_offer_answered_before_the_mail_went_out_says_so(session: Session) -> None:
    world = correspond(session)
    lead = world.leads["offered"]
    lead.offer_id = lead.offer_expires_at = None
    session.flush()
    text = text_of(world.write(session, "lead_offered"))
    assert "answered since" in text
    assert "Accept it by" not in text


def test_news_follow_a_person_to_a_new_address(session: Session) -> None:
    world = correspond(session)
    world.pia.email = "pia@new.example"
    session.flush()
    mail = write_mail(session, world.deliveries["lead_assigned"].id, now=NOW)
    assert mail.recipient == "pia@new.example"
    mail = write_mail(session, world.deliveries["password_changed"].id, now=NOW)
    assert mail.recipient == "pia@northwind.example"


def test_the_kinds_are_all_read(session: Session) -> None:
    world = correspond(session)
    assert {notification_of(session, world.deliveries[name]).kind for name in NAMES} == set(NotificationKind)


def test_several_offers_each_say_until_when(session: Session) -> None:
    text = text_of(correspond(session).write(session, "leads_assigned_mixed"))
    assert "has given you 1 lead." in text
    assert "offers you 2 leads" in text
    assert text.count("accept by ") == 2
