"""Statuses, sources, reasons to decline, partner levels: edited in place."""

import threading

import pytest
from sqlalchemy import text

from app.events.models import Event
from app.kernel import clock, refs
from app.kernel.db import transaction
from app.kernel.errors import InUse, Invalid, NotAllowed, NotFound
from app.leads.models import DeclineReason, LeadSource, LeadStatus
from app.leads.registries import (
    REASONS,
    SOURCES,
    STATUSES,
    add_item,
    edit_item,
    list_items,
    move_item,
    remove_item,
)
from app.partners.levels import LEVELS
from app.partners.models import PartnerLevel
from app.sharing.models import GroupMember, Principal, PublicGroup
from tests.factories import actor_of, get_status, make_lead, make_partner, row_count, rows
from tests.people import Client, sign_in
from tests.races import together

HTMX = {"HX-Request": "true"}
PAGES = ("statuses", "sources", "decline-reasons", "levels")


def names(session, registry):
    return [item.name for item in list_items(session, registry)]


@pytest.mark.parametrize("listing", PAGES)
def test_an_entry_is_added_renamed_moved_and_removed(signed_in, session, ada, listing):
    browser, path = signed_in(ada), f"/setup/{listing}"
    registry = {"statuses": STATUSES, "sources": SOURCES, "decline-reasons": REASONS, "levels": LEVELS}[
        listing
    ]
    before = names(session, registry)
    assert browser.get(path).status_code == 200
    values = {"name": "  Àlber ", "category": "working", "accept_within_minutes": "90"}
    answer = browser.submit(path, values)
    assert answer.status_code == 303
    item = list_items(session, registry)[-1]
    ref = item.ref
    assert item.name == "Àlber"
    assert answer.location == f"{path}#{ref}"
    change = {"name": "Banc", "category": "qualified", "accept_within_minutes": ""}
    assert browser.submit(f"{path}/{ref}", change, page=path).status_code == 303
    assert browser.submit(f"{path}/{ref}", {"act": "up"}, page=path).status_code == 303
    assert names(session, registry) == [*before[:-1], "Banc", before[-1]]
    assert browser.submit(f"{path}/{ref}", {"act": "remove"}, page=path).status_code == 303
    assert names(session, registry) == before
    assert [e.verb for e in rows(session, Event, Event.record_ref == ref)] == [
        "created",
        "edited",
        "moved",
        "deleted",
    ]


def test_htmx_gets_the_list_with_the_focus_where_it_was_changed(signed_in, session, ada):
    [first, *_rest] = list_items(session, SOURCES)
    answer = signed_in(ada).submit(
        f"/setup/sources/{first.ref}", {"name": "Internet"}, page="/setup/sources", headers=HTMX
    )
    fragment = answer.get_data(as_text=True)
    assert "<html" not in fragment
    assert 'value="Internet" data-focus' in fragment
    assert "“Internet” is saved." in fragment


@pytest.mark.parametrize(
    ("listing", "values"),
    [
        ("sources", {"name": ""}),
        ("sources", {"name": "x" * 81}),
        ("sources", {"name": "a\x00"}),
        ("sources", {"name": "wéb FORM"}),
        ("statuses", {"name": "Parked", "category": "asleep"}),
        ("statuses", {"name": "NEW", "category": "new"}),
        ("levels", {"name": "Gold"}),
        ("levels", {"name": "Tin", "accept_within_minutes": "soon"}),
        ("levels", {"name": "Tin", "accept_within_minutes": "0"}),
        ("decline-reasons", {"name": "other"}),
    ],
)
def test_what_makes_no_sense_is_refused_and_stays_as_typed(signed_in, session, ada, listing, values):
    before = [row_count(session, model) for model in (LeadStatus, LeadSource, DeclineReason, PartnerLevel)]
    answer = signed_in(ada).submit(f"/setup/{listing}", values)
    assert answer.status_code == 422
    assert "tone-red" in answer.get_data(as_text=True)
    assert before == [
        row_count(session, model) for model in (LeadStatus, LeadSource, DeclineReason, PartnerLevel)
    ]


def test_what_is_in_use_is_retired_not_removed(signed_in, session, ada):
    [source, *_rest] = list_items(session, SOURCES)
    make_lead(session, source=source)
    browser, path = signed_in(ada), f"/setup/sources/{source.ref}"
    answer = browser.submit(path, {"act": "remove"}, page="/setup/sources")
    assert answer.status_code == 409
    assert "is in use" in answer.get_data(as_text=True)
    assert browser.submit(path, {"act": "retire"}, page="/setup/sources").status_code == 303
    assert source.is_active is False
    assert browser.submit(path, {"act": "restore"}, page="/setup/sources").status_code == 303
    assert source.is_active is True


