"""What became of cases and opportunities stands in the timelines of their account and contact, for whoever sees them."""

import re
from datetime import timedelta

import pytest

from app.activities.operations import log_activity
from app.cases.operations import close_case, create_case, reopen_case
from app.events.operations import record
from app.identity.models import AccountScope
from app.kernel import clock
from app.opportunities.operations import create_opportunity, edit_opportunity
from app.opportunities.people import add_part
from app.sharing.shares import share_record
from tests.factories import actor_of, make_account, make_case, make_contact, make_opportunity
from tests.people import is_told


def timeline_of(browser, url):
    """What the timeline of a page says, without its tags, and the records that it leads to."""
    answer = browser.get(url)
    assert answer.status_code == 200, url
    feed = answer.get_data(as_text=True).partition('<ol class="history">')[2].partition("</ol>")[0]
    links = re.findall(r'class="history-open" href="([^"]+)"', feed)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", feed)), links


@pytest.fixture
def world(session, sal, mara, pia):
    """An account with a contact; Sal closed a case of theirs, won an opportunity, and Pia lost one of her own."""
    account = make_account(session, "Forges", owner=mara)
    contact = make_contact(session, "Puig", first_name="Marta", account=account, owner=mara)
    actor, now = actor_of(session, sal), clock.now() - timedelta(days=2)
    case = create_case(session, actor, {"subject": "The pump leaks", "contact_id": contact.ref}, now=now)
    close_case(session, actor, case.ref, reason="A new gasket.", now=now + timedelta(hours=1))
    deal = create_opportunity(
        session, actor, {"name": "A new pump", "account_id": account.ref}, now=now + timedelta(hours=2)
    )
    add_part(session, actor, deal.ref, contact.ref, "decision_maker", now=now + timedelta(hours=2))
    won = {"stage": "won", "outcome": "best_offer", "outcome_note": "They like us"}
    edit_opportunity(session, actor, deal.ref, won, now=now + timedelta(hours=3))
    theirs = make_opportunity(session, "Spare parts", account=account, owner=pia)
    lost = {"stage": "lost", "outcome": "price"}
    edit_opportunity(session, actor_of(session, pia), theirs.ref, lost, now=now + timedelta(hours=4))
    session.commit()
    return {"account": account, "contact": contact, "case": case, "deal": deal, "theirs": theirs}


def test_they_stand_with_account_and_contact(session, signed_in, world, sal, mara):
    account, contact, case, deal = (world[name] for name in ("account", "contact", "case", "deal"))
    browser = signed_in(mara)
    told, links = timeline_of(browser, f"/accounts/{account.ref}")
    for sentence in (
        "Sal opened a case", "Sal closed a case", "What came of it: A new gasket.", "Sal created an opportunity",
        "Sal won an opportunity", "What came of it: Best offer", "Note: They like us", "Pia lost an opportunity",
        f"{case.number} The pump leaks",
    ):  # fmt: skip
        assert told.count(sentence) >= 1, sentence
    assert links.count(f"/cases/{case.ref}") == links.count(f"/opportunities/{deal.ref}") == 2
    told, links = timeline_of(browser, f"/contacts/{contact.ref}")
    assert told.count("Role: Decides") == told.count("The pump leaks") == 2
    assert f"/opportunities/{world['theirs'].ref}" not in links
    # Opened again it is closed no more, and says so.
    reopen_case(session, actor_of(session, sal), case.ref, now=clock.now())
    session.commit()
    told, _links = timeline_of(browser, f"/accounts/{account.ref}")
    assert "Sal opened a case again" in told
    assert "closed a case" not in told


def test_of_those_alone_that_one_sees(session, signed_in, world, sal, vic, ada, mara, pia):
    account, now = world["account"], clock.now()
    vic.account_scope = AccountScope.PORTFOLIO
    for user in (vic, pia):
        to = {"type": "user", "id": user.ref}
        share_record(session, actor_of(session, ada), account, to, "read", now=now)
        share_record(session, actor_of(session, ada), world["contact"], to, "read", now=now)
    for number in range(30):  # more than a page of what neither sees
        make_case(session, f"Hidden {number}", account=account, contact=world["contact"], owner=mara)
        make_opportunity(session, f"Hidden {number}", account=account, owner=mara, stage="won")
    session.commit()
    for url in (f"/accounts/{account.ref}", f"/contacts/{world['contact'].ref}"):
        told, links = timeline_of(signed_in(vic), url)
        assert "opportunity" not in told
        assert "case" not in told
        assert "?cursor=" not in told
        assert not [link for link in links if link.startswith(("/cases", "/opportunities"))]
    # Partner people read of their own, and who it was at their own company alone.
    told, links = timeline_of(signed_in(pia), f"/accounts/{account.ref}")
    assert links == [f"/opportunities/{world['theirs'].ref}"] * 2
    assert "Pia lost an opportunity" in told
    share_record(
        session, actor_of(session, ada), world["deal"], {"type": "user", "id": pia.ref}, "read", now=now
    )
    session.commit()
    told, links = timeline_of(signed_in(pia), f"/accounts/{account.ref}")
    assert "An opportunity was won" in told
    assert not is_told("Sal", told)


def test_pages_of_them_leave_nothing_out(session, signed_in, sal, mara):
    account, actor, now = make_account(session, "Forges", owner=mara), actor_of(session, sal), clock.now()
    for number in range(36):
        at = now - timedelta(hours=number // 3)  # three at a moment
        match number % 4:
            case 0:
                log_activity(session, actor, account, kind="note", subject=f"note {number}.", at=at, now=now)
            case 1:
                record(session, actor, verb=f"act_{number}.", subject=account, at=at)
            case 2:
                make_case(
                    session, f"case {number}.", account=account, created_at=at, turned_at=at, status="closed"
                )
            case 3:
                stage = {"stage": "won", "turned_at": at}
                make_opportunity(session, f"deal {number}.", account=account, created_at=at, **stage)
    session.commit()
    browser, url, told = signed_in(mara), f"/accounts/{account.ref}/activities", ""
    pages = 0
    while url:
        answer = browser.get(url, headers={"HX-Request": "true"}).get_data(as_text=True)
        told += re.sub(r"<[^>]+>", " ", answer)
        more = re.search(r'hx-get="([^"]+cursor[^"]+)"', answer)
        url, pages = more[1] if more else "", pages + 1
    assert pages == 2
    for number in range(36):
        times = (1, 1, 2, 2)[number % 4]
        assert told.count(("note ", "act ", "case ", "deal ")[number % 4] + f"{number}.") == times, number
