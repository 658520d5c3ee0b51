"""That every filter of the audit log is read from the end of an index, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from app.events.models import Event
from app.events.queries import LOOKED_THROUGH, EventFilter, _newest, _plan, _select_places, list_events
from tests.factories import actor_of
from tests.sharing.test_plans import plan_of

VERBS = ("created", "edited", "assigned", "claimed", "signed_in", "token_created")


def fill(session, users, now, number=3000):
    """Events of many kinds, as a busy installation has them: most by one person, of few kinds."""
    rows = []
    for n in range(number):
        user = users[n // 30 % len(users)] if n % 30 == 3 else users[-1]
        rows.append(
            {
                "at": now - timedelta(minutes=(number - n) / 5), "verb": VERBS[-1] if n % 40 == 7 else VERBS[n % 5],
                "record_kind": "user", "record_id": user.id, "record_ref": user.ref, "actor_id": user.id,
                "actor_name": "x", "company_id": None,
                "door": "command" if n % 40 == 9 else ("web", "api", "import")[n % 3], "changes": {}, "detail": {},
            }
        )  # fmt: skip
    session.execute(insert(Event), rows)
    session.connection().exec_driver_sql("ANALYZE")


FILTERS = [
    ({}, "ix_event_at"),
    ({"actors": 1}, "ix_event_actor"),
    ({"actors": 3}, "ix_event_actor"),
    ({"verbs": ("token_created",)}, "ix_event_verb"),
    ({"verbs": ("token_created", "claimed")}, "ix_event_verb"),
    ({"doors": ("command",)}, "ix_event_door"),
    ({"records": 1}, "ix_event_record"),
]


@pytest.mark.parametrize("period", [False, True])
@pytest.mark.parametrize(("given", "index"), FILTERS)
def test_each_filter_reads_its_index_in_order(
    session, ada, mara, sal, vic, pia, pam, otto, now, given, index, period
):
    users = [ada, mara, sal, vic, pia, pam, otto]
    fill(session, users, now)
    named = {n: tuple(u.ref for u in users[:v]) if isinstance(v, int) else v for n, v in given.items()}
    if period:
        named |= {"since": now - timedelta(minutes=300), "until": now - timedelta(minutes=60)}
    after = (now - timedelta(minutes=90), 500)
    search = _plan(session, actor_of(session, ada), EventFilter(**named), after)
    assert search.rest == []
    plan = plan_of(session, _select_places(search, None, 51))
    assert index in plan, plan
    sorts = plan.count("Sort Key") + plan.count("TEMP B-TREE FOR ORDER BY")
    # Several values are merged from the first rows of each, which may be sorted once more.
    assert sorts <= (len(search.branches) if len(search.branches) > 1 else 0), plan
    assert "Seq Scan on event" not in plan
    assert "SCAN event\n" not in plan + "\n"


def test_two_filters_look_through_a_bounded_number(session, ada, mara, sal, now):
    fill(session, [ada, mara, sal], now)
    wanted = EventFilter(actors=(mara.ref,), verbs=("token_created",))
    search = _plan(session, actor_of(session, ada), wanted, None)
    assert len(search.rest) == 1
    plan = plan_of(session, _newest(search.branches[0], search.within).offset(LOOKED_THROUGH[-1]).limit(1))
    assert "ix_event_actor" in plan, plan


def test_what_a_channel_manager_sees_is_read_in_the_order_of_the_page(session, mara, ada, sal, now):
    fill(session, [ada, mara, sal], now)
    search = _plan(session, actor_of(session, mara), EventFilter(), None)
    plan = plan_of(session, _select_places(search, (now - timedelta(days=1), 1), 51))
    assert "ix_event_at" in plan, plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan


def test_the_number_of_statements_is_that_of_one_page(session, ada, mara, sal, now, count_queries):
    def ask(limit):
        with count_queries() as queries:
            list_events(session, actor, EventFilter(verbs=("created",)), limit=limit)
        return len(queries)

    fill(session, [ada, mara, sal], now)
    actor = actor_of(session, ada)
    assert ask(3) == ask(200) == 2
