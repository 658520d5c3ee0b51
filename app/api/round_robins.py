"""/round-robins, with their members and ledgers."""

from typing import Any

from flask import Response, jsonify
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.api.answers import (
    check_version,
    expects_version,
    moment,
    no_content,
    page_json,
    plain_list_arguments,
    record_answer,
    sliced,
)
from app.api.queues import principal_values
from app.api.routes import Area
from app.api.routing_json import Member, queue_refs, round_robin_members, round_robins_json
from app.api.schemas.common import list_query
from app.api.schemas.routing import (
    Ledger,
    MatchIn,
    MemberChanges,
    NewRoundRobin,
    RoundRobin,
    RoundRobinChanges,
    RoundRobinList,
    RoundRobinMember,
    RoundRobinMemberList,
    WeightedPrincipal,
)
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.routing import listing, round_robins
from app.routing.ledger import MemberLine, read_ledger
from app.routing.round_robins import get_round_robin
from app.routing.seats import lock_round_robins
from app.web.access import current_actor, needs

area = Area("Round robins", "Groups whose members take turns, exactly as their weights say.")
RoundRobinQuery = list_query("RoundRobinQuery")


@area.get("/round-robins", "List round robins", {200: RoundRobinList}, query=RoundRobinQuery)
@needs(Permission.ROUTING_MANAGE)
def list_round_robins() -> Response:
    """Newest first."""
    limit, cursor, _filters = plain_list_arguments()
    session, actor = db.session(), current_actor()
    page = listing.list_round_robins(session, actor, cursor=cursor, limit=limit)
    return jsonify(items=round_robins_json(session, actor, page.items), next_cursor=page.older)


@area.post("/round-robins", "Make a round robin", {201: RoundRobin})
@needs(Permission.ROUTING_MANAGE)
def new_round_robin(body: NewRoundRobin) -> Response:
    """Members take turns from now on."""
    with transaction() as session:
        actor = current_actor()
        group = round_robins.create_round_robin(
            session,
            actor,
            name=body.name,
            members=[_weighted(member) for member in body.members],
            fallback_queue=body.fallback_queue_id,
            accept_within_minutes=body.accept_within_minutes,
            now=clock.now(),
        )
        answer = round_robins_json(session, actor, [group])[0]
    return record_answer(answer, 201)


@area.get("/round-robins/<round_robin_id>", "Read a round robin", {200: RoundRobin})
@needs(Permission.ROUTING_MANAGE)
def read_round_robin(round_robin_id: str) -> Response:
    return record_answer(_one(db.session(), current_actor(), round_robin_id))


@area.patch("/round-robins/<round_robin_id>", "Change a round robin", {200: RoundRobin})
@needs(Permission.ROUTING_MANAGE)
def change_round_robin(round_robin_id: str, body: RoundRobinChanges) -> Response:
    given = body.model_dump(exclude_unset=True)
    with transaction() as session:
        actor = current_actor()
        group = get_round_robin(session, round_robin_id)
        _check_version(session, actor, round_robin_id)
        queues = queue_refs(session, [group.fallback_queue_id])
        values = {
            "name": group.name,
            "fallback_queue_id": queues.get(group.fallback_queue_id or 0),
            "accept_within_minutes": group.accept_within_minutes,
            **given,
        }
        round_robins.edit_round_robin(
            session,
            actor,
            round_robin_id,
            name=values["name"],
            fallback_queue=values["fallback_queue_id"],
            accept_within_minutes=values["accept_within_minutes"],
            now=clock.now(),
        )
        answer = _one(session, actor, round_robin_id)
    return record_answer(answer)


@area.delete("/round-robins/<round_robin_id>", "Delete a round robin")
@needs(Permission.ROUTING_MANAGE)
def remove_round_robin(round_robin_id: str) -> Response:
    """Its ledger stays.  One in use is refused (409 in-use), with what uses it."""
    with transaction() as session:
        actor = current_actor()
        _check_version(session, actor, round_robin_id)
        round_robins.delete_round_robin(session, actor, round_robin_id, now=clock.now())
    return no_content()


@area.get(
    "/round-robins/<round_robin_id>/members", "List a round robin's members", {200: RoundRobinMemberList},
    query=RoundRobinQuery,
)  # fmt: skip
@needs(Permission.ROUTING_MANAGE)
def list_round_robin_members(round_robin_id: str) -> Response:
    """In the order that settles ties."""
    limit, cursor, _filters = plain_list_arguments()
    session, actor = db.session(), current_actor()
    group = get_round_robin(session, round_robin_id)
    members = round_robin_members(session, [group.id]).get(group.id, [])
    shape = ["round robin members", round_robin_id]
    page = sliced(actor, shape, members, lambda member: member.number, limit=limit, cursor=cursor)
    return jsonify(page_json(page, lambda member: member.body))


