"""The calendar feed: what one may see now, in one's own zone, at an address that can be taken back."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from app.activities.operations import log_activity
from app.identity.models import CalendarAddress, UserState
from app.kernel import clock
from app.partners.models import PartnerAccount, PartnerState
from app.web.limits import limiter
from tests.factories import actor_of, make_account, make_contact, make_lead, row_count, rows

pytestmark = pytest.mark.databases("sqlite")


def address_of(browser):
    page = browser.submit("/profile/calendar", {}, page="/profile/calendar").get_data(as_text=True)
    [address] = set(re.findall(r"/calendar/[\w-]{43}\.ics", page))
    return address


def entries(answer, kind):
    return {str(e["summary"]): e for e in Calendar.from_ical(answer.get_data()).walk(kind)}


def test_the_feed_tells_what_its_person_may_see_now(client, signed_in, session, sal, mara, caplog):
    sal.time_zone = "Europe/Madrid"
    now = clock.now()
    account = make_account(session, "Forges", owner=mara)
    ann = make_contact(session, "Ann", account=account)
    lead = make_lead(session, company="Hidden later", owner=sal)
    actor, begins = actor_of(session, sal), now.replace(microsecond=0) + timedelta(days=2)
    log_activity(
        session, actor, account, kind="meeting", subject="Kick-off, with; signs", done=False, due_at=begins,
        ends_at=begins + timedelta(hours=2), place="Girona", people=[ann.ref], now=now,
    )  # fmt: skip
    log_activity(session, actor, lead, kind="task", subject="Call back", due_at=begins, now=now)
    log_activity(
        session, actor_of(session, mara), account, kind="task", subject="Not mine", due_at=begins, now=now
    )
    session.commit()
    address = address_of(signed_in(sal))
    assert address.encode() not in b"".join(row.token_hash for row in rows(session, CalendarAddress))
    answer = client.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    [meeting] = entries(answer, "VEVENT").values()
    assert meeting["dtstart"].dt == begins.astimezone(ZoneInfo("Europe/Madrid"))
    assert meeting["dtstart"].params["TZID"] == "Europe/Madrid"
    assert meeting["dtend"].dt - meeting["dtstart"].dt == timedelta(hours=2)
    assert (str(meeting["location"]), "Ann" in str(meeting["description"])) == ("Girona", True)
    assert list(entries(answer, "VTODO")) == ["Call back · Hidden later"]
    assert [str(zone["tzid"]) for zone in Calendar.from_ical(answer.get_data()).walk("VTIMEZONE")] == [
        "Europe/Madrid"
    ]
    assert len(entries(client.get(f"{address}?tasks=events"), "VEVENT")) == 2
    lead.deleted_at = now
    session.commit()
    assert not entries(client.get(address), "VTODO")
    assert address.split("/")[-1][:-4] not in caplog.text


def test_the_address_is_renewed_revoked_and_dies_with_its_person(
    client, signed_in, session, sal, pia, northwind
):
    browser = signed_in(sal)
    first = address_of(browser)
    second = address_of(browser)
    assert [client.get(address).status_code for address in (first, second)] == [404, 200]
    assert not re.search(r"/calendar/[\w-]{43}", browser.get("/profile/calendar").get_data(as_text=True))
    browser.submit("/profile/calendar/revoke", {}, page="/profile/calendar")
    assert client.get(second).status_code == 404
    assert row_count(session, CalendarAddress) == 0
    theirs, partners = address_of(browser), address_of(signed_in(pia))
    assert client.get(partners).status_code == 200
    sal.state = UserState.DEACTIVATED
    [company] = rows(session, PartnerAccount, PartnerAccount.account_id == pia.partner_account_id)
    company.state = PartnerState.SUSPENDED
    session.commit()
    assert [client.get(address).status_code for address in (theirs, partners)] == [404, 404]


def test_the_feed_is_asked_for_so_often_and_no_more(app, worlds):
    limiter.reset()
    asked = worlds.another(app, rate_limits=True).test_client()
    found = [asked.get("/calendar/nothing.ics").status_code for _ in range(61)]
    limiter.reset()
    assert (found[0], found[-1]) == (404, 429)
