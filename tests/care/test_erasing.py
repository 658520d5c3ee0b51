"""Erasing one person: afterwards no table and no file holds who they were, and what counts still counts."""

import io
import json

import pytest
from sqlalchemy import LargeBinary, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.accounts.models import Account, Contact
from app.activities.operations import log_activity
from app.care.erasable import needles_of, without
from app.care.erasing import erase_person, plan_erasure
from app.care.models import DuplicatePair, Erasure, ErasureGate
from app.care.people_found import Asked, find_person
from app.conversion.operations import convert_lead
from app.conversion.wanted import Wanted
from app.documents.collecting import GRACE, collect
from app.documents.operations import attach_document
from app.documents.uploads import receive_file
from app.events.models import Event
from app.identity.models import ApiToken, IdempotencyKey
from app.identity.queries import digest
from app.intake.models import Import, ImportIssue, ImportState
from app.kernel import clock, refs
from app.kernel.actor import Permission
from app.kernel.db import Base, transaction
from app.leads.models import Assignment, Lead
from app.leads.operations import edit_lead
from app.lists.models import ListJob
from app.notifications.models import NotificationKind
from app.notifications.operations import notify
from app.routing.verify import verify_routing
from app.search.finding import find_ids
from app.settings import current_settings
from tests.documents.conftest import stored  # noqa: F401 - a fixture, asked for by name
from tests.factories import (
    PASSWORD,
    actor_of,
    make_account,
    make_contact,
    make_lead,
    make_queue,
    row_count,
    rows,
)
from tests.lists.test_exports import take_out
from tests.routing.routing_worlds import activate, arrive, target

FIRST, LAST, MAIL, PHONE = "Zorbína", "Quixley", "zq.sentinel@quix.example", "+34 699 123 987"
NAME = f"{FIRST} {LAST}"
SENTINELS = ("zorb", "quixley", "zq.sentinel", "quix.example", "699 123 987", "699123987")
WHO = {"first_name": FIRST, "last_name": LAST, "email": MAIL, "phone": PHONE}


def hold_everywhere(session, signed_in, ada, sal, mara):
    """Write the person into all that keeps texts, mostly by what people do."""
    actor, now = actor_of(session, sal), clock.now()
    account = make_account(session, "Forges", owner=mara)
    queue = make_queue(session, "Them", members=(sal,))
    activate(
        session, actor_of(session, ada), {"criteria": {"field": "email", "op": "equals", "value": MAIL}, "target": target(queue)},
        {"criteria": {"field": "last_name", "op": "equals", "value": "Other"}, "target": target(queue)}, now=now,
    )  # fmt: skip
    lead, _assignment = arrive(session, actor_of(session, ada), now=now, **WHO)
    for name in ("Found by rules", "x"):
        edit_lead(
            session, actor_of(session, ada), lead.ref, {"description": f"{name}: {NAME}, {PHONE}"}, now=now
        )
    log_activity(
        session, actor_of(session, ada), lead, kind="call", subject=f"Rang {FIRST}", text=LAST, now=now
    )
    other = make_lead(session, owner=sal, last_name="Roca", company="Roca SA")
    edit_lead(session, actor, other.ref, {"description": f"Knows {NAME.upper()} ({MAIL})"}, now=now)
    log_activity(session, actor, account, kind="note", text=f"Ask {LAST}, {FIRST} at {PHONE}", now=now)
    one = make_lead(session, owner=sal, company="Quux", **WHO)
    convert_lead(session, actor, one.ref, Wanted(opportunity={"name": f"Bikes for {NAME}"}), now=now)
    kept = make_contact(session, LAST, first_name=FIRST, account=account, owner=mara, email=MAIL)
    make_contact(session, LAST, first_name=FIRST, owner=mara, merged_into_id=kept.id, deleted_at=now)
    session.commit()
    received = receive_file(actor, io.BytesIO(f"About {NAME}".encode()), f"CV {NAME}.txt", now=now)
    with transaction() as writing:
        attach_document(writing, actor_of(writing, ada), lead, received, description=NAME, now=now)
    _hold_aside(session, ada, sal, lead, now)
    take_out(signed_in(sal), "contact")
    folder = current_settings().data / "mail"
    folder.mkdir(exist_ok=True)
    (folder / "one.eml").write_text(f"Subject: x\nContent-Type: text/plain\n\n{NAME}")
    (folder / "two.eml").write_text("Subject: x\n\nNothing of them")
    return lead, other


