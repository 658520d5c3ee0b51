"""Accounts and contacts told apart by what hangs on the account; nothing that is not seen tells anything."""

import pytest
from sqlalchemy import select

from app.accounts.filters import parse_account_query, parse_contact_query
from app.accounts.models import Contact
from app.accounts.queries import count_accounts, list_accounts, list_contacts
from app.accounts.relations import segments
from app.identity.models import AccountScope
from app.kernel import clock
from app.lists.catalogue import objects
from app.lists.query import parse_list
from app.lists.rows import list_rows
from app.sharing.scope import scope
from tests.accounts.hanging import (
    characterise,
    interest,
    make_answerable,
    make_area,
    make_type,
    reason_named,
    relate,
)
from tests.factories import SYSTEM, actor_of, make_account, make_contact


@pytest.fixture
def world(session, mara, sal):
    """A franchise of three generations, a supplier and a competitor; what they want and are."""
    head = make_account(session, "Head", owner=mara)
    child = make_account(session, "Child", owner=mara, parent_id=head.id)
    grand = make_account(session, "Grandchild", owner=sal, parent_id=child.id)
    maker = make_account(session, "Maker", owner=mara)
    rival = make_account(session, "Rival", owner=mara)
    bikes = make_area(session, "Bikes")
    road = make_area(session, "Road bikes", below=bikes)
    gravel = make_area(session, "Gravel", below=road)
    interest(session, head, bikes)
    interest(session, grand, gravel, need="A lighter frame")
    interest(session, child, road, is_interested=False, need="Had one", need_met_at=clock.now())
    fleet = make_type(session, "Fleet")
    characterise(session, head, fleet, "Größe L")
    characterise(session, child, fleet, "small")
    relate(session, maker, head)
    relate(session, rival, head, "Competitor of")
    make_answerable(session, rival, sal)
    for account in (head, child, grand):
        make_contact(session, f"Of {account.name}", account=account)
    session.commit()
    return {a.name: a.ref for a in (head, child, grand, maker, rival, bikes, road, fleet)} | {
        "reason": reason_named(session, "Supplier of").ref
    }


@pytest.mark.parametrize("most", [500, 0])
def test_each_segment_finds_its_accounts_and_their_contacts(session, world, ada, sal, monkeypatch, most):
    """Whether a segment is few or many."""
    monkeypatch.setattr(segments, "MOST_LISTED", most)
    actor, head = actor_of(session, ada), world["Head"]
    cases = [
        ("interest", world["Bikes"], {"Head", "Grandchild"}),
        ("interest", "róad BIKES", {"Grandchild"}),
        ("interest", "Gravel", {"Grandchild"}),
        ("interest", "Nothing of the kind", set()),
        ("disinterest", world["Bikes"], {"Child"}),
        ("need", "true", {"Grandchild"}),
        ("need", "false", {"Head", "Child", "Maker", "Rival"}),
        ("need", world["Road bikes"], {"Grandchild"}),
        ("characteristic", "fleet=GRÖSSE l", {"Head"}),
        ("characteristic", world["Fleet"], {"Head", "Child"}),
        ("characteristic", "Fleet=", set()),
        ("responsible", sal.ref, {"Rival"}),
        ("responsible", "me", set()),
        ("related_to", head, {"Maker", "Rival"}),
        ("related_to", f"{head}=supplier of", {"Maker"}),
        ("related_to", f"{head}={world['reason']}", {"Maker"}),
        ("related_to", f"{head}=supplied by", set()),
        ("related_to", f"{world['Maker']}=supplied by", {"Head"}),
        ("related_to", f"{head}=competitor of", {"Rival"}),
        ("related_to", f"{world['Rival']}=competitor of", {"Head"}),
        ("parent_id", head, {"Child"}),
        ("below", head, {"Child", "Grandchild"}),
        ("below", world["Grandchild"], set()),
    ]
    for name, value, expected in cases:
        query = parse_account_query(session, actor, {name: [value]}, "name")
        found = {row.account.name for row in list_accounts(session, actor, query).items}
        assert found == expected, (name, value)
        contacts = list_contacts(
            session, actor, parse_contact_query(session, actor, {name: [value]}, "last_name")
        )
        with_people = {f"Of {name}" for name in expected & {"Head", "Child", "Grandchild"}}
        assert {row.contact.last_name for row in contacts.items} == with_people, (name, value)
    both = {"below": [head], "need": ["true"], "interest": [world["Bikes"]]}
    assert count_accounts(session, actor, parse_account_query(session, actor, both)) == 1