@pytest.mark.race
def test_what_begins_to_be_used_while_it_is_removed_stays(app, session, ada):
    """The second of the two is told to look again; nothing is left without what it refers to."""
    source = add_item(session, actor_of(session, ada), SOURCES, {"name": "Fair"}, now=clock.now())
    browser = Client(app, use_cookies=True)
    sign_in(browser, ada)
    session.commit()
    form = {"act": "remove", "csrf_token": browser.csrf("/setup/sources")}
    taken = threading.Event()

    def use():
        with transaction() as mine:
            make_lead(mine, source=source)
            mine.flush()
            taken.set()
            mine.execute(text("SELECT pg_sleep(0.4)"))

    def remove():
        taken.wait(10)
        return browser.post(f"/setup/sources/{source.ref}", data=form)

    _none, answer = together(app, [use, remove])
    assert answer.status_code == 409
    assert "Somebody has just changed what this refers to" in answer.text
    assert [row.name for row in rows(session, LeadSource, LeadSource.name == "Fair")] == ["Fair"]


def test_a_level_that_partners_have_stays(session, ada):
    [gold] = rows(session, PartnerLevel, PartnerLevel.name == "Gold")
    make_partner(session, "Northwind", level_id=gold.id)
    with pytest.raises(InUse):
        remove_item(session, actor_of(session, ada), LEVELS, gold.ref, now=clock.now())


def test_the_status_of_what_is_converted_does_not_look_retired(signed_in, session, ada):
    page = signed_in(ada).get("/setup/statuses").get_data(as_text=True)
    row = (
        page.split('value="Converted"')[0].rpartition("<tr")[2]
        + page.split('value="Converted"')[1].split("</tr>")[0]
    )
    assert "is-off" not in row
    assert 'value="restore"' not in row
    assert 'value="up"' in row


def test_a_first_status_must_be_left(session, ada):
    actor, now, new = actor_of(session, ada), clock.now(), get_status(session, "new")
    for change in ({"is_active": False}, {"category": "working"}):
        with pytest.raises(InUse):
            edit_item(session, actor, STATUSES, new.ref, change, now=now)
    with pytest.raises(InUse):
        remove_item(session, actor, STATUSES, new.ref, now=now)
    add_item(session, actor, STATUSES, {"name": "Fresh", "category": "new"}, now=now)
    edit_item(session, actor, STATUSES, new.ref, {"is_active": False}, now=now)
    assert new.is_active is False


def test_a_change_of_category_opens_and_closes_no_leads(session, ada):
    actor, now = actor_of(session, ada), clock.now()
    working, closed = get_status(session, "working"), get_status(session, "unqualified")
    make_lead(session, status="working")
    make_lead(session, status="unqualified")
    for status, category in ((working, "unqualified"), (closed, "working")):
        with pytest.raises(InUse):
            edit_item(session, actor, STATUSES, status.ref, {"category": category}, now=now)
    edit_item(session, actor, STATUSES, working.ref, {"category": "qualified"}, now=now)
    assert working.category == "qualified"


def test_reasons_that_other_systems_know_stay_but_may_be_renamed(session, ada):
    actor, now = actor_of(session, ada), clock.now()
    [reason] = rows(session, DeclineReason, DeclineReason.key == "invalid")
    for change in ({"is_active": False},):
        with pytest.raises(InUse):
            edit_item(session, actor, REASONS, reason.ref, change, now=now)
    with pytest.raises(InUse):
        remove_item(session, actor, REASONS, reason.ref, now=now)
    edit_item(session, actor, REASONS, reason.ref, {"name": "Wrong data"}, now=now)
    assert (reason.key, reason.name) == ("invalid", "Wrong data")


def test_a_lasting_name_is_made_from_the_first_name(session, ada):
    actor, now = actor_of(session, ada), clock.now()
    made = [
        add_item(session, actor, REASONS, {"name": name}, now=now).key
        for name in ("Ciutat errònia!", "Ciutat erronia?", "株式")
    ]
    assert made == ["ciutat_erronia", "ciutat_erronia_2", "entry"]
    assert (
        add_item(session, actor, STATUSES, {"name": "Converted?", "category": "qualified"}, now=now).key
        == "converted_2"
    )


def test_the_ends_of_a_list_move_nowhere(session, ada):
    actor, now, before = actor_of(session, ada), clock.now(), names(session, LEVELS)
    first, *_rest, last = list_items(session, LEVELS)
    move_item(session, actor, LEVELS, first.ref, up=True, now=now)
    move_item(session, actor, LEVELS, last.ref, up=False, now=now)
    assert names(session, LEVELS) == before