def _hold_aside(session, ada, sal, lead, now):
    """What would need a server, a worker or a program to come about."""
    token = ApiToken(
        ref=refs.new_ref(refs.TOKEN),
        user_id=sal.id,
        label="t",
        prefix="p",
        token_hash=digest("x"),
        created_at=now,
    )
    imported = Import(
        ref=refs.new_ref(refs.IMPORT), object="lead", state=ImportState.DONE, filename="f.csv", path="imports/f.csv",
        digest="0", size_bytes=1, created_by_id=ada.id, created_at=now, rows=1,
        options={"samples": {"First": [FIRST], "Last": [LAST], "Mail": [MAIL]}},
    )  # fmt: skip
    session.add_all([token, imported])
    session.flush()
    (current_settings().data / "imports").mkdir(exist_ok=True)
    (current_settings().data / "imports" / "f.csv").write_text(f"Name\n{NAME}\n")
    session.add_all(
        [
            ImportIssue(import_id=imported.id, kind="refused", line=2, reason="x", cells={"Name": NAME, "Note": "secret"}),
            IdempotencyKey(
                token_id=token.id, key="k", body_hash=b"x", created_at=now, status=201, content_type="application/json",
                body=json.dumps({"email": MAIL}).encode(),
            ),
            DuplicatePair(
                ref=refs.new_ref(refs.MEMBER), kind="contact", one_id=1, other_id=2, reasons=[f"like {NAME}"], found_at=now
            ),
        ]
    )  # fmt: skip
    notify(
        session, act="x:1", user=sal, kind=NotificationKind.ROUTING_ALERT, now=now, record=lead, detail={"reason": f"For {MAIL}"}
    )  # fmt: skip
    session.commit()


def everything_held(session, folders):
    """Every text of every table, and every file, in small letters."""
    session.rollback()
    found = {}
    for table in Base.metadata.sorted_tables:
        for row in session.connection().execute(table.select()).mappings():
            for column in table.columns:
                value = row[column.name]
                if isinstance(column.type, LargeBinary) and value is not None:
                    value = bytes(value).decode("latin-1")
                found.setdefault(f"{table.name}.{column.name}", []).append(
                    json.dumps(value, ensure_ascii=False, default=str).lower()
                )
    held = {name: "\n".join(values) for name, values in found.items()}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix not in (".db", ".db-wal", ".db-shm"):
                held[f"file {path.name}"] = path.read_bytes().decode("utf-8", errors="replace").lower()
    return held


def places(held):
    return {name for name, value in held.items() if any(word in value for word in SENTINELS)}


