"""Setup > Audit log: who reads what, the filters of the address, the words, the file; and the same over the API."""

import csv
import io
import re
from datetime import timedelta

import pytest

from app.events import operations as events
from app.events.models import Event
from app.events.queries import LOOKED_THROUGH, EventFilter, list_events
from app.identity.models import AccountScope
from app.kernel.actor import Actor
from app.leads.operations import delete_lead, edit_lead
from tests.factories import actor_of, make_account, make_contact, make_lead, make_queue, make_user, rows

PAGE = "/setup/audit-log"
NOBODY = Actor.system("sign-in", door="web")


def write(session, actor, subject, at, verb="edited", **values):
    return events.record(session, actor, verb=verb, subject=subject, at=at, **values)


def text(answer):
    """A page as people read it."""
    body = re.sub(r"<script.*?</script>|<select.*?</select>", " ", answer.get_data(as_text=True), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def log(answer):
    """The lines of the log alone."""
    body = answer.get_data(as_text=True)
    return text_of(body[body.find('class="history') :]) if 'class="history' in body else ""


def text_of(body):
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def export(client, query=""):
    answer = client.submit(f"{PAGE}/export{query}", {}, page="/profile")
    assert answer.status_code == 200, answer.get_data(as_text=True)[:500]
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))


def test_administrators_and_channel_managers_may_read_it(signed_in, ada, mara, sal, vic, pia):
    for person in (ada, mara):
        assert signed_in(person).get(PAGE).status_code == 200
    for person in (sal, vic, pia):
        assert signed_in(person).get(PAGE).status_code == 403
        assert signed_in(person).submit(f"{PAGE}/export", {}, page="/profile").status_code == 403


def test_a_line_says_who_did_what_to_which_record_when_and_from_where(session, signed_in, ada, mara, now):
    lead = make_lead(session, company="Molins Roca", city="Girona")
    edit_lead(session, actor_of(session, mara), lead.ref, {"city": "Olot"}, now=now)
    page = signed_in(ada).get(PAGE)
    line = log(page)
    assert "Mara changed Molins Roca (lead) : City" in line
    assert "Web" in line
    assert "Girona → Olot" in line
    assert f'href="/leads/{lead.ref}"' in page.get_data(as_text=True)


def test_the_empty_log_says_what_will_be_here(session, signed_in, ada):
    assert "Nothing is on record yet" in text(signed_in(ada).get(PAGE))


def test_a_system_part_is_named_behind_canal(session, signed_in, ada, now):
    write(session, Actor.system("command", door="command"), ada, now, verb="created")
    assert "Canal (command) created Ada (user)" in log(signed_in(ada).get(PAGE))


def test_an_unknown_verb_stands_for_itself(session, signed_in, ada, now):
    write(session, actor_of(session, ada), ada, now, verb="polished_up")
    assert "Ada did this to Ada (user) : polished up" in log(signed_in(ada).get(PAGE))


# What somebody may read


def test_a_record_that_the_reader_may_not_see_is_not_named(session, signed_in, api, ada, mara, sal, now):
    mara.account_scope = AccountScope.PORTFOLIO
    hidden = make_lead(session, owner=sal, company="Elsewhere Ltd")
    secret = make_contact(session, "Secretive", owner=sal)
    mine = make_lead(session, owner=mara, company="Molins Roca")
    for record in (hidden, secret, mine):
        write(session, actor_of(session, ada), record, now, changes={"city": ("Old Town", "New Town")})
    session.commit()
    seen = signed_in(mara).get(PAGE).get_data(as_text=True)
    assert "Molins Roca" in seen
    for word in ("Elsewhere", "Secretive", hidden.ref, secret.ref):
        assert word not in seen
    assert "Molins Roca" in [row["record"] for row in export(signed_in(mara))]
    listed = str(api(mara).get("/events").json)
    assert mine.ref in listed
    assert hidden.ref not in listed
    # Asked for by name it is as if it did not exist, and its name is not told back.
    for ref in (hidden.ref, "lead_0000000000000000000000"):
        page = signed_in(mara).get(f"{PAGE}?record={ref}")
        assert "Nothing matches these filters" in text(page)
        assert "Elsewhere" not in text(page)
    everything = signed_in(ada).get(PAGE).get_data(as_text=True)
    assert "Elsewhere Ltd" in everything
    assert "Secretive" in everything


def test_values_that_name_other_records_are_scoped_too(session, signed_in, ada, mara, sal, now):
    mara.account_scope = AccountScope.PORTFOLIO
    parent = make_account(session, "Hidden Parent", owner=sal)
    child = make_account(session, "Known Child", owner=mara)
    write(session, actor_of(session, ada), child, now, changes={"parent": (None, parent.ref)})
    session.commit()
    assert "Hidden Parent" in signed_in(ada).get(PAGE).get_data(as_text=True)
    page = signed_in(mara).get(PAGE).get_data(as_text=True)
    assert "Known Child" in page
    assert "Hidden Parent" not in page


