"""Lists sorted by what may be empty: nobody is left out, the empty ones stand last, pages go on and back."""

import pytest

from app.accounts.models import AccountResponsible
from app.identity.models import AccountScope
from app.kernel import clock, refs
from app.lists.catalogue import objects
from app.lists.query import parse_list
from app.lists.rows import batches, list_rows
from tests.factories import actor_of, make_account, make_user

CITIES = ("Vic", None, "girona", "Girona", None, "Berga", None, "vic", "Olot", None, "Ripoll")
SORTS = ("billing_city", "-billing_city", "employees", "-employees", "-last_activity_at")


@pytest.fixture
def people(session, sal):
    """sal: sees all.  folio: sees what they own and what was shared with them, by several ways at once."""
    folio = make_user(session, "Folio")
    folio.account_scope = AccountScope.PORTFOLIO
    for number, city in enumerate(CITIES):
        account = make_account(
            session, f"Firm {number}", owner=folio if number % 3 else sal,
            billing_city=city, employees=None if number % 4 == 2 else number % 3,
        )  # fmt: skip
        session.add(
            AccountResponsible(
                ref=refs.new_ref(refs.ITEM),
                account_id=account.id,
                user_id=folio.id,
                role="",
                created_at=clock.now(),
            )
        )
    session.commit()
    return {"sal": sal, "folio": folio}


def expected(rows, value, descending):
    filled = [row for row in rows if value(row) is not None]
    empty = sorted(row for row in rows if value(row) is None)
    ordered = sorted(filled, key=lambda row: (value(row), row), reverse=descending)
    return [*ordered, *(reversed(empty) if descending else empty)]


def test_pages_go_on_and_back_over_empty_values(session, people):
    for person in people.values():
        for sort in SORTS:
            walk(session, actor_of(session, person), sort)


def walk(session, actor, sort):
    query = parse_list(session, actor, objects()["account"], {}, sort=sort)
    fields = [query.fields["name"], query.fields[sort.removeprefix("-")]]

    def value(place):
        if "city" in sort:
            return CITIES[place].lower() if CITIES[place] else None
        return None if "activity" in sort or place % 4 == 2 else place % 3

    wanted = [f"Firm {place}" for place in expected(range(len(CITIES)), value, sort.startswith("-"))]
    pages, cursor = [], None
    while True:
        page = list_rows(session, actor, query, fields, cursor=cursor, limit=4)
        pages.append([row.cells["name"] for row in page.items])
        if page.older is None:
            break
        cursor = page.older
    assert [name for names in pages for name in names] == wanted
    back = []
    while page.newer is not None:
        page = list_rows(session, actor, query, fields, cursor=page.newer, limit=4)
        back.append([row.cells["name"] for row in page.items])
    assert back == pages[-2::-1]
    whole = [
        row.cells["name"] for rows, _end in batches(session, actor, query, fields, size=3) for row in rows
    ]
    assert whole == wanted