def test_nothing_of_the_person_is_left_and_what_counts_stays(signed_in, session, ada, sal, mara, stored):  # noqa: F811
    lead, other = hold_everywhere(session, signed_in, ada, sal, mara)
    folders = (current_settings().data, stored.folder)
    before = places(everything_held(session, folders))
    assert len(before) > 30, before
    counts = {model: row_count(session, model) for model in (Assignment, Lead)}
    verbs = [event.verb for event in rows(session, Event)]
    status, owner = lead.status_id, lead.owner_queue_id
    session.commit()

    browser = signed_in(ada)
    offered = browser.get(f"/leads/{lead.ref}").get_data(as_text=True)
    assert "This person's data" in offered
    assert "This person's data" not in signed_in(mara).get(f"/leads/{lead.ref}").get_data(as_text=True)
    assert '"duplicates"' not in browser.submit(
        "/care/person/file", {"email": MAIL}, page="/care/person"
    ).get_data(as_text=True), "other people's records are nothing to this person"
    looked = browser.submit("/care/erase/look", {"email": MAIL.upper()}, page="/care/erase")
    page = looked.get_data(as_text=True)
    assert "What would be erased" in page
    chosen = [held.record.ref for held in find_person(session, actor_of(session, ada), Asked(MAIL))]
    assert len(chosen) == 5, "two leads, what one became, the contact and the one that was merged into it"
    session.commit()
    form = {
        "email": MAIL,
        "chosen": "1",
        "record": chosen,
        "reason": "They asked us to",
        "current_password": PASSWORD,
    }
    for wrong in ({"current_password": "x"}, {"reason": f"{LAST} asked"}):
        refused = browser.submit("/care/erase", {**form, **wrong}, page="/care/erase")
        assert refused.status_code == 422, wrong
    empty = browser.submit(
        "/care/erase", {"email": MAIL, "chosen": "1", "record": chosen}, page="/care/erase"
    )
    assert "Say why. It stays on record." in empty.get_data(as_text=True)
    assert "Your password: " in empty.get_data(as_text=True), "on top, not only beside a field far below"
    assert row_count(session, Erasure) == 0
    done = browser.submit("/care/erase", form, page="/care/erase")
    assert done.status_code == 303, done.get_data(as_text=True)
    session.expire_all()
    session.commit()
    now = clock.now()
    assert collect(now=now) >= 1
    collect(now=now + GRACE + GRACE)
    left = everything_held(session, folders)
    assert places(left) == set(), {name: left[name][:300] for name in places(left)}

    assert {model: row_count(session, model) for model in counts} == counts
    assert [event.verb for event in rows(session, Event)][: len(verbs)] == verbs
    assert (lead.status_id, lead.owner_queue_id, lead.last_name, lead.opted_out_email) == (
        status,
        owner,
        "[erased]",
        True,
    )
    assert other.description == "Knows [erased] ([erased])"
    assert other.last_name == "Roca"
    assert verify_routing(session).differences == []
    [erasure] = rows(session, Erasure)
    assert (erasure.reason, erasure.by_id, set(erasure.records)) == ("They asked us to", ada.id, set(chosen))
    assert row_count(session, ErasureGate) == 0
    told = browser.get(f"/leads/{lead.ref}").get_data(as_text=True)
    assert "erased the person&#39;s data: They asked us to" in told
    assert "They asked us to" in browser.get("/care/erase").get_data(as_text=True)
    assert (current_settings().data / "mail" / "two.eml").exists()
    assert row_count(session, ListJob, ListJob.path != "") == 0


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Met Ana Li, called ANA LI.", "Met [erased], called [erased]."),
        ("Diana Li; Ana Lima; Li, Ana", "Diana Li; Ana Lima; [erased]"),
        ("diana@x.example, jo-ana@x.example, ana@x.example.com", "diana@x.example, jo-ana@x.example, ana@x.example.com"),
        ("<ana@x.example>; ana@x.example.", "<[erased]>; [erased]."),
        ("+34600111222 0034600111222 6001112223", "+34[erased] 0034[erased] 6001112223"),
        ("at 10:00:00.000000", "at 10:00:00.000000"),
        ("山田太郎さん", "[erased]さん"),
    ],
)  # fmt: skip
def test_what_is_part_of_a_longer_name_address_or_number_is_somebody_elses(text, left):
    people = (
        Contact(first_name="Ana", last_name="Li", email="ana@x.example", phone="600111222", mobile="0000"),
        Account(name="Lima"),
        Account(name="山田太郎 x"),
    )
    needles = needles_of(zip(("contact", "account", "account"), people, strict=True), ["山田太郎"])
    assert without(text, needles.pattern) == left


def test_whoever_has_a_longer_name_is_left_alone(session, ada, mara):
    actor, now = actor_of(session, ada), clock.now()
    make_contact(session, "Li", first_name="Ana", owner=mara, email="ana@x.example", phone="0000")
    other = make_contact(session, "Lima", first_name="Diana", owner=mara, email="diana@x.example")
    for name in ("Ana Li", "ana@x.example"):
        make_queue(session, name)
    session.commit()
    chosen = find_person(session, actor, Asked("ana@x.example"))
    assert plan_erasure(session, actor, chosen).counts["contact"] == 1
    erase_person(session, actor, chosen, reason="They asked us to", now=now)
    session.commit()
    assert (other.email, other.full_name, other.version) == ("diana@x.example", "Diana Lima", 1)
    assert find_ids(session, actor, Contact, "diana@x.example", limit=5) == [other.id]
    assert find_ids(session, actor, Contact, "lima", limit=5) == [other.id]
    assert find_ids(session, actor, Contact, "ana li", limit=5) == []


