"""On SQLite the rarest of several values leads to the records, and a list has the same ones as without."""

import pytest

from app.lists.catalogue import objects
from app.lists.narrowest import led_by, narrowest
from app.lists.query import parse_list
from app.lists.rows import list_rows
from tests.factories import actor_of, make_account

pytestmark = pytest.mark.databases("sqlite")


def test_the_rarest_of_several_values_leads(session, sal, monkeypatch):
    monkeypatch.setattr("app.lists.narrowest.FEW", 3)
    for number in range(6):
        kind = "Pilot" if number < 2 else "Supplier"
        make_account(
            session, f"Shop {number}", owner=sal, type=kind, category="customer", billing_country="ES"
        )
    make_account(session, "Elsewhere", owner=sal, type="Pilot", category="customer", billing_country="FR")
    session.commit()
    actor = actor_of(session, sal)

    def asked(**given):
        return parse_list(session, actor, objects()["account"], {k: [v] for k, v in given.items()})

    rare = asked(category="customer", type="Pilot", billing_country="ES")
    place = narrowest(session, actor, rare)
    assert place is not None
    assert "type" in str(rare.conditions[place])
    others = [str(each) for at, each in enumerate(led_by(rare.conditions, place)) if at != place]
    assert all(each.endswith("IS true") for each in others), others
    found = list_rows(session, actor, rare, [rare.fields["name"]]).items
    assert [row.cells["name"] for row in found] == ["Shop 0", "Shop 1"]
    # Where every value is common, and where one filter stands alone, the database goes its own way.
    assert narrowest(session, actor, asked(category="customer", billing_country="ES")) is None
    assert narrowest(session, actor, asked(type="Pilot")) is None
