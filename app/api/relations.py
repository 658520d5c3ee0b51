"""/accounts/{id}/relationships, /interests and /characteristics."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from flask import Response, jsonify
from flask_babel import lazy_gettext as _l

from app.accounts.queries import get_account
from app.accounts.relations.characteristics import (
    Characteristic as CharacteristicRow,
)
from app.accounts.relations.characteristics import (
    add_characteristic,
    characteristics_of,
    remove_characteristic,
)
from app.accounts.relations.interests import Interest as InterestRow
from app.accounts.relations.interests import (
    change_interest,
    interests_of,
    note_interest,
    remove_interest,
)
from app.accounts.relations.relationships import (
    Related,
    add_relationship,
    read_day,
    relationships_of,
    remove_relationship,
)
from app.api.answers import moment, no_content, page_json, plain_list_arguments, record_answer, sliced
from app.api.routes import Area
from app.api.schemas.common import list_query
from app.api.schemas.relations import (
    Characteristic,
    CharacteristicList,
    Interest,
    InterestChanges,
    InterestList,
    NewCharacteristic,
    NewInterest,
    NewRelationship,
    Relationship,
    RelationshipList,
)
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.opportunities.needs import made_of_needs
from app.opportunities.queries import Named
from app.web.access import current_actor, needs

area = Area(
    "Account relations", "What accounts are related to, interested in, and what is characteristic of them."
)
RelationshipQuery = list_query("RelationshipQuery")
InterestQuery = list_query("InterestQuery")
CharacteristicQuery = list_query("CharacteristicQuery")


@area.get(
    "/accounts/<account_id>/relationships", "List an account's relationships", {200: RelationshipList},
    query=RelationshipQuery,
)  # fmt: skip
@needs(Permission.ACCOUNT_KEEP)
def list_relationships(account_id: str) -> Response:
    """By the other account's name, read from this one; those whose other account the caller may read."""
    account = get_account(db.session(), current_actor(), account_id)
    rows = relationships_of(db.session(), current_actor(), account)
    return _listed("relationships", account_id, rows, _relationship)


@area.post("/accounts/<account_id>/relationships", "Relate an account to another", {201: Relationship})
@needs(Permission.ACCOUNT_EDIT)
def new_relationship(account_id: str, body: NewRelationship) -> Response:
    """Shown from both sides.  The same again is refused (409 already-related)."""
    with transaction() as session:
        added = add_relationship(
            session,
            current_actor(),
            account_id,
            body.account_id,
            body.reason,
            is_inverse=body.inverse,
            note=body.note,
            since_on=read_day("since_on", body.since_on),
            until_on=read_day("until_on", body.until_on),
            now=clock.now(),
        )
        answer = _relationship(added)
    return record_answer(answer, 201)


@area.delete(
    "/accounts/<account_id>/relationships/<relationship_id>", "End a relationship", takes_version=False
)
@needs(Permission.ACCOUNT_EDIT)
def end_relationship(account_id: str, relationship_id: str) -> Response:
    """From either side."""
    with transaction() as session:
        remove_relationship(session, current_actor(), account_id, relationship_id, now=clock.now())
    return no_content()


@area.get(
    "/accounts/<account_id>/interests", "List an account's interests", {200: InterestList},
    query=InterestQuery,
)  # fmt: skip
@needs(Permission.ACCOUNT_KEEP)
def list_interests(account_id: str) -> Response:
    """In the order of the areas."""
    account = get_account(db.session(), current_actor(), account_id)
    made = made_of_needs(db.session(), current_actor(), account)
    show = partial(_interest, made)
    return _listed("interests", account_id, interests_of(db.session(), account), show)


@area.post("/accounts/<account_id>/interests", "Note an interest", {200: Interest, 201: Interest})
@needs(Permission.ACCOUNT_EDIT)
def new_interest(account_id: str, body: NewInterest) -> Response:
    """201 for an area of which nothing was said before; else what was said is changed, 200."""
    with transaction() as session:
        row, is_new = note_interest(
            session,
            current_actor(),
            account_id,
            body.area,
            is_interested=body.interest,
            need=body.need,
            now=clock.now(),
        )
        answer = _one_interest(account_id, row.ref)
    return record_answer(answer, 201 if is_new else 200)