def test_no_lead_says_any_more_that_it_is_like_who_was_erased(session, ada, mara):
    actor, now = actor_of(session, ada), clock.now()
    gone = make_contact(session, "Puig", first_name="Anna", owner=mara, email="anna@x.example")
    stays = make_contact(session, "Roca", owner=mara, email="roca@x.example")
    ids = ("contact", gone.id), ("contact", stays.id), ("account", gone.id), ("contact", gone.id * 10)
    entries = [{"type": kind, "id": key, "reasons": ["email"]} for kind, key in ids]
    alike = make_lead(session, owner=mara, last_name="Soler", duplicates=entries)
    session.commit()
    chosen = find_person(session, actor, Asked("anna@x.example"))
    erase_person(session, actor, chosen, reason="They asked us to", now=now)
    session.commit()
    assert (alike.duplicates, alike.version) == (entries[1:], 1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET actor_name = '[erased]'",
        "UPDATE event SET at = at, verb = 'other'",
        "DELETE FROM event",
        """UPDATE event SET changes = '{"site": ["Vic", "Ripoll"], "employees": [1, 2]}'""",
        """UPDATE event SET changes = '{"site": ["[erased]"], "employees": [1, 2]}'""",
        """UPDATE event SET changes = '{"site": ["[erased]", "x"], "employees": ["[erased]", 2]}'""",
        """UPDATE event SET detail = '{"more": "[erased]"}'""",
    ],
)
def test_even_within_an_erasure_the_guard_lets_nothing_else_pass(session, ada, statement):
    event = Event(
        at=clock.now(), verb="edited", record_kind="user", record_id=ada.id, record_ref=ada.ref, actor_name="Ada",
        door="web", changes={"site": ["Vic", "Olot"], "employees": [1, 2]}, detail={},
    )  # fmt: skip
    session.add(event)
    session.flush()
    open_gate(session, ada)
    with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
        session.execute(text(statement))
    marked = """UPDATE event SET changes = '{"site": ["[erased]", "Olot"], "employees": [1, 2]}'"""
    assert session.execute(text(marked)).rowcount == 1
    with pytest.raises(IntegrityError):
        session.commit()
    session.rollback()


def open_gate(session, ada):
    erasure = Erasure(at=clock.now(), by_id=ada.id, reason="x", records=[], counts={})
    session.add(erasure)
    session.flush()
    session.add(ErasureGate(erasure_id=erasure.id, closed_id=-1))
    session.flush()
    return erasure


def test_who_was_erased_stays_on_record(session, ada):
    erasure = open_gate(session, ada)
    for statement in ("UPDATE erasure SET reason = 'y'", "DELETE FROM erasure"):
        with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
            session.execute(text(statement))
    assert erasure.reason == "x"


def test_who_is_found_by_name_alone_is_not_taken_for_sure(signed_in, session, ada, mara, pia):
    make_contact(session, "Puig", first_name="Anna", owner=mara)
    make_lead(session, owner=mara, last_name="Puig", first_name="Anna", phone="+34 600 111 222")
    session.commit()
    actor = actor_of(session, ada)
    assert [held.is_sure for held in find_person(session, actor, Asked(name="puig ANNA"))] == [False, False]
    both = find_person(session, actor, Asked(phone="+34600111222", name="Anna Puig"))
    assert [(held.table, held.is_sure) for held in both] == [("lead", True), ("contact", False)]
    assert not actor_of(session, mara).can(Permission.PERSON_MANAGE)
    pia.email = "pia.puig@x.example"
    made = make_contact(session, "Riera", owner=mara, email=pia.email)
    pia.email_key = pia.email
    session.commit()
    form = {
        "email": pia.email,
        "chosen": "1",
        "record": made.ref,
        "reason": "x",
        "current_password": PASSWORD,
    }
    assert signed_in(ada).submit("/care/erase", form, page="/care/erase").status_code == 409
    assert signed_in(ada).submit("/care/erase/look", {"name": "x"}, page="/care/erase").status_code == 422
