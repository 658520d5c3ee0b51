"""Running an import: in batches, by one process at a time, gone on with whatever happened."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.events.models import Event
from app.identity.models import User, UserState
from app.intake import leases, takers
from app.intake.leases import LEASE, lease_next, lease_one
from app.intake.models import Import, ImportIssue, ImportState
from app.intake.operations import cancel_import
from app.intake.run import Run, run_one, run_waiting
from app.intake.takers import LeadTaker
from app.intake.uploads import path_of
from app.kernel import clock
from app.kernel.db import db, set_reading, transaction
from app.kernel.errors import Conflict
from app.leads.models import Assignment, Lead, Offer
from app.notifications.models import Delivery, DeliveryState, Notification, NotificationKind
from app.partners.models import PartnerAccount
from app.routing.models import Turn
from tests.factories import actor_of, make_queue, make_round_robin, make_user, open_portal, row_count, rows
from tests.intake.importing import activate_rules, submit, take
from tests.races import together

BATCH_ROWS = LeadTaker.batch_rows
ROWS = BATCH_ROWS * 2 + 7


def people(count: int, first: int = 0) -> str:
    return "External id,Last name\n" + "".join(f"x{i},Name {i}\n" for i in range(first, first + count))


def fresh(session: Session, import_id: int) -> Import:
    session.rollback()
    return session.get_one(Import, import_id, populate_existing=True)


def a_run(import_id: int) -> Run:
    with transaction() as session:
        lease = lease_one(session, import_id, now=clock.now())
    assert lease is not None
    return Run(import_id, lease)


def test_each_batch_is_committed_with_its_count(app: Flask, session: Session) -> None:
    import_id = submit(session, people(ROWS)).id
    one = a_run(import_id)
    for batch in (1, 2):
        assert one.step() is True
        there = fresh(session, import_id)
        assert (there.state, there.rows, there.done) == (ImportState.RUNNING, ROWS, batch * BATCH_ROWS)
        assert row_count(session, Lead) == row_count(session, Assignment) == batch * BATCH_ROWS
        session.rollback()
    assert one.step() is False
    there = fresh(session, import_id)
    assert (there.state, there.done, there.created, there.lease) == (ImportState.DONE, ROWS, ROWS, None)
    assert not path_of(there).exists()
    assert rows(session, Event)[-1].verb == "imported"


def test_a_file_of_exactly_whole_batches_ends_too(app: Flask, session: Session) -> None:
    done = take(session, people(BATCH_ROWS))
    assert (done.state, done.rows, done.created) == (ImportState.DONE, BATCH_ROWS, BATCH_ROWS)


def test_a_run_that_was_stopped_is_gone_on_with_and_doubles_nothing(app: Flask, session: Session) -> None:
    import_id = submit(session, people(ROWS)).id
    a_run(import_id).step()
    with transaction() as s:
        assert lease_next(s, now=clock.now()) is None  # its lease is still good, and this process lives
    with transaction() as s:
        leased = lease_next(s, now=clock.now() + LEASE)
    assert leased is not None
    other = Run(*leased)
    while other.step():
        pass
    assert fresh(session, import_id).created == row_count(session, Lead) == ROWS


def test_the_first_writes_nothing_more_once_another_has_taken_over(app: Flask, session: Session) -> None:
    import_id = submit(session, people(ROWS)).id
    first = a_run(import_id)
    first.step()
    with transaction() as s:
        leased = lease_next(s, now=clock.now() + LEASE)
    assert leased is not None
    second = Run(*leased)
    assert second.step() is True
    assert first.step() is False
    assert fresh(session, import_id).done == row_count(session, Lead) == 2 * BATCH_ROWS
    session.rollback()
    assert second.step() is False
    assert fresh(session, import_id).state is ImportState.DONE


@pytest.mark.race
def test_of_many_workers_one_gets_each_import(app: Flask, session: Session) -> None:
    ids = [submit(session, people(20, first=100 * n)).id for n in range(2)]

    def lease() -> Any:
        with transaction() as s:
            return lease_next(s, now=clock.now())

    answers = [answer for answer in together(app, [lease] * 8) if answer is not None]
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert sorted(import_id for import_id, _ in answers) == ids


@pytest.mark.race
def test_two_workers_at_once_take_a_file_in_once(app: Flask, session: Session) -> None:
    import_id = submit(session, people(ROWS)).id
    answers = together(app, [lambda: run_one(import_id)] * 4)
    assert sorted(map(str, answers)) == ["False", "False", "False", "True"]
    assert row_count(session, Lead) == fresh(session, import_id).created == ROWS


@pytest.mark.race
def test_two_files_with_the_same_external_ids_at_once_make_each_lead_once(
    app: Flask, session: Session
) -> None:
    one = submit(session, people(300)).id
    two = submit(session, people(300).replace("Name", "Noun")).id
    assert together(app, [lambda: run_one(one), lambda: run_one(two)]) == [True, True]
    assert row_count(session, Lead) == 300
    first, second = fresh(session, one), session.get_one(Import, two, populate_existing=True)
    assert first.created + second.created == 300
    assert first.accepted == second.accepted == 300


def test_the_worker_goes_on_with_the_same_import_between_its_other_work(app: Flask, session: Session) -> None:
    import_id = submit(session, people(ROWS)).id
    calls = 0
    while run_waiting(clock.now(), seconds=0):
        calls += 1
    assert calls == 3
    assert fresh(session, import_id).state is ImportState.DONE


def test_a_worker_that_is_to_stop_lets_another_go_on_at_once(app: Flask, session: Session) -> None:
    import_id = submit(session, people(ROWS)).id
    assert run_waiting(clock.now(), should_stop=lambda: True) is True
    assert fresh(session, import_id).done == BATCH_ROWS
    session.rollback()
    assert run_one(import_id) is True
    assert row_count(session, Lead) == ROWS


def test_cancelling_stops_it_after_whole_batches(app: Flask, session: Session, mara: User) -> None:
    import_ = submit(session, people(ROWS), by=mara)
    one = a_run(import_.id)
    one.step()
    with transaction() as s:
        cancel_import(s, actor_of(s, mara), import_.ref, now=clock.now())
    assert one.step() is False
    there = fresh(session, import_.id)
    assert (there.state, there.done) == (ImportState.CANCELLED, BATCH_ROWS)
    assert row_count(session, Lead) == BATCH_ROWS
    with pytest.raises(Conflict), transaction() as s:
        cancel_import(s, actor_of(s, mara), take(session, people(1, 9000), by=mara).ref, now=clock.now())


def test_a_file_that_was_cancelled_half_way_goes_on_when_it_is_given_again(
    app: Flask, session: Session, mara: User
) -> None:
    import_ = submit(session, people(ROWS), by=mara)
    a_run(import_.id).step()
    with transaction() as s:
        cancel_import(s, actor_of(s, mara), import_.ref, now=clock.now())
    done = take(session, people(ROWS), by=mara)
    assert done.id == import_.id
    assert (done.state, done.created, row_count(session, Lead)) == (ImportState.DONE, ROWS, ROWS)


def test_the_same_file_again_creates_nothing_unless_it_is_wanted(app: Flask, session: Session) -> None:
    plain = "Last name\nPuig\nRoca\n,\n"
    first = take(session, plain)
    second = take(session, plain)
    assert second.id != first.id
    assert (second.state, second.created, second.unchanged, second.done) == (ImportState.DONE, 0, 2, 2)
    assert second.detail is not None
    assert row_count(session, Lead) == 2
    assert take(session, plain, again=True).created == 2
    assert row_count(session, Lead) == 4


def test_whoever_may_not_import_any_more_ends_their_import(app: Flask, session: Session, mara: User) -> None:
    import_id = submit(session, people(ROWS), by=mara).id
    one = a_run(import_id)
    one.step()
    mara = session.get_one(User, mara.id, populate_existing=True)
    mara.state = UserState.DEACTIVATED
    session.commit()
    assert one.step() is False
    there = fresh(session, import_id)
    assert (there.state, there.done) == (ImportState.FAILED, BATCH_ROWS)
    assert there.detail
    assert row_count(session, Lead) == BATCH_ROWS


def test_a_row_that_the_database_refuses_does_not_take_the_others_with_it(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = takers.take_rows

    def poisoned(s: Session, batch: Any, read: Any) -> Any:
        if any(getattr(row, "values", {}).get("last_name") == "Name 13" for row in read):
            raise IntegrityError("poison", None, Exception())
        return real(s, batch, read)

    monkeypatch.setattr(takers, "take_rows", poisoned)
    done = take(session, people(20))
    assert (done.state, done.created, done.refused, done.done) == (ImportState.DONE, 19, 1, 20)
    assert rows(session, ImportIssue)[0].line == 15


def test_a_bug_ends_the_import_and_leaves_the_others_to_be_done(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = takers.take_rows

    def broken(s: Session, batch: Any, read: Any) -> Any:
        if batch.import_id == first:
            raise KeyError("bug")
        return real(s, batch, read)

    monkeypatch.setattr(takers, "take_rows", broken)
    first = submit(session, people(5)).id
    second = submit(session, people(5, first=50)).id
    while run_waiting(clock.now()):
        pass
    assert fresh(session, first).state is ImportState.FAILED
    assert session.get_one(Import, second).state is ImportState.DONE
    assert row_count(session, Lead) == 5


def test_a_file_that_has_vanished_fails_in_words(app: Flask, session: Session) -> None:
    import_ = submit(session, people(5))
    path_of(import_).unlink()
    run_one(import_.id)
    there = fresh(session, import_.id)
    assert (there.state, there.done) == (ImportState.FAILED, 0)
    assert there.detail


def test_a_lease_of_a_process_that_is_gone_is_free_at_once(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = submit(session, people(5)).id
    a_run(import_id)
    monkeypatch.setattr(leases, "holder_is_gone", lambda lease: True)
    with transaction() as s:
        assert lease_next(s, now=clock.now()) is not None
    monkeypatch.undo()
    set_reading(False)
    assert session.get_one(Import, import_id).leased_until > clock.now() + timedelta(seconds=30)  # type: ignore[operator]


def test_rows_go_where_the_rules_say_with_turns_offers_and_mail(
    app: Flask,
    session: Session,
    mara: User,
    northwind: PartnerAccount,
    southwind: PartnerAccount,
    pia: User,
    otto: User,
) -> None:
    open_portal(session)
    key = make_queue(session, "Key accounts", members=(mara,))
    group = make_round_robin(session, members=(pia, otto))
    activate_rules(
        session,
        {"criteria": {"field": "employees", "op": "gte", "value": 1000}, "target_queue_id": key.id},
        {"criteria": {"field": "country", "op": "equals", "value": "ES"}, "target_round_robin_id": group.id},
    )
    file = (
        "Last name,Country,Employees\n"
        + "".join(f"N{i},Spain,{i}\n" for i in range(41))
        + "Big,ES,2000\nFar,FR,\n"
    )
    take(session, file, by=mara)
    held = {owner: row_count(session, Lead, Lead.owner_user_id == owner) for owner in (pia.id, otto.id)}
    assert sorted(held.values()) == [20, 21]
    assert row_count(session, Lead, Lead.owner_queue_id == key.id) == 1
    assert row_count(session, Lead, Lead.last_cause == "default_queue") == 1
    assert row_count(session, Turn, Turn.kind == "turn") == row_count(session, Offer) == 41
    told = rows(session, Notification)  # one for each of the two, whatever the number
    assert sorted(n.user_id for n in told) == sorted((pia.id, otto.id))
    assert {n.kind for n in told} == {NotificationKind.LEADS_ASSIGNED}
    assert row_count(session, Delivery, Delivery.state == DeliveryState.DUE) == 2
    offered = rows(session, Lead, Lead.owner_user_id == pia.id)[0]
    assert offered.partner_account_id == northwind.account_id
    assert offered.owner_rank == 0
    offer = session.get_one(Offer, offered.offer_id)
    assert (offer.lead_id, offer.user_id, offer.expires_at) == (offered.id, pia.id, offered.offer_expires_at)
    (assignment,) = rows(session, Assignment, Assignment.lead_id == offered.id)
    assert assignment.turn_id is not None
    assert assignment.trace
    assert assignment.to_company_id == northwind.account_id


def test_capacity_is_kept_over_all_batches(
    app: Flask, session: Session, northwind: PartnerAccount, pia: User
) -> None:
    open_portal(session)
    pia.capacity = BATCH_ROWS + 3
    activate_rules(session, {"target_user_id": pia.id})
    take(session, people(ROWS))
    assert row_count(session, Lead, Lead.owner_user_id == pia.id) == BATCH_ROWS + 3
    assert row_count(session, Lead) == ROWS


def test_the_number_of_statements_does_not_grow_with_the_rows(
    app: Flask, session: Session, count_queries: Any, mara: User
) -> None:
    make_user(session)
    counts = []
    for first, count in ((0, 10), (1000, 400)):
        import_id = submit(session, people(count, first), by=mara).id
        with count_queries() as queries:
            run_one(import_id)
        counts.append(len(queries))
        db.session.rollback()
    assert counts[0] == counts[1] <= 40, queries
