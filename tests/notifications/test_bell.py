"""The bell: what is shown is what may still be seen; reading changes nothing until one says so."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel.paging import PAGE_SIZE
from app.leads.models import Lead
from app.notifications.models import Notification
from app.notifications.models import NotificationKind as Kind
from app.notifications.operations import Mail, notify
from app.notifications.queries import list_notices
from tests.factories import actor_of, make_lead, rows
from tests.people import Client
from tests.worlds import Queries


def tell(
    session: Session,
    user: User,
    lead: Lead | None,
    now: datetime,
    number: int = 1,
    kind: Kind = Kind.LEAD_ASSIGNED,
) -> Notification:
    return notify(
        session, act=f"test:{number}", user=user, kind=kind, now=now, record=lead, mail=Mail.SUPPRESSED
    )


def bell_count(page: str) -> int:
    found = re.search(r'class="top-count"[^>]*>(\d+)', page)
    return int(found[1]) if found else 0


def test_the_page_shows_what_one_was_told(
    session: Session, pia: User, otto: User, now: datetime, signed_in: Callable[[User], Client]
) -> None:
    tell(session, pia, make_lead(session, owner=pia, company="Forges del Ter"), now)
    tell(session, otto, make_lead(session, owner=otto, company="Rival Works"), now, 2)
    page = signed_in(pia).get("/notifications").get_data(as_text=True)
    assert "Forges del Ter" in page
    assert "Rival Works" not in page
    assert bell_count(page) == 1


def test_nobody_sees_it_without_signing_in(client: Client) -> None:
    assert client.get("/notifications").status_code in (302, 303)


def test_a_lead_that_is_gone_is_neither_shown_nor_counted(
    session: Session, pia: User, otto: User, now: datetime, signed_in: Callable[[User], Client]
) -> None:
    lead = make_lead(session, owner=pia, company="Forges del Ter")
    note = tell(session, pia, lead, now)
    lead.owner_user_id, lead.partner_account_id = otto.id, otto.partner_account_id
    browser = signed_in(pia)
    page = browser.get("/notifications").get_data(as_text=True)
    assert "Forges" not in page
    assert bell_count(page) == 0
    for act in ("read", "open"):
        hidden = browser.submit(f"/notifications/{note.ref}/{act}", page="/notifications")
        absent = browser.submit(f"/notifications/note_{'0' * 22}/{act}", page="/notifications")
        assert hidden.status_code == absent.status_code == 404


def test_a_preview_is_called_by_its_preview(
    session: Session,
    pia: User,
    northwind,
    now: datetime,
    signed_in: Callable[[User], Client],  # type: ignore[no-untyped-def]
) -> None:
    from app.routing.models import Queue

    queue = session.get_one(Queue, northwind.queue_id)
    lead = make_lead(
        session, queue=queue, company="Forges del Ter", last_name="Puig", city="Girona", employees=120
    )
    tell(session, pia, lead, now, kind=Kind.LEAD_IN_QUEUE)
    page = signed_in(pia).get("/notifications").get_data(as_text=True)
    assert "Forges" not in page
    assert "Puig" not in page
    assert "Girona, ES" in page


def test_looking_changes_nothing(
    session: Session, pia: User, now: datetime, signed_in: Callable[[User], Client]
) -> None:
    tell(session, pia, make_lead(session, owner=pia), now)
    browser = signed_in(pia)
    for url in ("/notifications", "/notifications?show=unread"):
        assert browser.get(url).status_code == 200
    assert rows(session, Notification)[0].read_at is None


def test_marking_one_as_read(
    session: Session, pia: User, otto: User, now: datetime, signed_in: Callable[[User], Client]
) -> None:
    first = tell(session, pia, make_lead(session, owner=pia), now)
    second = tell(session, pia, make_lead(session, owner=pia), now, 2)
    session.commit()
    assert (
        signed_in(otto).submit(f"/notifications/{first.ref}/read", page="/notifications").status_code == 404
    )
    answer = signed_in(pia).submit(f"/notifications/{first.ref}/read", page="/notifications")
    assert answer.status_code == 303
    session.expire_all()
    assert first.read_at is not None
    assert second.read_at is None


def test_marking_one_as_read_in_place_answers_its_row(
    session: Session, pia: User, now: datetime, signed_in: Callable[[User], Client]
) -> None:
    note = tell(session, pia, make_lead(session, owner=pia, company="Forges del Ter"), now)
    answer = signed_in(pia).submit(
        f"/notifications/{note.ref}/read", page="/notifications", headers={"HX-Request": "true"}
    )
    row = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert row.startswith(f'<li id="{note.ref}">')
    assert "Forges del Ter" in row
    assert "<html" not in row


def test_opening_marks_it_and_goes_there(
    session: Session, pia: User, now: datetime, signed_in: Callable[[User], Client]
) -> None:
    lead = make_lead(session, owner=pia)
    note = tell(session, pia, lead, now)
    browser = signed_in(pia)
    answer = browser.submit(f"/notifications/{note.ref}/open", page="/notifications")
    assert (answer.status_code, answer.location) == (303, f"/leads/{lead.ref}")
    answer = browser.submit(
        f"/notifications/{note.ref}/open", page="/notifications", headers={"HX-Request": "true"}
    )
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, f"/leads/{lead.ref}")
    session.expire_all()
    assert note.read_at is not None


def test_marking_all_as_read_spares_other_people(
    session: Session, pia: User, otto: User, now: datetime, signed_in: Callable[[User], Client]
) -> None:
    for number in range(3):
        tell(session, pia, make_lead(session, owner=pia), now, number)
    others = tell(session, otto, make_lead(session, owner=otto), now, 9)
    browser = signed_in(pia)
    assert browser.submit("/notifications/read", page="/notifications").status_code == 303
    page = browser.get("/notifications?show=unread").get_data(as_text=True)
    assert "You have read everything" in page
    assert bell_count(page) == 0
    session.expire_all()
    assert others.read_at is None


def test_pages_go_on_where_the_one_before_ended(
    session: Session, pia: User, now: datetime, signed_in: Callable[[User], Client]
) -> None:
    for number in range(PAGE_SIZE * 2 + 5):
        tell(session, pia, make_lead(session, owner=pia, company=f"Firm {number:03}"), now, number)
    actor = actor_of(session, pia)
    seen, cursor = [], None
    while True:
        page = list_notices(session, actor, cursor=cursor)
        seen += [row.record.title for row in page.items if row.record]
        if page.older is None:
            break
        cursor = page.older
    assert seen == [f"Firm {number:03}" for number in reversed(range(PAGE_SIZE * 2 + 5))]
    back = list_notices(session, actor, cursor=page.newer)
    assert [row.record.title for row in back.items if row.record] == seen[PAGE_SIZE : 2 * PAGE_SIZE]
    browser = signed_in(pia)
    first = browser.get("/notifications").get_data(as_text=True)
    older = re.search(r'href="([^"]*cursor=[^"]*)"', first)
    assert older
    assert "Firm 054" in browser.get(older[1].replace("&amp;", "&")).get_data(as_text=True)
    assert browser.get("/notifications?cursor=nonsense").status_code == 400


def test_a_cursor_is_its_owners(session: Session, pia: User, otto: User, now: datetime) -> None:
    for number in range(3):
        tell(session, pia, None, now, number)
    page = list_notices(session, actor_of(session, pia), limit=1)
    with pytest.raises(Exception, match="bad-cursor"):
        list_notices(session, actor_of(session, otto), cursor=page.older, limit=1)


@pytest.mark.parametrize("kinds", [[Kind.LEAD_ASSIGNED], list(Kind)])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    session: Session,
    pia: User,
    now: datetime,
    kinds: list[Kind],
    signed_in: Callable[[User], Client],
    count_queries: Callable[[], AbstractContextManager[Queries]],
) -> None:
    browser = signed_in(pia)
    found = []
    for total in (3, 30):
        for number in range(total):
            lead = make_lead(session, owner=pia)
            tell(session, pia, lead, now, total * 100 + number, kinds[number % len(kinds)])
        session.commit()
        browser.get("/notifications")
        with count_queries() as queries:
            browser.get("/notifications")
        found.append(len(queries))
    assert found[0] == found[1] <= 10, queries


def test_links_to_set_a_password_ring_no_bell(
    session: Session, pia: User, now: datetime, signed_in: Callable[[User], Client]
) -> None:
    for number, kind in enumerate((Kind.INVITATION, Kind.PASSWORD_RESET, Kind.PASSWORD_CHANGED)):
        tell(session, pia, None, now, number, kind)
    page = signed_in(pia).get("/notifications").get_data(as_text=True)
    assert bell_count(page) == 1
    assert page.count('id="note_') == 1


def test_whoever_let_an_offer_lapse_learns_that_and_no_more(
    session: Session, pia: User, otto: User, mara: User, now: datetime, signed_in: Callable[[User], Client]
) -> None:
    lead = make_lead(session, owner=otto, company="Forges del Ter")
    for user in (pia, mara):
        notify(
            session,
            act="offer:1",
            user=user,
            kind=Kind.OFFER_LAPSED,
            now=now,
            record=lead,
            detail={"who": "Pia"},
        )
    page = signed_in(pia).get("/notifications").get_data(as_text=True)
    assert "An offer to you has lapsed" in page
    assert "Forges" not in page
    assert lead.ref not in page
    page = signed_in(mara).get("/notifications").get_data(as_text=True)
    assert "Forges del Ter" in page
    assert "Not accepted in time by Pia" in page
