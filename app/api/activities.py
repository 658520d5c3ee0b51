"""Activities on leads, accounts and contacts."""

from typing import Any

from flask import Response, jsonify
from sqlalchemy.orm import Session

from app.accounts.queries import get_account, get_contact
from app.activities.operations import delete_activity, edit_activity, log_activity
from app.activities.places import Record
from app.activities.queries import get_activity, get_record_of, list_activities
from app.api.activity_json import activities_json, named_as_given, read_values
from app.api.answers import check_version, expects_version, no_content, plain_list_arguments, record_answer
from app.api.routes import Area
from app.api.schemas.activities import Activity as ActivityOut
from app.api.schemas.activities import ActivityChanges, ActivityList, NewActivity
from app.api.schemas.common import list_query
from app.cases.queries import get_case
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.leads.queries import get_lead
from app.opportunities.queries import get_opportunity
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


@area.get(
    "/opportunities/<opportunity_id>/activities",
    "List what was done on an opportunity",
    {200: ActivityList},
    query=ActivityQuery,
)
@needs(Permission.OPPORTUNITY_VIEW)
def list_opportunity_activities(opportunity_id: str) -> Response:
    """Newest first; what was done on the lead that it came from, too."""
    session, actor = db.session(), current_actor()
    return _list(session, actor, get_opportunity(session, actor, opportunity_id))


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


@area.post(
    "/opportunities/<opportunity_id>/activities",
    "Log or plan something on an opportunity",
    {201: ActivityOut},
)
@needs(Permission.ACTIVITY_LOG)
def log_on_opportunity(opportunity_id: str, body: NewActivity) -> Response:
    """By whoever may change the opportunity; of the vendor's people, whoever may read it."""
    with transaction() as session:
        actor = current_actor()
        return _log(session, actor, get_opportunity(session, actor, opportunity_id), body)


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
    """What becomes done without a moment given is done now, a meeting when it began.

    `participants` replaces those there are; without `assigned_to` it stays whose it is, null makes it yours.
    """
    given = body.model_dump(exclude_unset=True)
    for name in ("kind", "at", "done"):
        if name in given and given[name] is None:
            del given[name]  # an activity always has them: null leaves them as they are
    with transaction() as session:
        actor = current_actor()
        if expects_version():
            session.refresh(get_activity(session, actor, activity_id), with_for_update=True)
            check_version(lambda: _read(session, actor, activity_id))
        with named_as_given():
            edit_activity(session, actor, activity_id, read_values(given), now=clock.now())
        answer = _read(session, actor, activity_id)
    return record_answer(answer)


@area.get("/activities/<activity_id>", "Read an activity", {200: ActivityOut})
@needs(Permission.HOME_VIEW)
def read_activity(activity_id: str) -> Response:
    """By whoever reads the record that it is on; partner people those of their own company."""
    return record_answer(_read(db.session(), current_actor(), activity_id))


@area.delete("/activities/<activity_id>", "Delete an activity")
@needs(Permission.ACTIVITY_LOG)
def remove_activity(activity_id: str) -> Response:
    """For good, by its author and whoever has its record in full; the events keep what it said."""
    with transaction() as session:
        actor = current_actor()
        check_version(lambda: _read(session, actor, activity_id))
        delete_activity(session, actor, activity_id, now=clock.now())
    return no_content()


def _list(session: Session, actor: Actor, record: Record) -> Response:
    limit, cursor, _filters = plain_list_arguments()
    page = list_activities(session, actor, record, cursor=cursor, limit=limit)
    found = [activity for activity, _name in page.items]
    return jsonify(items=activities_json(session, actor, found, record), next_cursor=page.older)


def _log(session: Session, actor: Actor, record: Record, body: NewActivity) -> Response:
    with named_as_given():
        values = read_values(body.model_dump(exclude_none=True))
        activity = log_activity(session, actor, record, **values, now=clock.now())
    return record_answer(activities_json(session, actor, [activity], record)[0], 201)


def _read(session: Session, actor: Actor, activity_id: str) -> dict[str, Any]:
    activity = get_activity(session, actor, activity_id)
    record = get_record_of(session, actor, activity)
    return activities_json(session, actor, [activity], record)[0]
