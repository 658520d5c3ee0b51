"""Conversions by eight connections at once, beside the bare inserts of the rows that one writes."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.care.models import DuplicateCheck
from app.conversion.models import Conversion
from app.conversion.operations import convert_lead
from app.conversion.wanted import read_wanted
from app.events.models import Event
from app.identity.queries import find_actor
from app.kernel import clock, refs
from app.kernel.actor import Actor
from app.kernel.db import db, set_reading, transaction
from app.leads.models import Lead
from app.opportunities.models import Opportunity, OpportunityContact, OpportunityStage
from app.search.models import SearchEntry
from app.sharing.models import ConversionGrant, Principal
from app.sharing.scope import scope
from bench.figures import Figure, Report, median, percentile
from bench.races import Work, run_together
from bench.throughput import waiting_refs
from bench.worlds import World

_ALL = Actor.system("benchmark")
SOLD = {"name": "Bench", "amount": 1200, "currency": "EUR"}
# As many rows as a conversion of the benchmark's leads writes.
EVENTS, ENTRIES = 5, 24


def measure_conversion(report: Report, world: World, *, connections: int, each: int, rounds: int) -> None:
    """The 95th percentile of a conversion, each connection with leads of its own, beside the bare inserts."""
    app = world.app()
    worst: dict[str, list[float]] = {"operation": [], "bare": []}
    for _ in range(rounds):
        for name, make in (("operation", _by_operation), ("bare", _by_inserts)):
            found = waiting_refs(world, each * connections)
            _seconds, waits = run_together(app, connections, each, found, make(app, world))
            worst[name].append(percentile(waits, 95))
            _take_away(app, found)
    mine, floor = median(worst["operation"]), median(worst["bare"])
    report.add(
        Figure(
            f"conversion, {connections} clients : bare inserts, p95", world.engine, mine / floor, "ratio", 3,
            note=f"{mine:.0f} : {floor:.0f} ms",
        )
    )  # fmt: skip


def _by_operation(app: Flask, world: World) -> Work:
    with app.app_context():
        set_reading(True)
        actor = find_actor(db.session(), world.people["manager"].id)
        db.session.remove()
    assert actor is not None

    def work(_number: int, found: Sequence[str]) -> list[float]:
        waits = []
        for ref in found:
            began = time.perf_counter()
            with transaction() as session:
                convert_lead(session, actor, ref, read_wanted(opportunity=SOLD), now=clock.now())
            waits.append((time.perf_counter() - began) * 1000)
            db.session.remove()
        return waits

    return work


def _by_inserts(app: Flask, world: World) -> Work:
    user_id = world.people["manager"].id
    with app.app_context():
        set_reading(True)
        stage_id = db.session().scalars(select(OpportunityStage.id).limit(1)).one()
        principal_id = db.session().scalar(select(Principal.id).limit(1))
        db.session.remove()

    def work(_number: int, found: Sequence[str]) -> list[float]:
        waits = []
        for ref in found:
            began = time.perf_counter()
            with transaction() as session:
                _insert(session, ref, user_id, stage_id, principal_id, clock.now())
            waits.append((time.perf_counter() - began) * 1000)
            db.session.remove()
        return waits

    return work


def _insert(
    session: Session, ref: str, user_id: int, stage_id: int, principal_id: int | None, now: datetime
) -> None:
    """What a conversion writes and nothing else."""
    stamps = {"created_at": now, "updated_at": now, "created_by_id": user_id, "updated_by_id": user_id}

    def store(model: Any, prefix: str, **values: Any) -> int:
        every = {"ref": refs.new_ref(prefix), "version": 1, **stamps, **values}
        return int(session.scalars(insert(model).values(**every).returning(model.id)).one())

    lead_id = session.scalar(
        update(Lead)
        .where(scope(Lead, _ALL), Lead.ref == ref)
        .values(converted_at=now, is_open=False, version=Lead.version + 1)
        .returning(Lead.id)
    )
    account = store(
        Account, "acct", kind="business", name=ref, name_fold=ref, company_key=ref, owner_user_id=user_id
    )
    contact = store(
        Contact, "cont", account_id=account, last_name=ref, last_name_fold=ref, owner_user_id=user_id
    )
    sold = store(
        Opportunity, "opp", name=ref, name_fold=ref, account_id=account, stage_id=stage_id,
        owner_user_id=user_id, source_lead_id=lead_id,
    )  # fmt: skip
    session.execute(
        insert(OpportunityContact).values(
            ref=refs.new_ref("ocr"), opportunity_id=sold, contact_id=contact, role="other", created_at=now
        )
    )
    kept = session.scalars(
        insert(Conversion)
        .values(
            lead_id=lead_id, account_id=account, contact_id=contact, opportunity_id=sold, converted_at=now
        )
        .returning(Conversion.id)
    ).one()
    about = {"at": now, "record_kind": "lead", "record_id": lead_id, "record_ref": ref, "actor_id": user_id}
    about |= {"actor_name": "Bench", "door": "web", "changes": {}, "detail": {}}
    session.execute(insert(Event), [{**about, "verb": f"bench_{n}"} for n in range(EVENTS)])
    session.execute(
        insert(SearchEntry),
        [{"kind": 1, "text": f"{ref} {n}"[:64], "record_id": account} for n in range(ENTRIES)],
    )
    session.execute(
        insert(DuplicateCheck),
        [{"kind": "account", "record_id": account, "is_old": False}, {"kind": "contact", "record_id": contact, "is_old": False}],
    )  # fmt: skip
    if principal_id is not None:
        session.execute(
            insert(ConversionGrant),
            [
                {"conversion_id": kept, "object": kind, "principal_id": principal_id, "record_id": key, "level": 2}
                for kind, key in (("account", account), ("contact", contact), ("opportunity", sold))
            ],
        )  # fmt: skip


def _take_away(app: Flask, found: Sequence[str]) -> None:
    """Let the leads wait no more: each is converted once."""
    with app.app_context():
        with transaction() as session:
            session.execute(
                update(Lead)
                .where(scope(Lead, _ALL), Lead.ref.in_(found))
                .values(deleted_at=clock.now())
                .execution_options(synchronize_session=False)
            )
        db.session.remove()