@pytest.mark.parametrize("most", [500, 0])
def test_a_portfolio_tells_nothing_of_accounts_beyond_it(session, world, sal, mara, monkeypatch, most):
    """Sal owns the grandchild and answers for the rival; head, child and maker are others'."""
    monkeypatch.setattr(segments, "MOST_LISTED", most)
    of_hidden = session.scalars(
        select(Contact).where(scope(Contact, SYSTEM), Contact.last_name == "Of Head")
    ).one()
    of_hidden.owner_user_id = sal.id
    sal.account_scope = AccountScope.PORTFOLIO
    session.commit()
    actor = actor_of(session, sal)
    for name, value, expected in [
        ("need", "false", {"Rival"}),
        ("responsible", "me", {"Rival"}),
        ("related_to", world["Head"], set()),
        ("below", world["Head"], set()),
        ("parent_id", world["Child"], set()),
        ("interest", "Bikes", {"Grandchild"}),
    ]:
        query = parse_account_query(session, actor, {name: [value]}, "name")
        assert {r.account.name for r in list_accounts(session, actor, query).items} == expected, name
        query = parse_contact_query(session, actor, {name: [value]}, "last_name")
        found = {r.contact.last_name for r in list_contacts(session, actor, query).items}
        assert found == {f"Of {n}" for n in expected & {"Grandchild"}}, name
        for text in ("interest.is_empty", "not(interest.equals:Bikes)", "need.equals:false"):
            listed = parse_list(session, actor, objects()["contact"], {"filter": [text]})
            names = [
                r.cells["name"] for r in list_rows(session, actor, listed, [listed.fields["name"]]).items
            ]
            assert "Of Head" not in names or text.startswith("not("), text


@pytest.mark.parametrize("most", [500, 0])
def test_lists_filter_by_them_say_so_and_show_them(session, signed_in, world, ada, sal, monkeypatch, most):
    monkeypatch.setattr(segments, "MOST_LISTED", most)
    actor, head = actor_of(session, ada), world["Head"]
    supplier, fleet = f"is_{world['reason']}", f"is_{world['Fleet']}"
    cases = [
        (f"interest.equals:{world['Bikes']}", {"Head", "Grandchild"}),
        (f"not(interest.equals:{world['Bikes']})", {"Child", "Maker", "Rival"}),
        ("interest.is_empty", {"Child", "Maker", "Rival"}),
        (f"disinterest.in:{world['Bikes']};{world['Road bikes']}", {"Child"}),
        ("need.equals:true", {"Grandchild"}),
        ("need.equals:false", {"Head", "Child", "Maker", "Rival"}),
        (f"need_in.not_equals:{world['Bikes']}", {"Head", "Child", "Maker", "Rival"}),
        (f"responsible.equals:{sal.ref}", {"Rival"}),
        ("responsible.is_empty", {"Head", "Child", "Grandchild", "Maker"}),
        (f"related_to.equals:{head}", {"Maker", "Rival"}),
        (f"related_to.in:{head};{world['Maker']}", {"Maker", "Rival", "Head"}),
        (f"{supplier}.equals:{head}", {"Maker"}),
        (f"has_{world['reason']}.equals:{world['Maker']}", {"Head"}),
        (f"below.equals:{head}", {"Child", "Grandchild"}),
        (f"all(below.equals:{head},not(need.equals:true))", {"Child"}),
        (f"{fleet}.equals:GRÖSSE l", {"Head"}),
        (f"{fleet}.starts_with:gr", {"Head"}),
        (f"{fleet}.is_not_empty", {"Head", "Child"}),
    ]
    people = {"Head", "Child", "Grandchild"}
    for text, expected in cases:
        for thing, wanted in (("account", expected), ("contact", {f"Of {n}" for n in expected & people})):
            query = parse_list(session, actor, objects()[thing], {"filter": [text]})
            found = {
                row.cells["name"] for row in list_rows(session, actor, query, [query.fields["name"]]).items
            }
            assert found == wanted, (thing, text)
    query = parse_list(session, actor, objects()["account"], {})
    columns = [query.fields[name] for name in ("name", "interest", "need_in", "responsible", fleet)]
    shown = {row.cells["name"]: row.cells for row in list_rows(session, actor, query, columns).items}
    assert shown["Head"]["interest"] == ["Bikes"]
    assert shown["Head"][fleet] == ["Größe L"]
    assert shown["Grandchild"]["need_in"] == ["Bikes › Road bikes › Gravel: A lighter frame"]
    assert shown["Rival"]["responsible"] == ["Sal"]
    text = f"all(interest.equals:{world['Bikes']},{supplier}.not_equals:{head})"
    page = (
        signed_in(ada).get("/accounts", query_string={"filter": text, "below": head}).get_data(as_text=True)
    )
    assert all(
        part in page
        for part in ("it is interested in Bikes", "supplier of is not Head", "it stands below Head")
    )
