"""/queues, with their members."""

from typing import Any

from flask import Response, jsonify
from sqlalchemy.orm import Session

from app.api.answers import (
    check_version,
    expects_version,
    no_content,
    page_json,
    plain_list_arguments,
    record_answer,
    sliced,
)
from app.api.routes import Area
from app.api.routing_json import queue_members, queues_json
from app.api.schemas.common import PrincipalIn, list_query
from app.api.schemas.routing import (
    NewQueue,
    Queue,
    QueueChanges,
    QueueList,
    QueueMember,
    QueueMemberList,
)
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.routing import listing
from app.routing.queues import (
    add_queue_member,
    create_queue,
    delete_queue,
    edit_queue,
    get_queue,
    remove_queue_member,
)
from app.web.access import current_actor, needs

area = Area("Queues", "Ordered lists of leads that wait, and who may claim from them.")
QueueQuery = list_query("QueueQuery")


@area.get("/queues", "List queues", {200: QueueList}, query=QueueQuery)
@needs(Permission.ROUTING_MANAGE)
def list_queues() -> Response:
    """Newest first; partner accounts' own included."""
    limit, cursor, _filters = plain_list_arguments()
    session, actor = db.session(), current_actor()
    page = listing.list_queues(session, actor, cursor=cursor, limit=limit)
    return jsonify(items=queues_json(session, actor, page.items), next_cursor=page.older)


@area.post("/queues", "Make a queue", {201: Queue})
@needs(Permission.ROUTING_MANAGE)
def new_queue(body: NewQueue) -> Response:
    """Members are users and partner accounts, whole or from a role on."""
    with transaction() as session:
        actor = current_actor()
        queue = create_queue(
            session,
            actor,
            name=body.name,
            members=[principal_values(member) for member in body.members],
            accept_within_minutes=body.accept_within_minutes,
            touch_within_hours=body.touch_within_hours,
            now=clock.now(),
        )
        answer = queues_json(session, actor, [queue])[0]
    return record_answer(answer, 201)


@area.get("/queues/<queue_id>", "Read a queue", {200: Queue})
@needs(Permission.ROUTING_MANAGE)
def read_queue(queue_id: str) -> Response:
    return record_answer(_one(db.session(), current_actor(), queue_id))


@area.patch("/queues/<queue_id>", "Change a queue", {200: Queue})
@needs(Permission.ROUTING_MANAGE)
def change_queue(queue_id: str, body: QueueChanges) -> Response:
    given = body.model_dump(exclude_unset=True)
    with transaction() as session:
        actor = current_actor()
        queue = get_queue(session, queue_id, for_update=True)
        check_version(lambda: _one(session, actor, queue_id))
        values = {"name": queue.name, "accept_within_minutes": queue.accept_within_minutes, **given}
        edit_queue(session, actor, queue_id, **values, now=clock.now())
        answer = _one(session, actor, queue_id)
    return record_answer(answer)


@area.delete("/queues/<queue_id>", "Delete a queue")
@needs(Permission.ROUTING_MANAGE)
def remove_queue(queue_id: str) -> Response:
    """One in use is refused (409 in-use), with what uses it."""
    with transaction() as session:
        actor = current_actor()
        if expects_version():
            get_queue(session, queue_id, for_update=True)
            check_version(lambda: _one(session, actor, queue_id))
        delete_queue(session, actor, queue_id, now=clock.now())
    return no_content()


@area.get("/queues/<queue_id>/members", "List a queue's members", {200: QueueMemberList}, query=QueueQuery)
@needs(Permission.ROUTING_MANAGE)
def list_queue_members(queue_id: str) -> Response:
    """In the order in which they joined."""
    limit, cursor, _filters = plain_list_arguments()
    session, actor = db.session(), current_actor()
    queue = get_queue(session, queue_id)
    members = queue_members(session, [queue.id]).get(queue.id, [])
    shape = ["queue members", queue_id]
    page = sliced(actor, shape, members, lambda member: member.number, limit=limit, cursor=cursor)
    return jsonify(page_json(page, lambda member: member.body))


@area.post("/queues/<queue_id>/members", "Add a member to a queue", {201: QueueMember})
@needs(Permission.ROUTING_MANAGE)
def new_queue_member(queue_id: str, body: PrincipalIn) -> Response:
    """One that is a member already gets the role given here."""
    with transaction() as session:
        actor = current_actor()
        added, _principal = add_queue_member(
            session, actor, queue_id, principal_values(body), now=clock.now()
        )
        members = queue_members(session, [added.queue_id])[added.queue_id]
        answer = next(member.body for member in members if member.number == added.id)
    return record_answer(answer, 201)


@area.delete("/queues/<queue_id>/members/<member_id>", "End a membership of a queue", takes_version=False)
@needs(Permission.ROUTING_MANAGE)
def end_queue_member(queue_id: str, member_id: str) -> Response:
    """A partner account stays in its own queue, and the default queue keeps its last member."""
    with transaction() as session:
        remove_queue_member(session, current_actor(), queue_id, member_id, now=clock.now())
    return no_content()


def principal_values(given: PrincipalIn) -> dict[str, Any]:
    """A principal as the operations of routing take it."""
    return given.model_dump(exclude_none=True)


def _one(session: Session, actor: Actor, queue_id: str) -> dict[str, Any]:
    return queues_json(session, actor, [get_queue(session, queue_id)])[0]