def test_what_people_tried_and_took_and_where_they_were_is_for_administrators(
    session, signed_in, api, ada, mara, vic, now
):
    place = {"address": "192.0.2.7", "browser": "Firefox, Linux"}
    write(session, actor_of(session, vic), vic, now, verb="signed_in", detail=place)
    write(
        session, actor_of(session, vic), vic, now, verb="refused", detail={"method": "POST", "act": "/leads"}
    )
    write(
        session,
        actor_of(session, vic),
        vic,
        now,
        verb="exported",
        detail={"object": "lead", "filter": {"q": ["Acme"]}},
    )
    write(session, NOBODY, vic, now, verb="sign_in_failed", detail={"reason": "password", **place})
    write(session, actor_of(session, mara), mara, now, verb="exported", detail={"object": "lead"})
    session.commit()
    manager, administrator = signed_in(mara).get(PAGE), signed_in(ada).get(PAGE)
    assert "Vic signed in" in log(manager)
    for word in ("192.0.2.7", "Firefox", "tried what", "Acme", "A sign-in failed", "wrong password"):
        assert word not in log(manager), word
        assert word in log(administrator), word
    assert "Mara exported a list" in log(manager)
    over_api = str(api(mara).get("/events").json)
    assert "192.0.2.7" not in over_api
    assert "sign_in_failed" not in over_api
    assert "192.0.2.7" in str(api(ada).get("/events").json)
    assert "192.0.2.7" not in str(export(signed_in(mara)))


def test_a_kind_that_nobody_has_thought_of_is_closed(session, signed_in, ada, mara, sal, now):
    class Novelty:
        __tablename__ = "novelty"
        id, ref = 7, "new_0000000000000000000000"

    write(session, actor_of(session, sal), Novelty(), now, verb="created")
    assert Novelty.ref in signed_in(ada).get(PAGE).get_data(as_text=True)
    assert Novelty.ref not in signed_in(mara).get(PAGE).get_data(as_text=True)
    write(session, actor_of(session, mara), Novelty(), now, verb="edited")
    assert "Mara changed" in log(signed_in(mara).get(PAGE))


def test_who_deleted_a_lead_is_told_to_those_who_may_bring_it_back(session, signed_in, mara, now):
    lead = make_lead(session, company="Molins Roca")
    delete_lead(session, actor_of(session, mara), lead.ref, now=now)
    page = signed_in(mara).get(PAGE)
    assert "Mara deleted Molins Roca (lead)" in log(page)
    assert f'href="/leads/{lead.ref}"' not in page.get_data(as_text=True)


# Filters


@pytest.fixture
def some(session, ada, mara, sal, now):
    """Five events: two of Mara's on a lead, one of Sal's on a queue, one by the API, one long ago."""
    lead, queue = make_lead(session, company="Molins Roca"), make_queue(session, "Iberia")
    sals = actor_of(session, sal)
    write(session, actor_of(session, mara), lead, now - timedelta(days=400), verb="created")
    write(session, actor_of(session, mara), lead, now - timedelta(hours=3), verb="claimed")
    write(session, sals, queue, now - timedelta(hours=2), verb="edited", changes={"name": ("Old", "Iberia")})
    write(session, Actor.system("command", door="command"), queue, now - timedelta(hours=1), verb="restored")
    session.commit()
    return {"lead": lead, "queue": queue}


def verbs(client, query):
    return [row["kind"] for row in export(client, query) if row["kind"] != "exported"]


def test_it_is_filtered_by_person_record_verb_door_and_period(session, signed_in, ada, mara, sal, some, now):
    client = signed_in(ada)
    day = (now - timedelta(days=399)).date().isoformat()
    for query, expected in {
        f"?actor={mara.ref}": ["claimed", "created"],
        "?actor=Mara": ["claimed", "created"],
        f"?actor={mara.email.upper()}": ["claimed", "created"],
        f"?record={some['lead'].ref}": ["claimed", "created"],
        f"?record=https://canal.example/leads/{some['lead'].ref}/owner%3Fx=1": ["claimed", "created"],
        "?kind=edited": ["edited"],
        "?kind=edited&kind=claimed": ["edited", "claimed"],
        "?door=command": ["restored"],
        f"?to={day}": ["created"],
        f"?from={day}": ["restored", "edited", "claimed"],
        f"?actor={sal.ref}&kind=claimed": [],
        f"?actor={sal.ref}&kind=edited&record={some['queue'].ref}&door=web": ["edited"],
        "?kind=no_such_verb": [],
    }.items():
        assert verbs(client, query) == expected, query


