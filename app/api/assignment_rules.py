"""/assignment-rules: versions of the rules, one of them in force."""

from collections.abc import Sequence
from typing import Any

from flask import Response, jsonify
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.api.answers import (
    check_version,
    moment,
    no_content,
    page_json,
    plain_list_arguments,
    record_answer,
    version_of,
)
from app.api.reading import read_moment
from app.api.routes import Area
from app.api.schemas.common import list_query
from app.api.schemas.routing import EntryIn, NewRules, Rules, RulesChanges, RulesList, TrialList, Try
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.kernel.paging import Page
from app.routing import listing, rule_operations
from app.routing.models import RuleSet, RuleState
from app.routing.rule_entries import EntryRow, entries_of
from app.routing.rule_operations import get_rules
from app.routing.rule_trial import TrialRow, try_rules
from app.web.access import current_actor, needs

area = Area("Assignment rules", "Where new leads go: ordered entries, the first that matches wins.")
RulesQuery = list_query("RulesQuery", ["state"])


@area.get("/assignment-rules", "List versions of the rules", {200: RulesList}, query=RulesQuery)
@needs(Permission.ROUTING_MANAGE)
def list_assignment_rules() -> Response:
    """Newest first."""
    limit, cursor, given = plain_list_arguments("state")
    unknown = [value for value in given.get("state", []) if value not in set(RuleState)]
    if unknown:
        raise Invalid({"state": [_l("Known here: %(known)s.", known=", ".join(RuleState))]})
    states = tuple(RuleState(value) for value in given.get("state", []))
    session, actor = db.session(), current_actor()
    page = listing.list_rule_sets(session, actor, states, cursor=cursor, limit=limit)
    return jsonify(items=_all(session, actor, page.items), next_cursor=page.older)


@area.post("/assignment-rules", "Make a version of the rules", {201: Rules})
@needs(Permission.ROUTING_MANAGE)
def new_rules(body: NewRules) -> Response:
    """As a draft; it changes nothing before it is activated."""
    with transaction() as session:
        actor = current_actor()
        rules = rule_operations.create_rules(
            session, actor, name=body.name, entries=_entries(body.entries), now=clock.now()
        )
        answer = _all(session, actor, [rules])[0]
    return record_answer(answer, 201)


@area.get("/assignment-rules/<rule_id>", "Read a version of the rules", {200: Rules})
@needs(Permission.ROUTING_MANAGE)
def read_rules(rule_id: str) -> Response:
    return record_answer(_one(db.session(), current_actor(), rule_id))


@area.patch("/assignment-rules/<rule_id>", "Change the rules", {200: Rules, 201: Rules})
@needs(Permission.ROUTING_MANAGE)
def change_rules(rule_id: str, body: RulesChanges) -> Response:
    """A draft changes in place; of a version that is or was in force the next one is made, as a draft (201)."""
    with transaction() as session:
        actor = current_actor()
        check_version(lambda: _one(session, actor, rule_id))
        before = get_rules(session, rule_id)
        name = body.name if "name" in body.model_fields_set else before.name
        if body.entries is None:
            entries = [row.given() for row in entries_of(session, [before.id]).get(before.id, ())]
        else:
            entries = _entries(body.entries)
        rules = rule_operations.edit_rules(
            session, actor, rule_id, name=name, entries=entries, version=before.version, now=clock.now()
        )
        answer = _all(session, actor, [rules])[0]
    return record_answer(answer, 200 if rules.ref == rule_id else 201)


@area.delete("/assignment-rules/<rule_id>", "Throw a draft away")
@needs(Permission.ROUTING_MANAGE)
def remove_rules(rule_id: str) -> Response:
    """What was in force stays on record."""
    with transaction() as session:
        actor = current_actor()
        check_version(lambda: _one(session, actor, rule_id))
        rule_operations.delete_rules(session, actor, rule_id, now=clock.now())
    return no_content()


@area.post("/assignment-rules/<rule_id>/activate", "Put a version in force", {200: Rules}, takes_version=True)
@needs(Permission.ROUTING_MANAGE)
def activate_rules(rule_id: str) -> Response:
    """The one that was in force is retired."""
    with transaction() as session:
        actor = current_actor()
        check_version(lambda: _one(session, actor, rule_id))
        rule_operations.activate_rules(session, actor, rule_id, now=clock.now())
        answer = _one(session, actor, rule_id)
    return record_answer(answer)


@area.post(
    "/assignment-rules/<rule_id>/deactivate", "Put a version out of force", {200: Rules}, takes_version=True
)
@needs(Permission.ROUTING_MANAGE)
def deactivate_rules(rule_id: str) -> Response:
    """From then on everything goes to the default queue."""
    with transaction() as session:
        actor = current_actor()
        check_version(lambda: _one(session, actor, rule_id))
        rule_operations.deactivate_rules(session, actor, rule_id, now=clock.now())
        answer = _one(session, actor, rule_id)
    return record_answer(answer)


@area.post("/assignment-rules/<rule_id>/try", "Try a version against past leads", {200: TrialList})
@needs(Permission.ROUTING_MANAGE)
def try_rules_on_past(rule_id: str, body: Try) -> Response:
    """As these leads are today; nothing changes."""
    session, actor = db.session(), current_actor()
    trial = try_rules(
        session,
        actor,
        get_rules(session, rule_id),
        since=read_moment("from", body.from_),
        until=read_moment("to", body.to),
        limit=body.limit,
        now=clock.now(),
    )
    return jsonify(page_json(Page(trial.rows), _trial))


def _trial(row: TrialRow) -> dict[str, Any]:
    target = {"type": row.target.kind, "id": row.target.ref, "name": row.target.name}
    return {"lead_id": row.ref, "entry": row.entry, "target": target, "differs": row.differs}


def _entries(given: Sequence[EntryIn]) -> list[dict[str, Any]]:
    return [entry.model_dump(exclude_unset=True) for entry in given]


def _one(session: Session, actor: Actor, rule_id: str) -> dict[str, Any]:
    return _all(session, actor, [get_rules(session, rule_id)])[0]


def _all(session: Session, actor: Actor, versions: Sequence[RuleSet]) -> list[dict[str, Any]]:
    entries = entries_of(session, [rules.id for rules in versions])
    shown = []
    for rules in versions:
        body = {
            "id": rules.ref,
            "created_at": moment(rules.created_at),
            "updated_at": moment(rules.updated_at),
            "name": rules.name,
            "number": rules.number,
            "state": rules.state,
            "activated_at": moment(rules.activated_at),
            "retired_at": moment(rules.retired_at),
            "entries": [_entry(row) for row in entries.get(rules.id, ())],
        }
        body["version"] = version_of(actor, body, rules.version)
        shown.append(body)
    return shown


def _entry(row: EntryRow) -> dict[str, Any]:
    return {
        "name": row.name or None,
        "criteria": row.criteria or None,
        "target": {"type": row.kind, "id": row.ref, "name": row.target_name},
        "fallback_queue_id": row.fallback_ref,
        "notify": row.notify,
        "template_id": row.template_ref,
        "accept_within_minutes": row.accept_within_minutes,
    }
