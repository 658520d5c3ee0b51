"""Setup > Mail: what failed and why, trying again, holding and resuming."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from app.identity.models import AccountScope, Organisation, User
from app.kernel.errors import NotAllowed
from app.notifications.delivery_queries import count_deliveries, list_deliveries
from app.notifications.models import Delivery, DeliveryState
from tests.factories import actor_of, make_lead, rows
from tests.notifications.mailing import tell
from tests.people import Client
from tests.worlds import Queries

PAGE = "/setup/deliveries"


@pytest.fixture
def failed(session: Session, pia: User, now: datetime) -> Delivery:
    delivery = tell(session, pia, make_lead(session, owner=pia, company="Forges del Ter"), "test:1", now)
    delivery.state, delivery.error, delivery.attempts = DeliveryState.FAILED, "550 5.1.1 no such user", 2
    session.flush()
    return delivery


def test_a_failure_is_shown_with_its_reason_and_a_button(
    session: Session, mara: User, failed: Delivery, signed_in: Callable[[User], Client]
) -> None:
    page = signed_in(mara).get(PAGE).get_data(as_text=True)
    assert "550 5.1.1 no such user" in page
    assert "tried 2 times" in page
    assert failed.recipient in page
    assert "Forges del Ter" in page
    assert f"{PAGE}/{failed.ref}/retry" in page


def test_trying_again(
    session: Session, mara: User, failed: Delivery, signed_in: Callable[[User], Client]
) -> None:
    browser = signed_in(mara)
    answer = browser.submit(f"{PAGE}/{failed.ref}/retry", page=PAGE)
    assert answer.status_code == 303
    session.expire_all()
    assert failed.state is DeliveryState.DUE
    assert browser.submit(f"{PAGE}/{failed.ref}/retry", page=PAGE).status_code == 409
    assert browser.submit(f"{PAGE}/dlv_{'0' * 22}/retry", page=PAGE).status_code == 404


def test_one_refused_and_waiting_is_shown_too(
    session: Session, mara: User, pia: User, now: datetime, signed_in: Callable[[User], Client]
) -> None:
    delivery = tell(session, pia, make_lead(session, owner=pia), "test:1", now)
    delivery.error, delivery.due_at = "451 4.7.1 greylisted", now + timedelta(minutes=5)
    page = signed_in(mara).get(PAGE).get_data(as_text=True)
    assert "451 4.7.1 greylisted" in page
    assert "Try again" not in page


@pytest.mark.parametrize("state", [*DeliveryState, "all", "nonsense"])
def test_each_state_has_its_list(
    session: Session, mara: User, pia: User, now: datetime, state: str, signed_in: Callable[[User], Client]
) -> None:
    for number, each in enumerate(DeliveryState):
        lead = make_lead(session, owner=pia, company=f"Firm {each.value}")
        delivery = tell(session, pia, lead, f"test:{number}", now)
        delivery.state, delivery.sent_at = each, now if each is DeliveryState.SENT else None
    page = signed_in(mara).get(f"{PAGE}?state={state}").get_data(as_text=True)
    shown = {each.value for each in DeliveryState if f"Firm {each.value}" in page}
    assert shown == ({state} if state in set(DeliveryState) else {each.value for each in DeliveryState})


def test_holding_and_resuming(session: Session, ada: User, signed_in: Callable[[User], Client]) -> None:
    browser = signed_in(ada)
    assert browser.submit(f"{PAGE}/hold", page=PAGE).status_code == 303
    page = browser.get(PAGE).get_data(as_text=True)
    assert "Sending is on hold" in page
    assert "Resume sending" in page
    assert rows(session, Organisation)[0].sending_held_at is not None
    assert browser.submit(f"{PAGE}/release", page=PAGE).status_code == 303
    assert "Hold sending" in browser.get(PAGE).get_data(as_text=True)
    session.expire_all()
    assert rows(session, Organisation)[0].sending_held_at is None


def test_channel_managers_are_told_of_the_hold_but_cannot_end_it(
    session: Session, mara: User, now: datetime, signed_in: Callable[[User], Client]
) -> None:
    rows(session, Organisation)[0].sending_held_at = now
    browser = signed_in(mara)
    page = browser.get(PAGE).get_data(as_text=True)
    assert "Sending is on hold" in page
    assert "Resume sending" not in page
    assert browser.submit(f"{PAGE}/release", page=PAGE).status_code == 403


def test_others_do_not_get_there(
    session: Session, sal: User, pia: User, failed: Delivery, signed_in: Callable[[User], Client]
) -> None:
    for person in (sal, pia):
        browser = signed_in(person)
        assert browser.get(PAGE).status_code == 403
        assert browser.submit(f"{PAGE}/{failed.ref}/retry", page="/profile").status_code == 403
        with pytest.raises(NotAllowed):
            list_deliveries(session, actor_of(session, person))


def test_a_lead_that_the_reader_may_not_see_is_not_named(
    session: Session, mara: User, sal: User, now: datetime, signed_in: Callable[[User], Client]
) -> None:
    mara.account_scope = AccountScope.PORTFOLIO
    tell(session, sal, make_lead(session, owner=sal, company="Forges del Ter"), "test:1", now)
    page = signed_in(mara).get(f"{PAGE}?state=all").get_data(as_text=True)
    assert sal.email in page
    assert "Forges" not in page


def test_pages_and_counts(session: Session, mara: User, pia: User, now: datetime) -> None:
    told = [tell(session, pia, make_lead(session, owner=pia), f"test:{n}", now) for n in range(7)]
    actor = actor_of(session, mara)
    first = list_deliveries(session, actor, ["due"], limit=5)
    second = list_deliveries(session, actor, ["due"], cursor=first.older, limit=5)
    assert [row.ref for row in [*first.items, *second.items]] == [delivery.ref for delivery in reversed(told)]
    assert second.older is None
    assert count_deliveries(session, actor, "due") == 7
    assert count_deliveries(session, actor, "trouble") == 0


def test_the_number_of_queries_does_not_grow_with_the_rows(
    session: Session,
    mara: User,
    pia: User,
    now: datetime,
    signed_in: Callable[[User], Client],
    count_queries: Callable[[], AbstractContextManager[Queries]],
) -> None:
    browser = signed_in(mara)
    found = []
    for total in (3, 30):
        for number in range(total):
            tell(session, pia, make_lead(session, owner=pia), f"test:{total}:{number}", now)
        session.commit()
        browser.get(f"{PAGE}?state=all")
        with count_queries() as queries:
            browser.get(f"{PAGE}?state=all")
        found.append(len(queries))
    assert found[0] == found[1] <= 12, queries