def test_channel_managers_keep_the_sources_and_nothing_else(signed_in, session, mara):
    browser = signed_in(mara)
    assert browser.submit("/setup/sources", {"name": "Radio"}).status_code == 303
    for page in ("statuses", "decline-reasons", "levels"):
        assert browser.get(f"/setup/{page}").status_code == 403
        assert (
            browser.submit(f"/setup/{page}", {"name": "Radio", "category": "new"}, page="/setup/").status_code
            == 403
        )
    with pytest.raises(NotAllowed):
        add_item(session, actor_of(session, mara), STATUSES, {"name": "x"}, now=clock.now())
    assert rows(session, LeadStatus, LeadStatus.name == "Radio") == []


@pytest.mark.parametrize("who", ["sal", "vic", "pia"])
def test_others_have_no_setup(request, signed_in, who):
    browser = signed_in(request.getfixturevalue(who))
    for page in ("", *PAGES, "organisation", "capture", "prm"):
        assert browser.get(f"/setup/{page}").status_code == 403


def test_an_entry_that_does_not_exist_is_not_found(signed_in, session, ada):
    with pytest.raises(NotFound):
        edit_item(session, actor_of(session, ada), SOURCES, "item_none", {"name": "x"}, now=clock.now())
    assert (
        signed_in(ada).submit("/setup/sources/item_none", {"name": "x"}, page="/setup/sources").status_code
        == 404
    )
    with pytest.raises(Invalid):
        edit_item(
            session,
            actor_of(session, ada),
            SOURCES,
            list_items(session, SOURCES)[0].ref,
            {"colour": 1},
            now=clock.now(),
        )


# Put somewhere by dragging


@pytest.mark.parametrize("listing", PAGES)
def test_a_row_is_dropped_somewhere_else(signed_in, session, ada, listing):
    registry = {"statuses": STATUSES, "sources": SOURCES, "decline-reasons": REASONS, "levels": LEVELS}[
        listing
    ]
    actor, browser, path = actor_of(session, ada), signed_in(ada), f"/setup/{listing}"
    for name in ("Lest", "Mig", "Nou"):
        values = {"name": name, **({"category": "working"} if registry is STATUSES else {})}
        add_item(session, actor, registry, values, now=clock.now())
    items = list_items(session, registry)
    last, count = items[-1].ref, len(items)
    assert "data-drag" in browser.get(path).get_data(as_text=True)
    assert browser.submit(f"{path}/{last}", {"to": "0", "name": "Not this"}, page=path).status_code == 303
    assert names(session, registry)[0] == "Nou", "the name that was being typed is left alone"
    assert browser.submit(f"{path}/{last}", {"to": "99999"}, page=path).status_code == 303
    assert names(session, registry)[-1] == "Nou"
    assert [item.position for item in list_items(session, registry)] == list(range(count))
    for odd in ("-1", "x", "1.5", "9" * 30):
        assert browser.submit(f"{path}/{last}", {"to": odd}, page=path).status_code == 422
    told = [e.detail["to"] for e in rows(session, Event, Event.record_ref == last, Event.verb == "moved")]
    assert told == [0, count - 1]


def test_a_level_in_use_says_what_uses_it(signed_in, api, session, ada, mara):
    level = add_item(session, actor_of(session, ada), LEVELS, {"name": "Platinum"}, now=clock.now())
    for name in ("Avet", "Bruc", "Cirer", "Dàlia", "Estepa"):
        make_partner(session, name, owner=mara, level_id=level.id)
    refused = signed_in(ada).submit(f"/setup/levels/{level.ref}", {"act": "remove"}, page="/setup/levels")
    assert refused.status_code == 409
    assert "“Platinum” is in use: Avet, Bruc, Cirer, 2 more." in refused.get_data(as_text=True)
    called = api(ada).delete(f"/registries/partner_levels/{level.ref}")
    assert called.status_code == 409
    assert "Avet" in called.json["detail"]
    assert "Platinum" in names(session, LEVELS)


def test_a_level_that_something_is_shared_with_is_in_use(session, ada):
    level = add_item(session, actor_of(session, ada), LEVELS, {"name": "Platinum"}, now=clock.now())
    principal = Principal(key=f"partner_level:{level.id}")
    session.add(principal)
    session.flush()
    remover = actor_of(session, ada)
    group_of = Principal(key="group:1")
    session.add(group_of)
    session.flush()
    now = clock.now()
    group = PublicGroup(
        ref=refs.new_ref(refs.ITEM), name="Best", name_fold="best", principal_id=group_of.id,
        created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(group)
    session.flush()
    session.add(GroupMember(ref=refs.new_ref(refs.MEMBER), group_id=group.id, principal_id=principal.id))
    session.flush()
    with pytest.raises(InUse) as refused:
        remove_item(session, remover, LEVELS, level.ref, now=now)
    assert "1 group, sharing rule or share" in str(refused.value.message)
