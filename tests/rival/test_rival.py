"""Nothing that a rival is answered tells of what is not theirs: not a word, not a count, not an order, not a difference.

The rival asks for everything before and after others' records are there.  The answers must be the same,
and hold no mark that stands in those records.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.db import Base, reading
from app.notifications.delivery import Sender
from app.notifications.models import Delivery, DeliveryState
from app.notifications.transports import FolderTransport
from app.sharing import building, grant_sets
from tests.notifications.mailing import mails_in, run_sender
from tests.rival.asking import Answer, Ask, Marks, Walker
from tests.rival.rounds import Round, difference, forms_of
from tests.rival.strangers import add_strangers
from tests.rival.veiled import add_veiled
from tests.rival.worlds import DIGITS, INNER, PEERS, STEM, STRANGER, World, build_base, is_content

WORDS = (STEM, STEM[:4])
# Whose leads somebody at Southwind does not see.
ABOVE = {"otto": ("ona", "omar", "olga"), "omar": ("olga",), "olga": ()}
# Of a kind of which much is hidden, these say all: in each of the places that a lead can be in.
SAMPLES = ("moved on", "declined", "deleted", "once shared", "of pia", "in theirs", "offered to them", "like")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands still, so that answers do not differ by it; rules are in force when they are built."""
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    monkeypatch.setattr("app.api.lead_json.now", lambda: now, raising=False)
    monkeypatch.setattr(building, "GRACE", building.GRACE * 0)
    monkeypatch.setattr(grant_sets, "KNOWN_FOR", -1.0)


