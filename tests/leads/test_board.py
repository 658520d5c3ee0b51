"""The board of leads: what stands where for whom, moving a card, and what it costs."""

import re

import pytest

from app.leads.models import LeadStatus
from tests.factories import get_status, make_lead, make_queue

pytestmark = pytest.mark.databases("sqlite")


def column(page, key):
    """What stands in a column, as text."""
    found = re.search(rf'<section class="board-column" id="column-{key}".*?</section>', page, re.S)
    assert found is not None, key
    return found.group()


def test_the_board_shows_each_where_it_stands_and_moves_it_as_the_moves_allow(
    session, signed_in, count_queries, mara, pia, otto
):
    queue = make_queue(session, members=(pia,))
    lead = make_lead(session, owner=pia, company="Forges del Ter", city="Girona")
    make_lead(session, owner=otto, company="Somebody Else's")
    make_lead(session, queue=queue, company="Not Yet Told")
    make_lead(session, owner=pia, company="Given Up", status="unqualified")
    new, working = get_status(session, "new"), get_status(session, "working")
    new.moves = [working.key, "unqualified"]
    session.commit()
    browser = signed_in(pia)
    page = browser.get("/leads/board?owner=me").text
    assert "Forges del Ter" in column(page, "new")
    for hidden in ("Somebody Else", "Not Yet Told", "Given Up"):
        assert hidden not in page
    assert "Forges del Ter" in browser.get("/leads/board").text
    # Only what its moves allow is offered, and only that is done.
    offered = re.findall(r'<option value="(\w+)"', column(page, "new"))
    assert offered == ["new", "working", "unqualified"]
    address = f"/leads/{lead.ref}/board?owner=me"
    answer = browser.submit(address, {"stage": "working", "was": "new"}, page="/leads/board")
    assert answer.location.endswith(f"/leads/board?owner=me#{lead.ref}")
    page = browser.get("/leads/board").text
    assert "Forges del Ter" in column(page, "working")
    # From a page that is out of date; to one that closes; to one that does not follow.
    browser.submit(address, {"stage": "new", "was": "qualified"}, page="/leads/board")
    session.expire_all()
    assert session.get(LeadStatus, lead.status_id).key == "working"
    answer = browser.submit(address, {"stage": "unqualified", "was": "working"}, page="/leads/board")
    assert answer.location.endswith(f"/leads/{lead.ref}/unqualify?owner=me&status=unqualified&from=board")
    working.moves = []
    session.commit()
    browser.submit(address, {"stage": "new", "was": "working"}, page="/leads/board")
    session.expire_all()
    assert session.get(LeadStatus, lead.status_id).key == "working"
    stranger = signed_in(otto)
    assert stranger.submit(address, {"stage": "new"}, page="/leads/board").status_code == 404
    # The vendor's people see all of it, capped, at the same price.
    manager, counts = signed_in(mara), []
    for _ in range(2):
        for _ in range(25):
            make_lead(session, owner=pia)
        session.commit()
        manager.get("/leads/board")
        with count_queries() as queries:
            page = manager.get("/leads/board").text
        counts.append(len(queries))
    assert counts[0] == counts[1], queries
    assert column(page, "new").count('board-card"') == 20
    assert "status=new" in column(page, "new")
