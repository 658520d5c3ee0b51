"""/cases."""

from collections.abc import Sequence
from typing import Any

from flask import Response, jsonify
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.api.account_json import people_of, refs_of
from app.api.accounts import given_values
from app.api.answers import (
    check_version,
    expects_version,
    list_arguments,
    moment,
    no_content,
    record_answer,
    version_of,
)
from app.api.routes import Area
from app.api.schemas.cases import Case, CaseChanges, CaseList, NewCase
from app.api.schemas.common import list_query
from app.cases.filters import parse_case_query
from app.cases.models import Case as CaseRecord
from app.cases.models import CaseStatus
from app.cases.operations import create_case, delete_case, edit_case, restore_case
from app.cases.queries import get_case, list_cases
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.web.access import current_actor, needs

area = Area("Cases", "What customers and partners ask, until it is done.")
CaseQuery = list_query("CaseQuery", default="-created_at")
_PLAIN = (
    "number", "subject", "description", "priority", "type", "origin", "external_id", "resolution",
)  # fmt: skip


@area.get("/cases", "List cases", {200: CaseList}, query=CaseQuery)
@needs(Permission.CASE_VIEW)
def list_cases_seen() -> Response:
    limit, cursor, sort, given = list_arguments()
    session, actor = db.session(), current_actor()
    query = parse_case_query(session, actor, given, sort)
    page = list_cases(session, actor, query, cursor=cursor, limit=limit)
    items = cases_json(session, actor, [row.case for row in page.items])
    return jsonify(items=items, next_cursor=page.older)


@area.post("/cases", "Make a case", {201: Case})
@needs(Permission.CASE_EDIT)
def new_case(body: NewCase) -> Response:
    """Without an owner it is the caller's, without a status it is open."""
    with transaction() as session:
        actor = current_actor()
        case = create_case(session, actor, given_values(body), now=clock.now())
        answer = cases_json(session, actor, [case])[0]
    return record_answer(answer, 201)


@area.get("/cases/<case_id>", "Read a case", {200: Case})
@needs(Permission.CASE_VIEW)
def read_case(case_id: str) -> Response:
    return record_answer(case_json(db.session(), current_actor(), case_id))


@area.patch("/cases/<case_id>", "Change a case", {200: Case})
@needs(Permission.CASE_EDIT)
def change_case(case_id: str, body: CaseChanges) -> Response:
    """A status of the other category closes it or opens it again.  Its owner, channel managers and
    administrators change the owner.
    """
    values = given_values(body)
    reason = values.pop("reason", None)
    with transaction() as session:
        actor = current_actor()
        check_case_version(session, actor, case_id)
        case = edit_case(session, actor, case_id, values, reason=reason, now=clock.now())
        # Whoever gives it away is answered all the same.
        answer = cases_json(session, actor, [case])[0]
    return record_answer(answer)


@area.delete("/cases/<case_id>", "Delete a case")
@needs(Permission.CASE_DELETE)
def remove_case(case_id: str) -> Response:
    """Administrators and channel managers; it can be restored for 30 days."""
    with transaction() as session:
        actor = current_actor()
        check_case_version(session, actor, case_id)
        delete_case(session, actor, case_id, now=clock.now())
    return no_content()


@area.post("/cases/<case_id>/restore", "Restore a deleted case", {200: Case})
@needs(Permission.CASE_DELETE)
def restore_deleted_case(case_id: str) -> Response:
    """Within 30 days."""
    with transaction() as session:
        actor = current_actor()
        case = restore_case(session, actor, case_id, now=clock.now())
        answer = cases_json(session, actor, [case])[0]
    return record_answer(answer)


def case_json(session: Session, actor: Actor, case_id: str) -> dict[str, Any]:
    """One case.  Raises NotFound."""
    return cases_json(session, actor, [get_case(session, actor, case_id)])[0]


def check_case_version(session: Session, actor: Actor, case_id: str) -> None:
    """Raises Stale when the call began from another version than the present one, NotFound."""
    if expects_version():
        get_case(session, actor, case_id, for_update=True)
        check_version(lambda: case_json(session, actor, case_id))


def cases_json(session: Session, actor: Actor, cases: Sequence[CaseRecord]) -> list[dict[str, Any]]:
    """The cases, in their order.  A constant number of statements."""
    people = people_of(session, actor, cases)
    accounts = refs_of(session, actor, Account, (case.account_id for case in cases))
    contacts = refs_of(session, actor, Contact, (case.contact_id for case in cases))
    statuses: dict[int, str] = {
        row.id: row.key for row in session.execute(select(CaseStatus.id, CaseStatus.key))
    }
    shown = []
    for case in cases:
        body: dict[str, Any] = {
            "id": case.ref,
            "created_at": moment(case.created_at),
            "updated_at": moment(case.updated_at),
            "created_by": people.get(case.created_by_id or 0),
            "updated_by": people.get(case.updated_by_id or 0),
            **{name: getattr(case, name) for name in _PLAIN},
            "status": statuses[case.status_id],
            "open": case.is_open,
            "contact_id": contacts.get(case.contact_id or 0),
            "account_id": accounts.get(case.account_id or 0),
            "owner": people[case.owner_user_id],
            "opened_at": moment(case.opened_at),
            "closed_at": moment(case.closed_at),
        }
        body["version"] = version_of(actor, body, case.version)
        shown.append(body)
    return shown