@pytest.fixture(autouse=True)
def _bugs_are_answers(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in one route is told with the rest instead of ending the round."""
    monkeypatch.setitem(app.config, "PROPAGATE_BUGS", False)


@pytest.fixture
def world(session: Session) -> World:
    """The rival's world, and the names of all that will be laid over it."""
    foretold = build_base(session)
    add_strangers(session, foretold)
    add_veiled(session, foretold)
    session.rollback()
    session.expunge_all()
    world = build_base(session)
    session.commit()
    world.foretold = foretold
    return world


@pytest.fixture
def written() -> Iterator[list[str]]:
    """The lines of the log, as they are written."""
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    root, handler = logging.getLogger(), Kept()
    level, others = root.level, root.handlers[:]
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    yield lines
    root.handlers[:] = others
    root.setLevel(level)


def of_southwind(app: Flask, world: World, name: str, *, is_brief: bool) -> Round:
    """A round of somebody at Southwind."""
    foretold = world.foretold
    hidden: dict[str, Sequence[str]] = {
        kind: [*foretold.veiled.get(kind, ()), *foretold.stranger.get(kind, ()), *world.portas.get(kind, ())]
        for kind in {*foretold.veiled, *foretold.stranger}
    }
    names = frozenset(ref for refs in hidden.values() for ref in refs)
    samples = SAMPLES[: 2 if is_brief else None]
    hidden = _first(hidden, 1 if is_brief else 2)
    leads = [foretold.leads[sample] for sample in samples] + [world.leads[peer] for peer in ABOVE[name]]
    hidden["lead"] = [lead.ref for lead in leads]
    hidden["email"] = [foretold.people["pia"].email]
    marks = Marks((STEM, STRANGER, INNER, DIGITS, *(f"{PEERS}{peer}" for peer in ABOVE[name])), names)
    walker = Walker(app, world.people[name])
    return Round(walker, hidden, world.southwinds, marks, WORDS, is_brief)


@pytest.mark.databases("sqlite")
def test_a_rival_learns_nothing(
    app: Flask, session: Session, world: World, written: list[str], tmp_path: Path
) -> None:
    people = {"olga": False, "omar": True, "otto": True}
    _learn_nothing(people, app, session, world, written, tmp_path)


@pytest.mark.long
@pytest.mark.databases("postgresql")
def test_a_rival_learns_nothing_on_postgresql(
    app: Flask, session: Session, world: World, written: list[str], tmp_path: Path
) -> None:
    _learn_nothing({"olga": True}, app, session, world, written, tmp_path)


def _learn_nothing(
    people: dict[str, bool], app: Flask, session: Session, world: World, written: list[str], tmp_path: Path
) -> None:
    """What Southwind's people are answered is the same before and after there is anything to be learnt."""
    rounds = [of_southwind(app, world, name, is_brief=brief) for name, brief in people.items()]
    for round_ in rounds:  # so that what they have viewed themselves is the same in both rounds
        for kind, path in (("acct", "accounts"), ("cont", "contacts"), ("opp", "opportunities")):
            for ref in round_.own[kind]:
                assert round_.walker.ask(Ask("GET", f"/{path}/{ref}")).status == 200
    before = [round_.read() for round_ in rounds]
    add_strangers(session, world)
    add_veiled(session, world)
    session.commit()
    foretold = world.foretold
    assert world.veiled == foretold.veiled
    assert {**world.stranger, "alert": []} == {**foretold.stranger, "alert": []}  # whose names are keys
    assert all(sum(answer.status == 200 for answer in answers.values()) > 20 for answers in before)
    wrong = [line for r, answers in zip(rounds, before, strict=True) for line in r.read_again(answers)]
    kept = everything(session)
    for round_, answers in zip(rounds, before, strict=True):
        wrong += round_.write(forms_of(answers))
    wrong += changes(session, world, kept)
    words = Marks((STEM, STRANGER, INNER), frozenset())  # digits come in any log and any mail
    wrong += [f"log: {line}" for line in written if words.in_text(line)]
    sent = mails_to_southwind(app, session, world, tmp_path)
    wrong += [f"mail: {mail}" for mail in sent if words.in_text(mail)]
    assert not wrong, "\n".join(wrong)
    assert any("/api/v1/leads/" in line for line in written)


# Somebody inside with a portfolio

# What may depend on records that they do not see, with the reason.
REVIEWED = {
    r"/leads/(new|lead_\w+/owner)": "how many open leads somebody has, beside their capacity",
    r"/queues/queue_\w+/delete": "that something waits in a queue, which is then not deleted",
    r"(/api/v1|/setup)/round-robins": "turns given: whose turn it is",
    r"(/api/v1|/setup)/deliveries": "mail to anybody: to whom, of what kind, and how it went, never about which record",
}
VIEWED = (
    ("lead", "leads"),
    ("acct", "accounts"),
    ("cont", "contacts"),
    ("case", "cases"),
    ("opp", "opportunities"),
    ("doc", "documents"),
    ("camp", "campaigns"),
)
EXPORTS = [Ask("POST", f"/{records}/export", {}) for records in ("leads", "accounts", "contacts")]


@pytest.mark.long
@pytest.mark.databases("sqlite")
def test_somebody_with_a_portfolio_learns_nothing_of_the_rest(
    app: Flask, session: Session, world: World
) -> None:
    add_strangers(session, world)
    session.commit()
    foretold, setup = world.foretold, world.stranger
    hidden = {**foretold.veiled, "lead": [foretold.leads[name].ref for name in SAMPLES[:4]]}
    own = {kind: [*world.portas.get(kind, ()), *setup.get(kind, ())] for kind in {*setup, *world.portas}}
    # Deliveries are the one kind of these that she is shown, see below.
    names = frozenset(ref for kind, refs in foretold.veiled.items() if kind != "dlv" for ref in refs)
    walker = Walker(app, world.people["porta"])
    marks = Marks((STEM,), names)
    round_ = Round(walker, _first(hidden, 2), _first(own, 1), marks, WORDS[:1])
    exported = [walker.ask(ask) for ask in EXPORTS]
    for kind, path in VIEWED:  # so that what she has viewed herself is the same in both rounds
        for ref in round_.own.get(kind, ()):
            assert walker.ask(Ask("GET", f"/{path}/{ref}")).status == 200
    before = round_.read()
    assert sum(answer.status == 200 for answer in before.values()) > 200
    add_veiled(session, world)
    session.commit()
    reviewed = re.compile("|".join(REVIEWED))
    wrong = round_.read_again({ask: a for ask, a in before.items() if not reviewed.match(ask.url)})
    wrong += [
        f"{ask}: {found}"
        for ask in before
        if reviewed.match(ask.url)
        if (found := round_.complaints(ask, walker.ask(ask)))
    ]
    wrong += [
        difference(ask, a, b) for ask, a in zip(EXPORTS, exported, strict=True) if a != (b := walker.ask(ask))
    ]
    wrong += list(_alike(walker, world))
    wrong += [line for line in round_.write(only_hidden=True) if not reviewed.search(line)]
    assert not wrong, "\n".join(wrong)


def _first(refs: Mapping[str, Sequence[str]], number: int) -> dict[str, Sequence[str]]:
    return {kind: found[:number] for kind, found in refs.items()}


def _alike(walker: Walker, world: World) -> Iterator[str]:
    """What is made like a hidden record is answered as what is like nothing."""
    above, chief = world.records["above"], world.records["chief"]
    for path, name, value in (
        ("accounts", "name", above.name),
        ("contacts", "email", chief.email),
        ("leads", "email", chief.email),
    ):
        answers = []
        for text in (value, value.replace(STEM, "nowhere")):
            body = {"last_name": "Puig", name: text} if path != "accounts" else {name: text}
            answer = walker.ask(Ask("POST", f"/api/v1/{path}", body)).unnamed()
            answers.append(Answer(answer.status, (), answer.text.replace(text, "")))
        if answers[0] != answers[1]:
            yield difference(Ask("POST", path, {name: value}), answers[1], answers[0])


# What the world holds

COMMON = {
    "enabling_draft": "answers of the wizard, before any partner is there",
    "lead_status.name": "the list of statuses is the same for everybody who reads leads",
    "case_status.name": "the list of statuses is the same for everybody who reads cases",
    "opportunity_stage.name": "the list of stages is the same for everybody who reads opportunities",
    "outcome_reason.name": "whoever wins or loses something chooses among all reasons",
    "lead_source.name": "a filter of the list of leads offers all sources",
    "decline_reason.name": "who declines chooses among all reasons",
    "unqualified_reason.name": "whoever gives a lead up chooses among all reasons",
    "organisation.name": "everybody knows whose Canal this is",
    "organisation.accent": "a colour",
    "erasure_gate": "stands within a transaction alone",
    "scorecard_mix": "numbers, kept where leads are very many, for who sees all of them anyway",
    "scorecard_mix.partner": "a key, that is shown to nobody",
    "report_count.b": "a country or public names; what people wrote stands in the other column",
}


@pytest.mark.databases("sqlite")
def test_every_text_of_every_table_has_a_mark(session: Session, world: World) -> None:
    """A new table or column joins: it fails here until something hidden has a mark in it."""
    add_strangers(session, world)
    add_veiled(session, world)
    empty = []
    for table in Base.metadata.sorted_tables:
        found = session.connection().execute(table.select()).mappings().all()
        if not found and table.name not in COMMON:
            empty.append(table.name)
        texts = {f"{table.name}.{column.name}": column.name for column in table.columns if is_content(column)}
        for told, name in texts.items():
            written = " ".join(str(row[name]) for row in found)
            if told not in COMMON and not any(mark in written for mark in (STEM, STRANGER, DIGITS)):
                empty.append(told)
    assert not empty, " ".join(empty)


# What may have changed


def everything(session: Session) -> dict[str, dict[Any, Mapping[str, Any]]]:
    """Every row of every table, by its key."""
    session.rollback()
    return {
        table.name: {
            tuple(row[key] for key in table.primary_key): row
            for row in session.connection().execute(table.select()).mappings()
        }
        for table in Base.metadata.sorted_tables
    }


def changes(session: Session, world: World, before: dict[str, dict[Any, Mapping[str, Any]]]) -> list[str]:
    """Rows that are not as they were, although they are nobody's at Southwind."""
    people = {
        user.id for user in world.people.values() if user.partner_account_id == world.southwind.account_id
    }
    leads = {
        lead.id for name, lead in world.leads.items() if lead.ref in world.southwinds["lead"] or name in ABOVE
    }
    after = everything(session)
    wrong = []
    for table, kept in before.items():
        for key, row in kept.items():
            now = after[table].get(key)
            if (
                now != row
                and not _is_theirs(table, row, people, leads)
                and not _follows(table, row, now, leads)
            ):
                wrong.append(f"{table} {key} was changed: {dict(row)} is {now and dict(now)}")
    return wrong


def _is_theirs(table: str, row: Mapping[str, Any], people: set[int], leads: set[int]) -> bool:
    match table:
        case "user":
            return row["id"] in people
        case "lead":
            return row["id"] in leads
        case "activity":
            return row["created_by_id"] in people and row["lead_id"] in leads
        case "opportunity":
            return row["owner_user_id"] in people
        case "document" | "document_version":
            return row["created_by_id"] in people
        case "document_tag" | "document_word":
            return True  # whose change is one of their document too
        case "one_time_link":
            return True  # anybody may ask for one, which ends the one before
        case "offer":
            return row["lead_id"] in leads
        case _:
            return row.get("user_id") in people


def _follows(table: str, row: Mapping[str, Any], now: Mapping[str, Any] | None, leads: set[int]) -> bool:
    """Whether no more of it is different than follows from what they may do."""
    different = {name for name in row if now is None or row[name] != now[name]}
    if table in ("account", "contact"):  # that they are given, or of an opportunity that they work on
        return different <= {"last_activity_at", "told_activity_at"}
    # Documents go along when a lead is converted, and come back.
    return table == "document" and row["lead_id"] in leads and different == {"version"}


def mails_to_southwind(app: Flask, session: Session, world: World, folder: Path) -> list[str]:
    """What was sent to them."""
    addresses = {
        user.email for user in world.people.values() if user.partner_account_id == world.southwind.account_id
    }
    session.rollback()  # the sender needs the writer's place

    def is_sent() -> bool:
        with app.app_context(), reading() as session:
            due = select(func.count()).where(Delivery.state.in_([DeliveryState.DUE, DeliveryState.SENDING]))
            return not session.scalar(due)

    run_sender(app, Sender(app, lambda: FolderTransport(folder), 0.05), until=is_sent)
    mails = [mail for mail in mails_in(folder) if any(address in str(mail["To"]) for address in addresses)]
    assert mails
    return [
        "\n".join(
            [str(mail), *(str(p.get_content()) for p in mail.walk() if p.get_content_maintype() == "text")]
        )
        for mail in mails
    ]
