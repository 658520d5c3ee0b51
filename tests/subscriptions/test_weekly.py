"""A report by mail every week: exactly once, computed as its reader, stopped by them."""

import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest

from app.identity.models import UserState
from app.identity.queries import get_organisation
from app.kernel.errors import Invalid, NotFound
from app.notifications.messages import write_mail
from app.notifications.models import Delivery, Notification
from app.notifications.outcomes import Withheld
from app.reports.sheets import reports_for
from app.subscriptions import operations
from app.subscriptions.models import ReportSubscription
from app.subscriptions.operations import MOST, unsubscribe
from app.subscriptions.weeks import kept_query, next_mail
from app.subscriptions.writing import due, write_report_mail
from tests.factories import actor_of, make_lead, open_portal, rows

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)


def subscribe(session, actor, *asked, now):
    offered = {each.name for each in reports_for(actor)}
    return operations.subscribe(session, actor, *asked, offered=offered, now=now)


def mail_of(session, delivery, now):
    message = message_from_bytes(write_mail(session, delivery.id, now=now).content, policy=policy.default)
    parts = {
        part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()
    }
    return message["Subject"], parts["text/plain"], parts["text/html"]


@pytest.mark.databases("sqlite")
def test_the_morning_is_that_of_the_readers_zone_also_when_the_clocks_change():
    assert next_mail(MONDAY, 0, "Europe/Madrid") == datetime(2026, 11, 30, 6, tzinfo=UTC), "today's is over"
    assert next_mail(MONDAY, 1, "Europe/Madrid") == datetime(2026, 11, 24, 6, tzinfo=UTC)
    assert next_mail(MONDAY, 1, "Pacific/Auckland") == datetime(2026, 11, 23, 18, tzinfo=UTC)
    assert next_mail(datetime(2026, 10, 23, tzinfo=UTC), 6, "Europe/Madrid") == datetime(
        2026, 10, 25, 6, tzinfo=UTC
    )
    assert kept_query([("by", "source"), ("partner", " "), ("from", "2026-01")]) == "by=source&from=2026-01"


def test_it_goes_out_once_a_week_as_its_reader_sees_it_then(session, mara, pia, otto, northwind):
    open_portal(session)
    mara.language, mara.time_zone = "es", "Europe/Madrid"
    query = "by=source&country=ES&from=2026-01"
    own = subscribe(session, actor_of(session, mara), "funnel", query, 1, now=MONDAY)
    theirs = subscribe(session, actor_of(session, pia), "funnel", "", 1, now=MONDAY)
    assert subscribe(session, actor_of(session, mara), "funnel", query, 1, now=MONDAY).id == own.id
    assert due(session, now=MONDAY, limit=10) == []
    morning = own.next_at + timedelta(minutes=1)
    late = max(own.next_at, theirs.next_at) + timedelta(days=20)
    assert set(due(session, now=late, limit=10)) == {own.id, theirs.id}
    assert write_report_mail(session, own.id, now=morning)
    assert not write_report_mail(session, own.id, now=morning), "another worker finds nothing left to do"
    assert own.next_at == next_mail(morning, 1, "Europe/Madrid")
    assert write_report_mail(session, theirs.id, now=late), "weeks without a worker are one mail"
    assert due(session, now=late, limit=10) == [own.id]
    for owner, number in ((pia, 2), (otto, 3)):
        for _ in range(number):
            make_lead(session, owner=owner)
    notes = {note.user_id: note for note in rows(session, Notification)}
    sent = {
        user.id: rows(session, Delivery, Delivery.notification_id == notes[user.id].id)[0]
        for user in (mara, pia)
    }
    subject, text, html = mail_of(session, sent[mara.id], late)
    assert f"/reports/funnel?{query}" in text
    assert "país es España; desde enero 2026" in text
    assert "/profile/reports" in text, "where it is stopped"
    assert ": 5" in text
    assert "5" in html
    assert subject
    subject, text, _html = mail_of(session, sent[pia.id], late)
    assert ": 2" in text
    assert ": 5" not in text, "never what she does not see"
    pia.state = UserState.DEACTIVATED
    session.flush()
    with pytest.raises(Withheld):
        write_mail(session, sent[pia.id].id, now=late)
    assert not write_report_mail(session, theirs.id, now=late + timedelta(days=30)), "who has left gets none"
    assert len(rows(session, Notification)) == 2


def test_only_what_one_sees_can_be_had_and_only_ones_own_be_stopped(session, mara, pia, now):
    actor = actor_of(session, pia)
    for report in ("ageing", "nothing"):
        with pytest.raises(NotFound):
            subscribe(session, actor, report, "", 0, now=now)
    for weekday in (-1, 7):
        with pytest.raises(Invalid):
            subscribe(session, actor, "funnel", "", weekday, now=now)
    own = subscribe(session, actor_of(session, mara), "funnel", "", 0, now=now)
    with pytest.raises(NotFound):
        unsubscribe(session, actor, own.ref, now=now)
    unsubscribe(session, actor_of(session, mara), own.ref, now=now)
    assert rows(session, ReportSubscription) == []
    for number in range(MOST):
        subscribe(session, actor, "funnel", f"from=20{number + 10}-01", 0, now=now)
    with pytest.raises(Invalid):
        subscribe(session, actor, "funnel", "", 0, now=now)


@pytest.mark.databases("sqlite")
def test_a_filter_that_has_been_hidden_since_stops_it_instead_of_telling_more(
    signed_in, session, mara, pia, otto
):
    open_portal(session)
    actor = actor_of(session, pia)
    own = subscribe(session, actor, "funnel", "source=Fair", 1, now=MONDAY)
    cut = subscribe(session, actor, "funnel", "by=source", 1, now=MONDAY)
    make_lead(session, owner=pia)
    assert write_report_mail(session, own.id, now=own.next_at)
    [before] = rows(session, Delivery)
    get_organisation(session).hidden_fields = ["source"]
    session.commit()
    # Also one that was waiting to be sent.
    _subject, text, _html = mail_of(session, before, MONDAY)
    assert "a filter that you do not have any more" in text
    assert "/profile/reports" in text
    assert not re.search(r": \d", text), "no number"
    assert write_report_mail(session, own.id, now=own.next_at)
    assert not write_report_mail(session, own.id, now=own.next_at), "told once"
    assert write_report_mail(session, cut.id, now=cut.next_at)
    browser = signed_in(pia)
    assert browser.get("/profile/reports").text.count("Needs your attention") == 2
    get_organisation(session).hidden_fields = []
    session.commit()
    assert "Needs your attention" not in browser.get("/profile/reports").text
    assert write_report_mail(session, own.id, now=own.next_at), "it goes on by itself"


def test_it_is_asked_for_on_the_page_with_its_filters_and_stopped_in_the_profile(signed_in, session, mara):
    browser = signed_in(mara)
    page = "/reports/funnel?by=source&country=ES"
    assert 'value="by=source&amp;country=ES"' in browser.get(page).get_data(as_text=True)
    answer = browser.submit(
        "/reports/funnel/mail", {"query": "by=source&country=ES\r\nX: y", "weekday": "2"}, page=page
    )
    assert answer.status_code == 303
    [made] = rows(session, ReportSubscription)
    assert (made.weekday, "\n" in made.query) == (2, False)
    assert "Wednesday" in browser.get("/profile/reports").get_data(as_text=True)
    stopped = browser.submit(f"/profile/reports/{made.ref}/stop", page="/profile/reports")
    assert stopped.location == "/profile/reports"
    assert "No report is mailed to you" in browser.get("/profile/reports").get_data(as_text=True)
    assert rows(session, ReportSubscription) == []