@area.patch(
    "/accounts/<account_id>/interests/<interest_id>",
    "Change an interest",
    {200: Interest},
    takes_version=False,
)
@needs(Permission.ACCOUNT_EDIT)
def edit_interest(account_id: str, interest_id: str, body: InterestChanges) -> Response:
    """Another need is one that is not met yet."""
    values = body.model_dump(exclude_unset=True)
    for name in ("interest", "need_met"):
        if values.get(name, False) is None:
            raise Invalid({name: [_l("This is yes or no.")]})
    with transaction() as session:
        row = change_interest(session, current_actor(), account_id, interest_id, values, now=clock.now())
        answer = _one_interest(account_id, row.ref)
    return record_answer(answer)


@area.delete("/accounts/<account_id>/interests/<interest_id>", "Forget an interest", takes_version=False)
@needs(Permission.ACCOUNT_EDIT)
def end_interest(account_id: str, interest_id: str) -> Response:
    with transaction() as session:
        remove_interest(session, current_actor(), account_id, interest_id, now=clock.now())
    return no_content()


@area.get(
    "/accounts/<account_id>/characteristics", "List an account's characteristics", {200: CharacteristicList},
    query=CharacteristicQuery,
)  # fmt: skip
@needs(Permission.ACCOUNT_KEEP)
def list_characteristics(account_id: str) -> Response:
    """In the order of the types."""
    account = get_account(db.session(), current_actor(), account_id)
    return _listed("characteristics", account_id, characteristics_of(db.session(), account), _characteristic)


@area.post("/accounts/<account_id>/characteristics", "Say what is characteristic", {201: Characteristic})
@needs(Permission.ACCOUNT_EDIT)
def new_characteristic(account_id: str, body: NewCharacteristic) -> Response:
    """An account may have several values of a type; the same again is refused (409 already-there)."""
    with transaction() as session:
        added = add_characteristic(
            session, current_actor(), account_id, body.type, body.value, now=clock.now()
        )
        answer = _characteristic(added)
    return record_answer(answer, 201)


@area.delete(
    "/accounts/<account_id>/characteristics/<characteristic_id>",
    "Take a characteristic away",
    takes_version=False,
)
@needs(Permission.ACCOUNT_EDIT)
def end_characteristic(account_id: str, characteristic_id: str) -> Response:
    with transaction() as session:
        remove_characteristic(session, current_actor(), account_id, characteristic_id, now=clock.now())
    return no_content()


def _listed(name: str, account_id: str, rows: Sequence[Any], show: Callable[[Any], Any]) -> Response:
    limit, cursor, _filters = plain_list_arguments()
    shape = [name, account_id]
    page = sliced(current_actor(), shape, rows, lambda row: row.id, limit=limit, cursor=cursor)
    return jsonify(page_json(page, show))


def _relationship(row: Related) -> dict[str, Any]:
    return {
        "id": row.ref,
        "account_id": row.other.ref,
        "account": {"id": row.other.ref, "name": row.other.name},
        "reason": row.reason,
        "reason_id": row.reason_ref,
        "inverse": row.is_inverse,
        "note": row.note,
        "since_on": row.since_on.isoformat() if row.since_on else None,
        "until_on": row.until_on.isoformat() if row.until_on else None,
    }


def _one_interest(account_id: str, ref: str) -> dict[str, Any]:
    session = db.session()
    session.flush()  # read back with the names beside it
    account = get_account(session, current_actor(), account_id)
    made = made_of_needs(session, current_actor(), account)
    return next(_interest(made, row) for row in interests_of(session, account) if row.ref == ref)


def _interest(made: Mapping[int, Named | None], row: InterestRow) -> dict[str, Any]:
    opportunity = made.get(row.id)
    return {
        "id": row.ref,
        "area": row.area,
        "area_id": row.area_ref,
        "path": row.path,
        "interest": row.is_interested,
        "need": row.need,
        "need_met": row.need_met_at is not None,
        "opportunity_id": opportunity.ref if opportunity else None,
        "noted_at": moment(row.noted_at),
        "noted_by": {"type": "user", "id": row.noted_by_ref, "name": row.noted_by} if row.noted_by else None,
    }


def _characteristic(row: CharacteristicRow) -> dict[str, Any]:
    return {"id": row.ref, "type": row.type, "type_id": row.type_ref, "value": row.value}