def test_the_address_holds_the_filters_and_says_them_in_words(session, signed_in, ada, mara, some):
    page = signed_in(ada).get(
        f"{PAGE}?actor={mara.ref}&kind=claimed&record={some['lead'].ref}&from=2020-01-02"
    )
    assert "Events where it was done by Mara" in text(page)
    assert "the record is Molins Roca" in text(page)
    assert "what was done is Claimed" in text(page)
    assert "it was on or after 2 Jan 2020" in text(page)
    body = page.get_data(as_text=True)
    assert f'value="{mara.ref}"' in body
    assert '<option value="claimed" selected>' in body
    assert "/export?actor=" in body


def test_what_cannot_be_understood_is_complained_about(session, signed_in, ada, some):
    client = signed_in(ada)
    for query, complaint in {
        "?record=nonsense": "“nonsense” is neither a public name nor a link",
        "?actor=Nobody%20At%20All": "Nobody is called “Nobody At All”",
        "?from=yesterday": "“yesterday” is not a date",
        "?to=0000-00-00": "is not a date",
        "?kind=%00": "cannot be stored",
    }.items():
        assert complaint in text(client.get(PAGE + query)), query
        assert client.submit(f"{PAGE}/export{query}", {}, page="/profile").status_code == 422, query
    assert "No events" not in text(client.get(f"{PAGE}?nonsense=1"))
    assert client.get(f"{PAGE}?cursor=x").status_code == 400


def test_several_people_of_a_name_are_offered(session, signed_in, ada, some):
    for number in range(2):
        make_user(session, f"Montse Puig {number}", email=f"montse{number}@vendor.example")
    page = signed_in(ada).get(f"{PAGE}?actor=puig")
    assert "Several people are called so" in text(page)
    assert "montse1@vendor.example" in text(page)
    assert log(page) == ""


def test_a_day_is_the_readers_own(session, signed_in, ada, now):
    ada.time_zone = "Pacific/Auckland"
    write(session, actor_of(session, ada), ada, now.replace(2026, 3, 9, 23, 30), verb="claimed")
    client = signed_in(ada)
    assert verbs(client, "?from=2026-03-10&to=2026-03-10") == ["claimed"]
    assert verbs(client, "?to=2026-03-09") == []


# Pages


