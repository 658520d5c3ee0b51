"""Activities on leads, accounts and contacts."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, jsonify
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.queries import get_account, get_contact
from app.activities.models import Activity
from app.activities.operations import edit_activity, log_activity
from app.activities.places import Record
from app.activities.queries import get_activity, get_record_of, list_activities
from app.api.answers import (
    check_version,
    expects_version,
    moment,
    plain_list_arguments,
    record_answer,
    version_of,
)
from app.api.reading import read_moment
from app.api.routes import Area
from app.api.schemas.activities import Activity as ActivityOut
from app.api.schemas.activities import ActivityChanges, ActivityList, NewActivity
from app.api.schemas.common import list_query
from app.cases.queries import get_case
from app.identity.models import User
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.leads.queries import get_lead
from app.web.access import current_actor, needs

area = Area("Activities", "Calls, tasks, meetings, e-mails and notes on a record.")
ActivityQuery = list_query("ActivityQuery")


@area.get(
    "/leads/<lead_id>/activities", "List what was done on a lead", {200: ActivityList}, query=ActivityQuery
)
@needs(Permission.LEAD_VIEW)
def list_lead_activities(lead_id: str) -> Response:
    """Newest first.  Partner people get those of their own company."""
    session, actor = db.session(), current_actor()
    return _list(session, actor, get_lead(session, actor, lead_id))


@area.get(
    "/accounts/<account_id>/activities",
    "List what was done on an account",
    {200: ActivityList},
    query=ActivityQuery,
)
@needs(Permission.ACCOUNT_VIEW)
def list_account_activities(account_id: str) -> Response:
    """Newest first."""
    session, actor = db.session(), current_actor()
    return _list(session, actor, get_account(session, actor, account_id))


@area.get(
    "/contacts/<contact_id>/activities",
    "List what was done on a contact",
    {200: ActivityList},
    query=ActivityQuery,
)
@needs(Permission.CONTACT_VIEW)
def list_contact_activities(contact_id: str) -> Response:
    """Newest first."""
    session, actor = db.session(), current_actor()
    return _list(session, actor, get_contact(session, actor, contact_id))


@area.get(
    "/cases/<case_id>/activities", "List what was done on a case", {200: ActivityList}, query=ActivityQuery
)
@needs(Permission.CASE_VIEW)
def list_case_activities(case_id: str) -> Response:
    """Newest first."""
    session, actor = db.session(), current_actor()
    return _list(session, actor, get_case(session, actor, case_id))


@area.post("/leads/<lead_id>/activities", "Log or plan something on a lead", {201: ActivityOut})
@needs(Permission.ACTIVITY_LOG)
def log_on_lead(lead_id: str, body: NewActivity) -> Response:
    """By whoever may change the lead; of the vendor's people, whoever may read it."""
    with transaction() as session:
        actor = current_actor()
        return _log(session, actor, get_lead(session, actor, lead_id), body)


@area.post("/accounts/<account_id>/activities", "Log or plan something on an account", {201: ActivityOut})
@needs(Permission.ACTIVITY_LOG)
def log_on_account(account_id: str, body: NewActivity) -> Response:
    """By whoever may read the account."""
    with transaction() as session:
        actor = current_actor()
        return _log(session, actor, get_account(session, actor, account_id), body)


@area.post("/contacts/<contact_id>/activities", "Log or plan something on a contact", {201: ActivityOut})
@needs(Permission.ACTIVITY_LOG)
def log_on_contact(contact_id: str, body: NewActivity) -> Response:
    """By whoever may read the contact."""
    with transaction() as session:
        actor = current_actor()
        return _log(session, actor, get_contact(session, actor, contact_id), body)


@area.post("/cases/<case_id>/activities", "Log or plan something on a case", {201: ActivityOut})
@needs(Permission.ACTIVITY_LOG)
def log_on_case(case_id: str, body: NewActivity) -> Response:
    """By whoever may read the case."""
    with transaction() as session:
        actor = current_actor()
        return _log(session, actor, get_case(session, actor, case_id), body)


@area.patch("/activities/<activity_id>", "Change an activity", {200: ActivityOut})
@needs(Permission.ACTIVITY_LOG)
def change_activity(activity_id: str, body: ActivityChanges) -> Response:
    """What becomes done without a moment given is done now."""
    given = body.model_dump(exclude_unset=True)
    for name in ("kind", "at", "done"):
        if name in given and given[name] is None:
            del given[name]  # an activity always has them: null leaves them as they are
    values = {name: value for name, value in given.items() if name not in ("at", "due_at")}
    values |= {name: read_moment(name, given[name]) for name in ("at", "due_at") if name in given}
    with transaction() as session:
        actor = current_actor()
        if expects_version():
            session.refresh(get_activity(session, actor, activity_id), with_for_update=True)
            check_version(lambda: _read(session, actor, activity_id))
        edit_activity(session, actor, activity_id, values, now=clock.now())
        answer = _read(session, actor, activity_id)
    return record_answer(answer)


def _list(session: Session, actor: Actor, record: Record) -> Response:
    limit, cursor, _filters = plain_list_arguments()
    page = list_activities(session, actor, record, cursor=cursor, limit=limit)
    authors = _authors(session, [activity for activity, _name in page.items])
    items = [activity_json(actor, activity, record, authors) for activity, _name in page.items]
    return jsonify(items=items, next_cursor=page.older)


def _log(session: Session, actor: Actor, record: Record, body: NewActivity) -> Response:
    activity = log_activity(
        session,
        actor,
        record,
        kind=body.kind,
        subject=body.subject,
        text=body.text,
        at=read_moment("at", body.at),
        due_at=read_moment("due_at", body.due_at),
        done=body.done,
        now=clock.now(),
    )
    return record_answer(activity_json(actor, activity, record, _authors(session, [activity])), 201)


def _read(session: Session, actor: Actor, activity_id: str) -> dict[str, Any]:
    activity = get_activity(session, actor, activity_id)
    record = get_record_of(session, actor, activity)
    return activity_json(actor, activity, record, _authors(session, [activity]))


def activity_json(
    actor: Actor, activity: Activity, record: Record, authors: Mapping[int, dict[str, Any]]
) -> dict[str, Any]:
    """An activity; record: the one it is on."""
    body: dict[str, Any] = {
        "id": activity.ref,
        "kind": activity.kind,
        "subject": activity.subject,
        "text": activity.text,
        "at": moment(activity.at),
        "due_at": moment(activity.due_at),
        "done": activity.is_done,
        "record": {"type": record.__tablename__, "id": record.ref},
        "created_by": authors.get(activity.created_by_id or 0),
        "created_at": moment(activity.created_at),
        "updated_at": moment(activity.updated_at),
    }
    body["version"] = version_of(actor, body, activity.version)
    return body


def _authors(session: Session, activities: Sequence[Activity]) -> dict[int, dict[str, Any]]:
    """Key → author.  Whoever reads an activity is on its author's side, and knows them."""
    keys = {activity.created_by_id for activity in activities if activity.created_by_id is not None}
    if not keys:
        return {}
    rows = session.execute(select(User.id, User.ref, User.name).where(User.id.in_(keys)))
    return {key: {"type": "user", "id": ref, "name": name} for key, ref, name in rows}
