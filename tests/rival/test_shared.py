"""What two partners share, or are shown together: a customer, a view; and what it costs to ask for what is not one's own."""

import re
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from app.activities.operations import log_activity
from app.conversion.operations import convert_lead
from app.conversion.wanted import read_wanted
from app.identity.models import AccountScope
from app.identity.queries import get_organisation
from app.kernel import refs
from app.lists.models import Audience, SavedView
from app.sharing.groups import create_group
from app.sharing.models import PublicGroup
from app.sharing.shares import share_record
from tests.factories import actor_of, make_account, make_contact, make_lead
from tests.fields.making import make_field
from tests.rival.filling import nowhere
from tests.rival.papers import attach


def shared_customer(session, ada, mara, users, now):
    """An account and a contact that all of these read."""
    account = make_account(session, "Joint", owner=mara)
    contact = make_contact(session, "Roca", account=account, owner=mara, email="roca@joint.example")
    for user in users:
        for record in (account, contact):
            share_record(
                session, actor_of(session, ada), record, {"type": "user", "id": user.ref}, "read", now=now
            )
    return account, contact


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("deal", [None, {"name": "Deal"}], ids=["without an opportunity", "with one"])
def test_what_the_vendor_shows_one_partner_is_not_shown_to_others_by_a_conversion(
    app, session, api, signed_in, ada, mara, pia, otto, now, deal
):
    account, contact = shared_customer(session, ada, mara, [pia, otto], now)
    lead = make_lead(session, owner=pia, company="Joint", last_name="Roca", email="roca@joint.example")
    world = SimpleNamespace(now=now)
    papers = [
        attach(session, world, ada, lead, "offer to Northwind").ref,
        attach(session, world, pia, lead, "of Northwind").ref,
        attach(session, world, ada, lead, "inner", is_internal=True).ref,
    ]
    wanted = read_wanted(account=account.ref, contact=contact.ref, opportunity=deal)
    convert_lead(session, actor_of(session, pia), lead.ref, wanted, now=now)
    session.commit()

    def reads(user):
        return [api(user).get(f"/documents/{ref}").status_code for ref in papers]

    assert reads(pia) == [200, 200, 404]
    assert reads(otto) == [404, 404, 404]
    assert reads(ada) == [200, 200, 200]
    for record in ("accounts", account.ref), ("contacts", contact.ref):
        assert "Northwind" not in signed_in(otto).get("/{}/{}".format(*record)).text


@pytest.mark.databases("sqlite")
def test_a_view_that_is_shared_with_partners_names_nobody_and_nothing_hidden(
    session, signed_in, ada, pia, northwind, now
):
    hidden = make_field(session, ada, "lead", label="Zqxsecret", visibility="hidden", commits=False)
    organisation = get_organisation(session)
    saved = {"internal": "read", "external": "read"}
    organisation.defaults = {**organisation.defaults, "saved_view": saved}
    members = [{"type": "user", "id": pia.ref}]
    group = create_group(session, actor_of(session, ada), name="Zqxcircle", members=members, now=now)
    principal = session.scalar(select(PublicGroup.principal_id).where(PublicGroup.id == group.id))
    queries = {
        "By name": {hidden.name: ["zqxvalue"], "sort": ["-budget"], "company": ["Oak"]},
        "Combined": {"filter": [f"all({hidden.name}.equals:zqxvalue,company.contains:O)"]},
        "Broken": {hidden.name: ["zqxvalue"], "score_from": ["much"]},
    }
    views = [
        SavedView(
            ref=refs.new_ref(refs.SAVED_VIEW), object="lead", name=name, owner_user_id=ada.id, audience=Audience.GROUP,
            principal_id=principal, query=query, columns=[hidden.name], created_at=now, updated_at=now, version=1,
        )
        for name, query in queries.items()
    ]  # fmt: skip
    session.add_all(views)
    make_lead(session, owner=pia, company="Oak")
    session.commit()
    asked = [f"/leads?view={view.ref}" for view in views]
    pages = {path: signed_in(pia).get(path).text for path in [*asked, "/lists/lead/views"]}
    assert "Something that this list asks for is not there for you" in pages[asked[0]]
    for path, page in pages.items():
        assert "By name" in page, path
        # Whole words: three letters come by chance in the names of records and in the form's token.
        found = re.search(r"zqx(secret|value|circle)|\b(?-i:Ada)\b", page, re.IGNORECASE)
        assert found is None, (path, found)
    assert "Oak" in pages[asked[1]]
    seen = signed_in(ada).get("/lists/lead/views").text
    assert "Zqxcircle" in seen
    assert "zqxvalue" in signed_in(ada).get(asked[2]).text, "who may mend it is led to do so"


