"""Saved views and what a person keeps for their lists: who has them, what the default of the organisation gives."""

import pytest

from app.events.models import Event
from app.identity.models import AccountScope, Organisation
from app.kernel.actor import Role
from app.lists.models import ListChoice, SavedView
from app.sharing.groups import create_group
from tests.factories import actor_of, make_account, make_user, rows


@pytest.fixture
def save(signed_in):
    def make(user, name="Big ones", audience="private", group="", **params):
        fields = {f"p.{key}": value for key, value in params.items()}
        return signed_in(user).submit(
            "/lists/account/views",
            {"name": name, "audience": audience, "group": group, **fields},
            page="/lists/account/views/new",
        )

    return make


def text(client, path):
    return client.get(path).get_data(as_text=True)


def set_default(session, side, level):
    organisation = rows(session, Organisation)[0]
    saved = {**organisation.defaults.get("saved_view", {}), side: level}
    organisation.defaults = {**organisation.defaults, "saved_view": saved}
    session.commit()


def test_a_view_is_saved_opened_changed_and_deleted(signed_in, session, save, sal):
    make_account(session, "Alder", owner=sal, employees=700, industry="Retail")
    make_account(session, "Birch", owner=sal, employees=20)
    answer = save(sal, filter="employees.gt:500", sort="-name")
    assert answer.status_code == 303
    [view] = rows(session, SavedView)
    assert answer.location == f"/accounts?view={view.ref}"
    browser = signed_in(sal)
    page = text(browser, answer.location)
    assert "Alder" in page
    assert "Birch" not in page
    # Without its filter it is the whole list, with the view still at hand to be saved.
    whole = text(browser, f"/accounts?view={view.ref}&filter=all()")
    assert "Birch" in whole
    assert "This differs from the view" in whole
    browser.submit(f"/lists/account/views/{view.ref}", {"p.industry": "Retail"}, page=answer.location)
    assert rows(session, SavedView)[0].query == {"industry": ["Retail"]}
    browser.submit(
        f"/lists/account/views/{view.ref}",
        {"name": "", "audience": "everyone"},
        page="/lists/account/views/new",
    )
    assert rows(session, SavedView)[0].audience == "private"
    browser.submit(
        f"/lists/account/views/{view.ref}", {"name": "Shops", "audience": "everyone", "version": "2"},
        page="/lists/account/views/new",
    )  # fmt: skip
    assert rows(session, SavedView)[0].name == "Shops"
    gone = view.ref
    browser.submit(f"/lists/account/views/{gone}/delete", {}, page="/lists/account/views")
    assert rows(session, SavedView) == []
    told = [event.verb for event in rows(session, Event, Event.record_kind == "saved_view")]
    assert told == ["created", "edited", "edited", "deleted"]
    assert "Here is the whole list" in text(browser, f"/accounts?view={gone}")


def test_who_has_a_view(signed_in, session, save, sal, mara, ada):
    set_default(session, "internal", "private")
    vera = make_user(session, "Vera", role=Role.SALES)
    group = create_group(
        session, actor_of(session, ada), name="Team", members=[{"type": "user", "id": vera.ref}, {"type": "user", "id": sal.ref}],
        now=sal.created_at,
    )  # fmt: skip
    save(sal, "Own")
    save(sal, "Of the team", "group", group.ref)
    save(sal, "Of all", "everyone")

    def seen(user):
        page = text(signed_in(user), "/lists/account/views")
        return [name for name in ("Own", "Of the team", "Of all") if f">{name}</a>" in page]

    assert seen(sal) == ["Own", "Of the team", "Of all"]
    assert seen(vera) == ["Of the team", "Of all"]
    assert seen(mara) == ["Of all"]
    own = rows(session, SavedView, SavedView.name == "Own")[0]
    assert signed_in(mara).get(f"/lists/to/{own.ref}").status_code == 404
    assert save(mara, "Theirs", "group", group.ref).status_code == 303  # whoever keeps groups may
    # What the organisation gives everybody of a side counts for views as for records.
    set_default(session, "internal", "read")
    assert seen(mara) == ["Own", "Of the team", "Of all"]
    change = f"/lists/account/views/{own.ref}"
    form = {"name": "Mine now"}
    assert signed_in(mara).submit(change, form, page="/lists/account/views/new").status_code == 403
    set_default(session, "internal", "read_write")
    assert signed_in(mara).submit(change, form, page="/lists/account/views/new").status_code == 303


