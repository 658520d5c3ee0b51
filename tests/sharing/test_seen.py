"""What a person sees, as a list: in setup, as a file, through the API."""

import csv
import io
import random

import pytest

from app.events.models import Event
from app.identity.models import AccountScope
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Level
from app.sharing.explain import why, why_each
from app.sharing.models import ManualShare
from app.sharing.principals import names_of
from app.sharing.seen import Wanted, causes_of, count_seen, list_seen
from app.sharing.shares import share_record, unshare_record
from app.sharing.sharing_rules import delete_rule
from tests.factories import actor_of, make_account, make_lead, make_queue, make_user, rows
from tests.sharing.shared_worlds import build_shared, settle_all, shared_level
from tests.sharing.test_visibility import oracle

pytestmark = pytest.mark.usefixtures("at_once")


def walk(session, asker, person, wanted):
    found, cursor = [], None
    while True:
        page = list_seen(session, asker, person, wanted, cursor=cursor, limit=3)
        found.extend(page.items)
        cursor = page.older
        if cursor is None:
            return found


@pytest.mark.long_on("postgresql")
def test_the_list_says_of_each_record_what_explaining_it_says(app, session):
    shared = build_shared(session, 21)
    ada = actor_of(session, shared.administrator)
    for person in shared.world.people:
        actor = actor_of(session, person)
        expected = {lead.ref: why(session, actor, lead) for lead in shared.world.leads}
        found = {
            seen.record.ref: (seen.level, list(seen.causes))
            for seen in walk(session, ada, actor, Wanted("lead"))
        }
        assert found == {ref: each for ref, each in expected.items() if each[0] is not None}
        edited = {seen.record.ref for seen in walk(session, ada, actor, Wanted("lead", Level.EDIT))}
        assert edited == {ref for ref, (level, _causes) in found.items() if level >= Level.EDIT}
        seen_by_filters(session, ada, actor, found)


def seen_by_filters(session, ada, person, found):
    """Preview alone, and each cause that a row names, with and without a preview, is exactly what rows say."""
    named = {cause.type for _level, causes in found.values() for cause in causes}
    assert named <= set(causes_of(person, "lead"))
    for level in (None, Level.PREVIEW):
        for cause in (None, *sorted(named)):
            wanted = Wanted("lead", level, cause)
            expected = {
                ref for ref, (given, causes) in found.items()
                if level in (None, given) and cause in (None, *(each.type for each in causes))
            }  # fmt: skip
            assert {seen.record.ref for seen in walk(session, ada, person, wanted)} == expected, wanted
            assert count_seen(session, ada, person, wanted) == len(expected)


def test_without_the_grant_that_is_named_exactly_the_other_causes_are_left(app, session):
    """Each rule and share that explaining names is taken away: everybody keeps what the other causes give."""
    shared, chance, checked = build_shared(session, 22), random.Random(22), 0
    ada = actor_of(session, shared.administrator)
    leads = [lead for lead in shared.world.leads if lead.deleted_at is None]
    for _ in range(5):
        told = explained(session, shared, leads)
        named = sorted({(c.type, c.ref) for _level, causes in told.values() for c in causes
                        if c.type in ("sharing_rule", "manual_share")})  # fmt: skip
        if not named:
            break
        kind, ref = chance.choice(named)
        take_away(session, shared, ada, leads, kind, ref)
        settle_all(session)
        present = explained(session, shared, leads)
        for person in shared.world.people:
            for lead in leads:
                level, causes = told.get((person.id, lead.id), (None, []))
                left = [cause for cause in causes if (cause.type, cause.ref) != (kind, ref)]
                now, why_now = present.get((person.id, lead.id), (None, []))
                assert why_now == left
                if len(left) == len(causes):
                    assert now == level
                else:
                    others = oracle(shared.world, person, lead), shared_level(session, shared, person, lead)
                    assert (now or 0) == max(others)
                    checked += 1
    assert checked > 5


def explained(session, shared, leads):
    found = {}
    for person in shared.world.people:
        for key, told in why_each(session, actor_of(session, person), leads).items():
            found[person.id, key] = told
    return found