@pytest.mark.databases("sqlite")
def test_a_lead_that_is_like_hidden_records_costs_its_reader_no_more_than_another(
    session, signed_in, api, mara, pia, otto, count_queries
):
    hidden = make_lead(session, owner=pia, email="roca@joint.example")
    account = make_account(session, "Joint", owner=mara)
    contact = make_contact(session, "Roca", account=account, owner=mara)
    found = {"lead": hidden, "account": account, "contact": contact}
    alike = [{"type": kind, "id": record.id, "reasons": ["email"]} for kind, record in found.items()]
    leads = [make_lead(session, owner=otto, duplicates=duplicates) for duplicates in ([], alike)]
    session.commit()
    browser, program = signed_in(otto), api(otto)
    paths = [f"/leads/{lead.ref}" for lead in leads]
    for ask in browser.get, program.get:
        costs = []
        for path in paths:
            ask(path)  # opened lately from then on
            with count_queries() as queries:
                assert ask(path).status_code == 200
            costs.append(len(queries))
        assert costs[0] == costs[1]


@pytest.mark.databases("sqlite")
def test_what_is_hidden_is_looked_for_with_as_many_statements_as_what_is_nowhere(
    session, signed_in, ada, mara, pia, southwind, otto, now, count_queries
):
    lead = make_lead(session, owner=otto)
    call = log_activity(session, actor_of(session, otto), lead, kind="call", subject="Rang", now=now)
    account = make_account(session, "Hidden", owner=mara)
    contact = make_contact(session, "Boss", account=account, owner=mara)
    # Otto's own work on a lead that has gone to somebody else.
    lead.owner_user_id, lead.partner_account_id = pia.id, pia.partner_account_id
    session.commit()
    browser = signed_in(otto)
    browser.get("/")
    paths = [
        f"/activities/{call.ref}",
        f"/activities/{call.ref}/edit",
        f"/accounts/{account.ref}",
        f"/contacts/{contact.ref}",
    ]
    for path in paths:
        costs = []
        for asked in (nowhere(path), path):
            with count_queries() as queries:
                assert browser.get(asked).status_code == 404
            costs.append(len(queries))
        assert costs[0] == costs[1], path
    with count_queries() as absent:
        browser.submit(nowhere(f"/activities/{call.ref}/finish"), page="/profile")
    with count_queries() as hidden:
        browser.submit(f"/activities/{call.ref}/finish", page="/profile")
    assert len(hidden) == len(absent)


@pytest.mark.databases("sqlite")
def test_what_is_outside_a_portfolio_is_claimed_and_restored_with_as_many_statements_as_what_is_nowhere(
    session, signed_in, ada, mara, now, count_queries
):
    mara.account_scope = AccountScope.PORTFOLIO
    account = make_account(session, "Hidden", owner=ada)
    paths = [f"/leads/{make_lead(session, owner=ada).ref}/claim"]
    gone = (
        ("leads", make_lead(session, owner=ada)),
        ("accounts", make_account(session, "Gone", owner=ada)),
        ("contacts", make_contact(session, "Gone", account=account, owner=ada)),
    )
    for things, record in gone:
        record.deleted_at = now
        paths.append(f"/{things}/{record.ref}/restore")
    session.commit()
    browser = signed_in(mara)
    browser.get("/")
    for path in paths:
        costs = []
        for asked in (nowhere(path), path):
            with count_queries() as queries:
                assert browser.submit(asked, page="/profile").status_code == 404, path
            costs.append(len(queries))
        assert costs[0] == costs[1], path


@pytest.mark.databases("sqlite")
def test_a_person_whom_a_shared_view_asks_for_finds_what_a_person_who_is_nowhere_finds(
    session, signed_in, api, ada, pia, otto, now
):
    """All that is told of somebody by their opaque name is that the view names somebody."""
    saved = {"internal": "read", "external": "read"}
    organisation = get_organisation(session)
    organisation.defaults = {**organisation.defaults, "saved_view": saved}
    leads = [make_lead(session, owner=who, company="Oak") for who in (ada, otto, pia)]
    session.flush()
    for lead in leads[:2]:
        share_record(session, actor_of(session, ada), lead, {"type": "user", "id": pia.ref}, "read", now=now)
    asked = ("owner={}", "filter=owner.equals:{}", "filter=not(owner.equals:{})", "filter=owner.in:{}")
    session.commit()
    browser, program = signed_in(pia), api(pia)
    for text in asked:
        for person in (ada, otto):
            names = (person.ref, nowhere(person.ref))
            pages = [browser.get(f"/leads?{text.format(ref)}").text.replace(ref, "") for ref in names]
            assert _rows(pages[0]) == _rows(pages[1]), text
            assert ("Oak" in _rows(pages[0])) == ("not(" in text), text
            answers = [program.get(f"/leads?{text.format(ref)}") for ref in names]
            assert answers[0].data == answers[1].data, text
    listed = program.get(f"/leads?filter=not(owner.equals:{ada.ref})").json["items"]
    assert {each["id"] for each in listed} == {lead.ref for lead in leads}


def _rows(page):
    """The list of a page, without what stands around it."""
    return page.partition("<tbody")[2].partition("</tbody>")[0]
