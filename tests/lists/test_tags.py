"""Tags on a record's page: seen, added, taken off; names known to those alone who may see what carries them."""

from sqlalchemy import select

from app.events.models import Event
from app.identity.models import AccountScope
from app.kernel import clock
from app.lists.models import RecordTag, Tag
from app.lists.operations import find_or_make_tag, set_tag
from app.lists.queries import tags_of
from app.sharing.shares import share_record
from tests.factories import (
    actor_of,
    make_account,
    make_case,
    make_contact,
    make_lead,
    make_opportunity,
    make_user,
    rows,
)


def test_a_tag_is_put_on_a_record_and_taken_off(signed_in, session, sal, vic, pia):
    account = make_account(session, "Alder", owner=sal)
    contact = make_contact(session, "Puig", account=account, owner=sal)
    browser, htmx = signed_in(sal), {"HX-Request": "true"}
    page, address = f"/accounts/{account.ref}", f"/lists/account/tags/{account.ref}"
    assert browser.submit(address, {"tag": "Trade fair"}, page=page).location == page
    assert "/accounts?tag=Trade+fair" in browser.get(page).get_data(as_text=True)
    added = browser.submit(address, {"tag": "Wine"}, page=page, headers=htmx).get_data(as_text=True)
    assert added.index("Trade fair") < added.index("Wine")
    off = browser.submit(address, {"off": "trade FAIR"}, page=page, headers=htmx)
    assert "Trade fair" not in off.get_data(as_text=True)
    wrong = browser.submit(address, {"tag": " ", "name": "Wine"}, page=page, headers=htmx)
    assert wrong.status_code == 422
    assert "Give a tag" in wrong.get_data(as_text=True)
    assert browser.submit(f"/lists/contact/tags/{contact.ref}", {"tag": "x"}, page=page).status_code == 303
    assert len(rows(session, RecordTag)) == 2
    assert [e.verb for e in rows(session, Event, Event.record_kind == "account")][-3:] == [
        "tagged",
        "tagged",
        "untagged",
    ]
    assert browser.submit(f"/lists/account/tags/acct_{'0' * 22}", {"tag": "x"}, page=page).status_code == 404
    viewer = signed_in(vic)
    seen = viewer.get(page).get_data(as_text=True)
    assert "Wine" in seen
    assert "Add a tag" not in seen
    for nobody in (viewer, signed_in(pia)):
        assert nobody.submit(address, {"tag": "x"}, page="/profile").status_code == 403
        assert nobody.get("/lists/tags").status_code == 403


def test_names_are_offered_to_those_who_may_see_what_carries_them(signed_in, session, ada, sal, mara):
    pol, nil = (make_user(session, name, account_scope=AccountScope.PORTFOLIO) for name in ("Pol", "Nil"))
    now = clock.now()
    for name, owner in (("Open", pol), ("Opaque", mara)):
        tag = find_or_make_tag(session, actor_of(session, mara), name, now=now)
        account = make_account(session, name, owner=owner)
        set_tag(session, actor_of(session, mara), account, tag, on=True, now=now)
    find_or_make_tag(session, actor_of(session, mara), "Opium", now=now)  # nothing carries it
    ada_ = actor_of(session, ada)
    given = (
        make_contact(session, account=account),
        make_case(session),
        make_opportunity(session),
        make_lead(session),
    )
    for record in (account, *given):  # with one way more to every kind of record
        who = {"type": "user", "id": nil.ref}
        share_record(session, ada_, record, who, "read", now=now)
    session.commit()
    for person, known in (
        (nil, {"Opaque"}),
        (pol, {"Open"}),
        (sal, {"Open", "Opaque"}),
        (mara, {"Open", "Opaque", "Opium"}),
    ):
        offered = signed_in(person).get("/lists/tags?tag=op").get_data(as_text=True)
        assert {name for name in ("Open", "Opaque", "Opium") if f'"{name}"' in offered} == known


def test_other_letters_do_not_tell_of_a_tag_that_one_may_not_know(signed_in, session, mara):
    pol = make_user(session, "Pol", account_scope=AccountScope.PORTFOLIO)
    now = clock.now()
    actor = actor_of(session, mara)
    shut, own = make_account(session, "Shut", owner=mara), make_account(session, "Own", owner=pol)
    set_tag(session, actor, shut, find_or_make_tag(session, actor, "Insolvència", now=now), on=True, now=now)
    session.commit()
    url, page = f"/lists/account/tags/{own.ref}", f"/accounts/{own.ref}"
    for typed in ("insolvencia", "Insolvència"):
        signed_in(pol).submit(url, {"tag": typed}, page=page)
        assert tags_of(session, "account", [own.id]) == {own.id: ["insolvencia"]}, typed  # theirs from now on
    session.expire_all()
    assert session.scalars(select(Tag.name)).all() == ["insolvencia"]
