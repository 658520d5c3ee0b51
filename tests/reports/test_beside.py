"""What is counted beforehand of one country, or of owners and queues, is what is there, lead by lead."""

import random

from app.reports import funnel, reading, times
from app.reports.asked import Asked
from app.reports.counting import count_changes
from app.reports.models import ReportChange
from app.reports.reading import count_cells, count_classes
from app.reports.telling import Wanted
from app.reports.verify import differences
from app.routing.models import Queue
from tests.factories import actor_of, make_lead, make_queue, row_count, rows

CLASSES = (
    ("partner", "taken_class"), ("queue", "taken_class"), ("partner", "touched_class"), ("queue", "touched_class"),
    ("partner", "waiting_day"), ("waits_in", "waiting_day"),
)  # fmt: skip
MONTHS = ((None, None), (202602, 202602), (202602, None), (202602, 202604), (None, 202604), (202702, 202703))


def build(session, people, now):
    chance = random.Random(3)
    queues = [make_queue(session, name, members=people[:1]) for name in ("Sorting", "Late")]
    for _number in range(80):
        owner = chance.choice([None, *people])
        at = now.replace(year=2026, month=chance.randrange(1, 6), day=7)
        seconds = {"taken_after": chance.randrange(0, 90_000)} if owner and chance.random() < 0.7 else {}
        if seconds and chance.random() < 0.6:
            seconds["touched_after"] = chance.randrange(0, 900_000)
        queue = chance.choice(queues)
        yield make_lead(
            session,
            **({"owner": owner, "last_queue_id": queue.id} if owner else {"queue": queue}),
            country=chance.choice(["ES", "ES", "FR", "PT", None]),
            product_interest=chance.choice(["Firewall", "Switch", None]),
            arrived_at=at,
            waiting_since=at,
            **seconds,
        )


def told_classes(session, actor, asked, a, b):
    """How many leads there are of each value of a, and of each class of b among them."""
    classes = count_classes(session, actor, asked, Wanted(a, b, b))
    return {
        key: (each.count, {class_: n for class_, n in each.unpacked().items() if n})
        for key, each in classes.items()
    }


def told(session, actor):
    """What is counted of some countries, in some months, without what is empty."""
    found = {}
    for first, last in MONTHS:
        for countries in (["ES"], ["es", "FR"]):
            asked = Asked("UTC", first, last, {"country": countries})
            cells = count_cells(session, actor, asked, Wanted("owner"))
            found[first, last, *countries] = {key: each for key, each in cells.items() if any(each)}
            for what in CLASSES:
                found[first, last, *countries, *what] = told_classes(session, actor, asked, *what)
    return found


def test_what_is_counted_of_a_country_is_what_is_there(session, app, mara, pia, otto, now, monkeypatch):
    leads = list(build(session, [pia, otto, mara], now))
    while count_changes(session):
        pass
    actor = actor_of(session, mara)

    def compare():
        with app.test_request_context(), monkeypatch.context() as patch:
            patch.setattr(reading, "read_facts", None)  # all of it is counted beforehand
            kept = told(session, actor)
            patch.setattr(reading, "sees_all", lambda _actor: False)
            assert kept == told(session, actor)
        return kept

    before = compare()
    assert sum(map(bool, before.values())) > len(before) / 2
    for number, lead in enumerate(leads[:20]):
        match number % 4:
            case 0:
                lead.country = "FR"
            case 1:
                lead.deleted_at = now
            case 2:
                lead.arrived_at = now.replace(year=2026, month=6, day=1)
            case _:
                lead.taken_after = 7
    session.flush()
    assert row_count(session, ReportChange) > 0
    noted = compare()
    assert noted != before
    while count_changes(session):
        pass
    assert compare() == noted
    assert list(differences(session)) == []


def told_of_owners(session, actor, queues, people):
    """What is counted of some owners and queues, told apart in every way, without what is empty."""
    late, sorting = (queue.ref for queue in queues)
    found = {}
    for given, (first, last) in (
        ({"owner": ["me", people[0].ref]}, MONTHS[0]),
        ({"owner": [late, people[1].ref]}, MONTHS[3]),
        ({"queue": [sorting]}, MONTHS[0]),
        ({"queue": [late, sorting], "owner": [late, people[0].ref], "country": ["ES"]}, MONTHS[2]),
        ({"owner": ["user_nobody"]}, MONTHS[0]),
    ):
        asked = Asked("UTC", first, last, given)
        for by in ("", "month", "partner", "owner", "queue", "country", "campaign", "product", "band"):
            cells = count_cells(session, actor, asked, Wanted(by))
            found[str(given), by] = {key: each for key, each in cells.items() if any(each)}
        for what in CLASSES:
            found[str(given), *what] = told_classes(session, actor, asked, *what)
    return found


def test_what_is_counted_of_owners_and_queues_is_what_is_there(
    session, app, mara, pia, otto, now, monkeypatch
):
    leads = list(build(session, [pia, otto, mara], now))
    queues = sorted(rows(session, Queue, Queue.name.in_(["Sorting", "Late"])), key=lambda queue: queue.name)
    while count_changes(session):
        pass
    actor = actor_of(session, mara)

    def compare():
        with app.test_request_context(), monkeypatch.context() as patch:
            with monkeypatch.context() as counted:
                counted.setattr(reading, "_live", None)  # none of it is counted lead by lead
                kept = told_of_owners(session, actor, queues, [pia, otto])
            patch.setattr(reading, "sees_all", lambda _actor: False)
            assert kept == told_of_owners(session, actor, queues, [pia, otto])
        return kept

    before = compare()
    assert sum(map(bool, before.values())) > len(before) / 2
    waiting = [lead for lead in leads if lead.owner_queue_id == queues[0].id]
    for lead in waiting[:5]:
        lead.owner_queue_id = queues[1].id
    for lead in waiting[5:8]:
        lead.owner_queue_id, lead.owner_user_id = None, otto.id
        lead.partner_account_id = otto.partner_account_id
    session.flush()
    noted = compare()
    assert noted != before
    while count_changes(session):
        pass
    assert compare() == noted
    assert list(differences(session)) == []


def test_rows_are_the_same_read_of_those_that_are_shown(session, app, mara, pia, otto, now, monkeypatch):
    leads = list(build(session, [pia, otto, mara], now))
    while count_changes(session):
        pass
    leads[0].taken_after = None if leads[0].taken_after else 7
    leads[1].deleted_at = now
    session.flush()
    actor = actor_of(session, mara)

    def times_of(asked):
        return [
            (each.label, *((row.count, row.median, row.p90) if row else () for row in (each.taken, each.touched)))
            for each in times.read_responses(session, actor, asked, "partner")
        ]  # fmt: skip

    def funnel_of(asked, by):
        found = funnel.read_funnel(session, actor, asked, by)
        return [(row.label, dict(row.counts)) for row in (*found.rows, found.total)]

    def told_of(months):
        asked = Asked("UTC", *months)
        with app.test_request_context():
            return [times_of(asked), funnel_of(asked, "partner"), funnel_of(asked, "owner")]

    for months in MONTHS:
        apart = told_of(months)
        with monkeypatch.context() as patch:
            for room in (times, funnel):
                patch.setattr(room, "are_shown_first", lambda *_given: False)
            assert apart == told_of(months)
        assert (all(apart) and apart[0] and len(apart[2]) > 1) or months == MONTHS[-1]
