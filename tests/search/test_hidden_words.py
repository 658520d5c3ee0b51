"""That nobody of a partner's people waits for what is hidden from them with the words that they search for."""

import pytest

from tests.factories import make_account, make_lead, make_opportunity
from tests.rows_read import rows_read

TABLES = ("search_entry", "opportunity", "FROM account")


@pytest.mark.databases("sqlite", "postgresql")
def test_partners_read_no_more_for_a_word_that_many_hidden_records_hold(
    api, session, count_queries, pia, otto
):
    account = make_account(session, "Zaragoza Forges")
    for number in range(150):
        make_lead(session, owner=otto, company=f"Zaragoza {number}")
        make_account(session, f"Zaragoza {number}")
        make_opportunity(session, f"Zaragoza {number}", account=account, owner=otto)
    for number in range(3):
        make_lead(session, owner=pia, company=f"Own {number}")
        make_opportunity(session, f"Own {number}", account=account, owner=pia)
    session.commit()
    session.connection().exec_driver_sql("ANALYZE")
    session.commit()
    client = api(pia)
    for kind in ("leads", "accounts", "opportunities"):
        read, sent, shown = {}, {}, {}
        for word in ("zaragoza", "zaragozz", "own"):
            path = f"/{kind}?q={word}"
            client.get(path)  # what is remembered for a minute is known from here on
            with count_queries() as queries:
                shown[word] = len(client.get(path).json["items"])
            sent[word] = len(queries)
            read[word] = rows_read(lambda path=path: client.get(path), *TABLES)
        assert shown == {"zaragoza": 0, "zaragozz": 0, "own": 0 if kind == "accounts" else 3}
        assert sent["zaragoza"] == sent["zaragozz"], kind
        assert read["zaragoza"] == read["zaragozz"], (kind, read)
