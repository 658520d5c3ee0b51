"""What stands beside an account costs what is on it, however much else its reader was given."""

import pytest

from app.activities.turns import turns_of
from app.cases.queries import cases_of
from app.identity.models import AccountScope
from app.opportunities.people import add_part
from app.opportunities.related import opportunities_of
from app.sharing.shares import share_record
from tests.factories import actor_of, make_account, make_case, make_contact, make_opportunity
from tests.rows_read import rows_read


@pytest.mark.databases("sqlite")  # PostgreSQL decides by how many there are
def test_what_is_shared_elsewhere_is_not_gone_through(session, ada, vic, mara, now):
    here, elsewhere = (make_account(session, owner=mara) for _ in range(2))
    vic.account_scope = AccountScope.PORTFOLIO
    admin, to = actor_of(session, ada), {"type": "user", "id": vic.ref}

    def share(account, number):
        for _ in range(number):
            for make in (make_case, make_opportunity):
                share_record(session, admin, make(session, account=account, owner=mara), to, "read", now=now)
        session.commit()

    def cost():
        reader = actor_of(session, vic)
        assert (cases_of(session, reader, here).number, opportunities_of(session, reader, here).number) == (
            3,
            3,
        )
        return rows_read(
            lambda: (cases_of(session, reader, here), opportunities_of(session, reader, here)),
            "sharing_grant",
        )

    share(here, 3)
    before = cost()
    share(elsewhere, 30)
    assert cost() < 1.2 * before


def _all_beside(session, reader, record):
    """What the page of an account or a contact shows of cases and opportunities, as keys and numbers."""
    cases, opportunities = cases_of(session, reader, record), opportunities_of(session, reader, record)
    return (
        (cases.number, cases.open_number, [row.case.id for row in cases.rows]) if cases else None,
        [row.opportunity.id for row in (*opportunities.rows, *opportunities.purchases)],
        (opportunities.number, opportunities.bought),
        turns_of(session, reader, record, None, 50),
    )


def test_what_is_hidden_is_passed_over_without_a_look_at_it(session, ada, vic, mara, pia, now, monkeypatch):
    account, own = make_account(session, owner=mara), make_account(session, owner=vic)
    contact = make_contact(session, account=account, owner=mara)
    vic.account_scope = AccountScope.PORTFOLIO
    admin = actor_of(session, ada)
    for reader in (vic, pia):
        for record in (account, contact):
            share_record(session, admin, record, {"type": "user", "id": reader.ref}, "read", now=now)

    def add(owner, place=account, number=1):
        made = []
        for _ in range(number):
            case = make_case(session, account=place, contact=contact, owner=owner)
            made.append(case)
            for stage in ("won", "prospecting"):
                opportunity = make_opportunity(session, account=place, owner=owner, stage=stage)
                session.flush()
                add_part(session, admin, opportunity.ref, contact.ref, "buyer", now=now)
                made.append(opportunity)
        session.flush()
        return made

    for reader in (vic, pia):
        add(reader)
        for shared in add(mara):
            share_record(session, admin, shared, {"type": "user", "id": reader.ref}, "read", now=now)
    add(vic, own)
    add(mara, own)  # the contact's, and Vic's as the account's owner
    add(mara, number=4)
    session.commit()

    def seen():
        readers = [actor_of(session, person) for person in (vic, pia)]
        return [_all_beside(session, reader, record) for reader in readers for record in (account, contact)]

    one_by_one = seen()
    # A partner's people read no cases; of the account's opportunities those that were won stand apart.
    assert [each[0] and each[0][0] for each in one_by_one] == [2, 4, None, None]
    assert [each[2] for each in one_by_one] == [(2, 2), (8, 0), (2, 2), (4, 0)]
    monkeypatch.setattr("app.sharing.beside.STRETCH", 3)
    assert seen() == one_by_one
    monkeypatch.setattr("app.sharing.beside.MOST_GIVEN", 1)
    assert seen() == one_by_one
    monkeypatch.setattr("app.sharing.beside.MOST_GIVEN", 2000)
    if session.get_bind().dialect.name == "postgresql":
        return  # decides by how many there are, and scans what is as small as this
    before = rows_read(seen, "case", "opportunity")
    add(mara, number=20)
    session.commit()
    assert seen() == one_by_one
    assert rows_read(seen, "case", "opportunity") < 1.2 * before