def test_pages_by_key_leave_nothing_out_and_double_nothing(session, signed_in, ada, now):
    actor = actor_of(session, ada)
    for number in range(120):  # three at each moment, so that the key decides
        write(
            session,
            actor,
            ada,
            now - timedelta(minutes=number // 3),
            verb="edited",
            detail={"number": number},
        )
    client, url, seen = signed_in(ada), PAGE, []
    while url:
        page = client.get(url).get_data(as_text=True)
        seen += re.findall(r'id="(evt_\w+)"', page)
        found = re.search(r'href="([^"]+)" rel="next"', page)
        url = found.group(1).replace("&amp;", "&") if found else ""
    assert len(seen) == len(set(seen)) == 120
    assert [row["id"] for row in export(client)][1:] == seen
    assert "Newest" in page


def test_a_page_looks_through_a_bounded_number_and_goes_on_from_there(
    session, ada, mara, sal, now, monkeypatch
):
    monkeypatch.setattr("app.events.queries.LOOKED_THROUGH", (5, 10))
    for number in range(35):
        who = mara if number == 34 else sal
        write(session, actor_of(session, who), ada, now - timedelta(minutes=number), verb="edited")
    session.commit()
    wanted, cursor, pages = EventFilter(actors=(mara.ref,), verbs=("edited",)), None, 0
    # The person's own index is short; what is looked through there is all there is.
    assert len(list_events(session, actor_of(session, ada), wanted).items) == 1
    many = tuple(u.ref for u in [mara, *(make_user(session) for _ in range(12))])
    found = []
    while True:
        page = list_events(session, actor_of(session, ada), EventFilter(actors=many), cursor=cursor)
        found += page.items
        pages += 1
        cursor = page.older
        if cursor is None:
            break
    assert len(found) == 1
    assert 3 <= pages <= 5
    assert LOOKED_THROUGH[-1] >= 10_000


def test_the_page_of_an_empty_stretch_says_to_go_on(session, signed_in, ada, mara, sal, now, monkeypatch):
    monkeypatch.setattr("app.events.queries.LOOKED_THROUGH", (2, 4))
    for number in range(8):
        write(session, actor_of(session, sal if number < 7 else mara), ada, now - timedelta(minutes=number))
    page = signed_in(ada).get(f"{PAGE}?actor=Sal&kind=claimed")
    assert "Nothing among the events that were looked through" in text(page)
    assert 'rel="next"' in page.get_data(as_text=True)


# The file


def test_the_file_holds_what_the_page_shows_and_runs_nothing(session, signed_in, ada, now):
    lead = make_lead(session, company='=HYPERLINK("http://evil")')
    write(session, actor_of(session, ada), lead, now, changes={"city": ("+1", "@SUM(A1)")})
    row = export(signed_in(ada))[1]
    assert row["record"].startswith("'=")
    assert row["who"] == "Ada"
    assert row["kind"] == "edited"
    assert row["record_id"] == lead.ref
    assert row["at"].endswith("Z")
    assert "City: +1 → @SUM(A1)" in row["details"]
    assert all(not value.startswith(("=", "+", "@")) for value in row.values())


def test_taking_it_out_is_on_record_with_its_filters(session, signed_in, ada):
    export(signed_in(ada), "?kind=claimed")
    event = rows(session, Event, Event.verb == "exported")[0]
    assert event.detail == {"object": "audit_log", "filter": {"kind": ["claimed"]}}


# Ways to it


def test_setup_user_and_record_lead_to_it(session, signed_in, ada, mara, sal):
    lead = make_lead(session, owner=sal, company="Molins Roca")
    assert f'href="{PAGE}"' in signed_in(mara).get("/setup/").get_data(as_text=True)
    user = signed_in(mara).get(f"/setup/users/{sal.ref}").get_data(as_text=True)
    assert f'href="{PAGE}?actor={sal.ref}"' in user
    assert f'href="{PAGE}?record={sal.ref}"' in user
    assert f'href="{PAGE}?record={lead.ref}"' in signed_in(mara).get(f"/leads/{lead.ref}").get_data(
        as_text=True
    )
    assert PAGE not in signed_in(sal).get(f"/leads/{lead.ref}").get_data(as_text=True)


def test_the_api_has_the_same_filters(session, api, ada, mara, some):
    seen = (
        api(ada)
        .get(f"/events?actor={mara.ref}&kind=claimed&door=web&record={some['lead'].ref}")
        .json["items"]
    )
    assert [event["kind"] for event in seen] == ["claimed"]
    assert api(ada).get("/events?door=command").json["items"][0]["actor"] == {
        "type": "system", "id": None, "name": "command",
    }  # fmt: skip


def test_a_record_that_is_gone_is_found_by_its_name(session, api, signed_in, mara, ada):
    queue = api(mara).post("/queues", {"name": "For a day", "members": []}).json["id"]
    api(mara).delete(f"/queues/{queue}")
    assert [e["kind"] for e in api(ada).get(f"/events?record={queue}").json["items"]] == [
        "deleted",
        "created",
    ]
    assert "Mara deleted" in log(signed_in(ada).get(f"{PAGE}?record={queue}"))


def test_no_key_of_a_row_leaves(session, signed_in, api, ada, now):
    detail = {"principal": "user:1234567", "queue_id": 7654321, "user_id": 42}
    write(session, actor_of(session, ada), ada, now, verb="shared", detail=detail)
    session.commit()
    for shown in (signed_in(ada).get(PAGE).get_data(as_text=True), str(api(ada).get("/events").json)):
        assert "1234567" not in shown
        assert "7654321" not in shown


def test_the_page_costs_the_same_for_three_lines_and_for_fifty(
    session, signed_in, ada, mara, now, count_queries
):
    client = signed_in(ada)

    def ask():
        client.get(PAGE)
        with count_queries() as queries:
            client.get(PAGE)
        return len(queries)

    def add(number):
        for _ in range(number):
            write(session, actor_of(session, mara), make_lead(session), now)
            write(session, actor_of(session, mara), make_account(session), now)

    add(2)
    few = ask()
    add(20)
    assert ask() == few


def test_the_users_own_page_tells_no_more_than_the_log(session, signed_in, ada, mara, vic, now):
    write(session, NOBODY, vic, now, verb="sign_in_failed", detail={"reason": "password"})
    write(
        session, actor_of(session, vic), vic, now, verb="refused", detail={"method": "GET", "act": "/setup"}
    )
    write(session, actor_of(session, ada), vic, now, verb="edited", changes={"name": ("V", "Vic")})
    url = f"/setup/users/{vic.ref}"
    for_manager, for_administrator = text(signed_in(mara).get(url)), text(signed_in(ada).get(url))
    assert "changed the details" in for_manager
    for words in ("sign-in with this address failed", "tried what they may not do"):
        assert words not in for_manager
        assert words in for_administrator