def test_a_view_shows_each_what_they_may_see(signed_in, session, save, sal, mara):
    pol = make_user(session, "Pol", account_scope=AccountScope.PORTFOLIO)
    make_account(session, "Hidden", owner=mara, industry="Retail")
    make_account(session, "Own", owner=pol, industry="Retail")
    save(sal, "Shops", "everyone", industry="Retail")
    view = rows(session, SavedView)[0]
    short = signed_in(pol).get(f"/lists/to/{view.ref}")
    page = text(signed_in(pol), short.location)
    assert "Own" in page
    assert "Hidden" not in page


def test_a_view_whose_field_is_gone_opens_with_the_rest(signed_in, session, sal):
    make_account(session, "Alder", owner=sal, industry="Retail")
    make_account(session, "Birch", owner=sal)
    view = SavedView(
        ref="view_" + "1" * 22, object="account", name="Old", owner_user_id=sal.id, version=1,
        query={"shoe_size": ["43"], "filter": ["all(hats.gt:3,industry.equals:retail)"]}, columns=["hats", "owner"],
        created_at=sal.created_at, updated_at=sal.created_at,
    )  # fmt: skip
    session.add(view)
    browser = signed_in(sal)
    page = text(browser, f"/accounts?view={view.ref}")
    assert "shoe_size, hats" in page
    assert "Alder" in page
    assert "Birch" not in page
    # What matches the rest is not what the view was made for: nobody changes all of it by mistake.
    assert "Tag all that match" not in page
    assert "Tag all that match" in text(browser, "/accounts?industry=retail")


def test_columns_and_the_start_view_are_kept(signed_in, session, save, sal):
    make_account(session, "Alder", owner=sal, site="Girona", external_id="X-77", account_number="N-1")
    browser = signed_in(sal)
    kept = {
        "column": ["external_id", "account_number"],
        "place.external_id": "2",
        "place.account_number": "1",
    }
    browser.submit("/lists/account/columns", kept, page="/lists/account/columns")
    page = text(browser, "/accounts")
    assert page.index("N-1") < page.index("X-77")
    save(sal, "Nothing", industry="Nowhere")
    view = rows(session, SavedView)[0]
    browser.submit("/lists/account/start", {"view": view.ref}, page="/accounts")
    assert "Alder" not in text(browser, "/accounts")
    assert "Alder" in text(browser, "/accounts?view=all")
    refused = browser.submit(
        "/lists/account/columns", {"column": ["nothing_such"]}, page="/lists/account/columns"
    )
    assert refused.status_code == 422
    assert rows(session, ListChoice)[0].columns == ["account_number", "external_id"]


def test_recently_viewed_has_the_latest_first(signed_in, session, sal, mara):
    first, second = make_account(session, "First", owner=sal), make_account(session, "Second", owner=sal)
    make_account(session, "Never", owner=sal)
    browser = signed_in(sal)
    for account in (first, second):
        browser.get(f"/accounts/{account.ref}")
    browser.submit(
        "/accounts", {"name": "Third", "owner": sal.ref, "category": "prospect"}, page="/accounts/new"
    )
    page = text(browser, "/accounts?view=recent")
    assert page.index("Third") < page.index("Second") < page.index("First")
    assert "Never" not in page
    # What was given away is not shown any more.
    sal.account_scope = AccountScope.PORTFOLIO
    second.owner_user_id = mara.id
    assert "Second" not in text(signed_in(sal), "/accounts?view=recent")