@area.post("/round-robins/<round_robin_id>/members", "Add a member to a round robin", {201: RoundRobinMember})
@needs(Permission.ROUTING_MANAGE)
def new_round_robin_member(round_robin_id: str, body: WeightedPrincipal) -> Response:
    """It starts at a balance of zero: nobody is flooded to catch up."""
    with transaction() as session:
        actor = current_actor()
        added, _principal = round_robins.add_round_robin_member(
            session, actor, round_robin_id, _weighted(body), now=clock.now()
        )
        answer = _member(session, added.round_robin_id, added.ref).body
    return record_answer(answer, 201)


@area.patch(
    "/round-robins/<round_robin_id>/members/<member_id>",
    "Change a member's weight, or for which leads it takes turns",
    {200: RoundRobinMember},
    takes_version=False,
)
@needs(Permission.ROUTING_MANAGE)
def change_weight(round_robin_id: str, member_id: str, body: MemberChanges) -> Response:
    """With another weight counts and shares begin anew; with another match they go on."""
    given = body.model_dump(exclude_unset=True)
    if not given or ("weight" in given and given["weight"] is None):
        raise Invalid({"weight": [_l("Give a weight, a match, or both.")]})
    with transaction() as session:
        actor, group = current_actor(), get_round_robin(session, round_robin_id)
        if "weight" in given:
            round_robins.set_weight(
                session, actor, round_robin_id, member_id, given["weight"], now=clock.now()
            )
        if "match" in given:
            match = _match(body.match)
            round_robins.set_match(session, actor, round_robin_id, member_id, match, now=clock.now())
        answer = _member(session, group.id, member_id).body
    return record_answer(answer)


@area.delete(
    "/round-robins/<round_robin_id>/members/<member_id>",
    "End a membership of a round robin",
    takes_version=False,
)
@needs(Permission.ROUTING_MANAGE)
def end_round_robin_member(round_robin_id: str, member_id: str) -> Response:
    """Its turns stay in the ledger."""
    with transaction() as session:
        round_robins.remove_round_robin_member(
            session, current_actor(), round_robin_id, member_id, now=clock.now()
        )
    return no_content()


@area.get(
    "/round-robins/<round_robin_id>/ledger",
    "Read how a round robin stands",
    {200: Ledger},
    query=RoundRobinQuery,
)
@needs(Permission.ROUTING_MANAGE)
def read_round_robin_ledger(round_robin_id: str) -> Response:
    """count and share since members, weights or eligibility last changed; total for all time."""
    limit, cursor, _filters = plain_list_arguments()
    session, actor = db.session(), current_actor()
    ledger = read_ledger(session, actor, get_round_robin(session, round_robin_id), now=clock.now())
    shape = ["ledger", round_robin_id]
    page = sliced(actor, shape, ledger.lines, lambda line: line.row.member_id, limit=limit, cursor=cursor)
    return jsonify(since=moment(ledger.since), turns=ledger.turns, **page_json(page, _line))


def _line(line: MemberLine) -> dict[str, Any]:
    return {
        "member_id": line.member_ref,
        "principal": {"type": line.candidate.kind, "id": line.candidate.ref},
        "weight": line.row.weight,
        "eligible": line.refusal is None,
        "reason": line.refusal.reason.value if line.refusal else None,
        "count": line.row.count,
        "share": line.row.share,
        "balance": line.row.balance,
        "total": line.row.total,
    }


def _weighted(member: WeightedPrincipal) -> dict[str, Any]:
    return {
        "principal": principal_values(member.principal),
        "weight": member.weight,
        "match": _match(member.match),
    }


def _match(match: MatchIn | None) -> dict[str, Any] | None:
    return None if match is None else match.model_dump(exclude_none=True)


def _member(session: Session, group_id: int, ref: str) -> Member:
    members = round_robin_members(session, [group_id])[group_id]
    return next(member for member in members if member.body["id"] == ref)


def _one(session: Session, actor: Actor, round_robin_id: str) -> dict[str, Any]:
    return round_robins_json(session, actor, [get_round_robin(session, round_robin_id)])[0]


def _check_version(session: Session, actor: Actor, round_robin_id: str) -> None:
    """Raises Stale when the call began from another version than the present one, NotFound."""
    if expects_version():
        lock_round_robins(session, [get_round_robin(session, round_robin_id).id])
        check_version(lambda: _one(session, actor, round_robin_id))
