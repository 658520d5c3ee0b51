"""What stands beside an account costs what is on it, however much else its reader was given."""

import pytest

from app.cases.queries import cases_of
from app.identity.models import AccountScope
from app.opportunities.related import opportunities_of
from app.sharing.shares import share_record
from tests.factories import actor_of, make_account, make_case, make_opportunity
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