def take_away(session, shared, ada, leads, kind, ref):
    """End that rule or share, and tell the oracle."""
    if kind == "sharing_rule":
        delete_rule(session, ada, ref, now=clock.now())
        del shared.rules[ref]
        return
    share = next(each for each in rows(session, ManualShare) if each.ref == ref)
    lead = next(each for each in leads if each.id == share.record_id)
    whom = names_of(session, [share.principal_id])[share.principal_id].to_json()
    shared.shares = [each for each in shared.shares if each[:2] != (lead.id, whom)]
    unshare_record(session, ada, lead, ref, now=clock.now())


def test_the_page_names_level_and_cause_of_each_and_the_file_is_recorded(session, signed_in, ada, pia, otto):
    mine, theirs = (
        make_lead(session, owner=pia, company="Forges"),
        make_lead(session, owner=otto, company="Rival"),
    )
    share_record(
        session, actor_of(session, ada), theirs, {"type": "user", "id": pia.ref}, "read", now=clock.now()
    )
    session.commit()
    browser, path = signed_in(ada), f"/setup/users/{pia.ref}/access"
    page = browser.get(path).text
    assert "What Pia sees" in page
    for text in ("Forges", "Rival", "ownership", "shared by hand", "2 in all"):
        assert text in page
    assert "Rival" not in browser.get(f"{path}?cause=owner").text
    assert "Nothing matches" in browser.get(f"{path}?level=full").text
    previews = browser.get(f"{path}?level=preview").text
    assert "Nothing matches" in previews
    assert '<option value="preview" selected>Preview</option>' in previews
    assert '<option value="offer">an offer</option>' in previews
    assert browser.get(f"{path}?level=none").status_code == 404
    assert browser.get(f"{path}?object=account").status_code == 200
    file = browser.submit(f"{path}/export?object=lead&level=edit", page=path)
    lines = list(csv.reader(io.StringIO(file.text.lstrip("\ufeff"))))
    assert lines == [["id", "name", "level", "causes"], [mine.ref, "Forges", "edit", "owner"]]
    [event] = [each for each in rows(session, Event) if each.verb == "exported"]
    assert event.detail["object"] == "access"
    assert event.detail["filter"]["user"] == [pia.ref]


def test_somebody_with_a_portfolio_asks_about_what_they_read_themselves(
    session, signed_in, api, mara, pia, otto
):
    get_organisation(session).defaults = {
        **get_organisation(session).defaults, "lead": {"internal": "private", "external": "private"}
    }  # fmt: skip
    other = make_user(session, "Cam", role="channel_manager", account_scope=AccountScope.PORTFOLIO)
    lead, queue = make_lead(session, owner=pia, company="Forges"), make_queue(session)
    make_lead(session, queue=queue)
    make_account(session, owner=other)
    session.commit()
    path = f"/setup/users/{pia.ref}/access"
    assert "Forges" in signed_in(mara).get(path).text
    assert "Forges" not in signed_in(other).get(path).text
    assert [item["record"] for item in api(mara).get(f"/users/{pia.ref}/access").json["items"]] == [
        {"type": "lead", "id": lead.ref}
    ]
    assert api(other).get(f"/users/{pia.ref}/access").json["items"] == []
    for person in (pia, otto):
        assert signed_in(person).get(path).status_code == 403
        assert api(person).get(f"/users/{pia.ref}/access").status_code in (403, 404)


def test_the_api_pages_through_and_says_what_it_does_not_know(session, api, ada, pia):
    leads = [make_lead(session, owner=pia) for _ in range(3)]
    session.commit()
    first = api(ada).get(f"/users/{pia.ref}/access?limit=2&cause=owner").json
    assert first["items"][0] == {
        "record": {"type": "lead", "id": leads[2].ref}, "level": "edit", "causes": [{"type": "owner"}]
    }  # fmt: skip
    rest = api(ada).get(f"/users/{pia.ref}/access?limit=2&cause=owner&cursor={first['next_cursor']}").json
    assert [item["record"]["id"] for item in rest["items"]] == [leads[0].ref]
    assert rest["next_cursor"] is None
    assert api(ada).get(f"/users/{pia.ref}/access?object=campaign").status_code == 422
    assert api(ada).get(f"/users/{pia.ref}/access?level=all").status_code == 422
    assert api(ada).get("/users/user_nobody/access").status_code == 404
