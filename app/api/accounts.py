"""/accounts, with who answers for them."""

from typing import Any

from flask import Response, jsonify
from flask_babel import lazy_gettext as _l
from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.accounts.filters import parse_account_query
from app.accounts.kinds import PERSON_FIELDS, change_kind
from app.accounts.models import AccountKind
from app.accounts.operations import (
    add_responsible,
    create_account,
    delete_account,
    edit_account,
    remove_responsible,
)
from app.accounts.queries import get_account, list_accounts
from app.accounts.related import Responsible as ResponsibleRow
from app.accounts.related import responsibles_of
from app.accounts.relations.responsibles import change_role
from app.api.account_json import accounts_json
from app.api.answers import (
    check_version,
    expects_version,
    list_arguments,
    no_content,
    page_json,
    plain_list_arguments,
    record_answer,
    sliced,
)
from app.api.routes import Area
from app.api.schemas.accounts import (
    Account,
    AccountChanges,
    AccountList,
    NewAccount,
    NewResponsible,
    Responsible,
    ResponsibleList,
    UserIn,
)
from app.api.schemas.common import list_query
from app.api.schemas.relations import ResponsibleChanges
from app.fields.records import flat
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.web.access import current_actor, needs

area = Area("Accounts", "Companies and persons; some companies are partners.")
AccountQuery = list_query("AccountQuery", default="-created_at")
ResponsibleQuery = list_query("ResponsibleQuery")


@area.get("/accounts", "List accounts", {200: AccountList}, query=AccountQuery)
@needs(Permission.ACCOUNT_VIEW)
def list_accounts_seen() -> Response:
    """Fields that an administrator added are filters too: c_name, and of numbers and days c_name_from and c_name_to."""
    limit, cursor, sort, given = list_arguments()
    session, actor = db.session(), current_actor()
    query = parse_account_query(session, actor, given, sort)
    page = list_accounts(session, actor, query, cursor=cursor, limit=limit)
    items = accounts_json(session, actor, [row.account for row in page.items])
    return jsonify(items=items, next_cursor=page.older)


@area.post("/accounts", "Make an account", {201: Account})
@needs(Permission.ACCOUNT_EDIT)
def new_account(body: NewAccount) -> Response:
    """One that is probably there already is refused (409 probable-duplicate) unless that is allowed."""
    with transaction() as session:
        actor = current_actor()
        account = create_account(
            session, actor, given_values(body), allow_duplicate=body.allow_duplicate, now=clock.now()
        )
        answer = accounts_json(session, actor, [account])[0]
    return record_answer(answer, 201)


@area.get("/accounts/<account_id>", "Read an account", {200: Account})
@needs(Permission.ACCOUNT_VIEW)
def read_account(account_id: str) -> Response:
    return record_answer(account_json(db.session(), current_actor(), account_id))


@area.patch("/accounts/<account_id>", "Change an account", {200: Account})
@needs(Permission.ACCOUNT_EDIT)
def change_account(account_id: str, body: AccountChanges) -> Response:
    """Its owner, channel managers and administrators change the owner.

    Another `kind` makes a person of a business that has no contacts, or a business of a person, who stays as
    its contact (409 in-use where that cannot be).
    """
    with transaction() as session:
        actor = current_actor()
        check_account_version(session, actor, account_id)
        values = given_values(body)
        _change_kind(session, actor, account_id, values)
        account = edit_account(
            session,
            actor,
            account_id,
            values,
            allow_duplicate=body.allow_duplicate,
            now=clock.now(),
        )
        # Whoever gives it away is answered all the same.
        answer = accounts_json(session, actor, [account])[0]
    return record_answer(answer)


@area.delete("/accounts/<account_id>", "Delete an account")
@needs(Permission.ACCOUNT_DELETE)
def remove_account(account_id: str) -> Response:
    """With its contacts.  One in use is refused (409 in-use)."""
    with transaction() as session:
        actor = current_actor()
        check_account_version(session, actor, account_id)
        delete_account(session, actor, account_id, now=clock.now())
    return no_content()


@area.get(
    "/accounts/<account_id>/responsibles", "List who answers for an account", {200: ResponsibleList},
    query=ResponsibleQuery,
)  # fmt: skip
@needs(Permission.ACCOUNT_KEEP)
def list_responsibles(account_id: str) -> Response:
    """By name."""
    limit, cursor, _filters = plain_list_arguments()
    session, actor = db.session(), current_actor()
    rows = responsibles_of(session, get_account(session, actor, account_id))
    numbers = {row.ref: number for number, row in enumerate(rows)}
    shape = ["responsibles", account_id]
    page = sliced(actor, shape, rows, lambda row: numbers[row.ref], limit=limit, cursor=cursor)
    return jsonify(page_json(page, _responsible))


@area.post("/accounts/<account_id>/responsibles", "Make somebody answerable", {201: Responsible})
@needs(Permission.ACCOUNT_EDIT)
def new_responsible(account_id: str, body: NewResponsible) -> Response:
    """A colleague; the account becomes part of their portfolio."""
    with transaction() as session:
        actor = current_actor()
        added = add_responsible(
            session, actor, account_id, body.user_id, role=body.role or "", now=clock.now()
        )
        session.flush()  # read back below
        rows = responsibles_of(session, get_account(session, actor, account_id))
        answer = next(_responsible(row) for row in rows if row.ref == added.ref)
    return record_answer(answer, 201)


@area.patch(
    "/accounts/<account_id>/responsibles/<responsible_id>",
    "Say as what somebody is answerable",
    {200: Responsible},
    takes_version=False,
)
@needs(Permission.ACCOUNT_EDIT)
def change_responsible(account_id: str, responsible_id: str, body: ResponsibleChanges) -> Response:
    """They see no more and no less by it."""
    with transaction() as session:
        actor = current_actor()
        changed = change_role(session, actor, account_id, responsible_id, body.role, now=clock.now())
        rows = responsibles_of(session, get_account(session, actor, account_id))
        answer = next(_responsible(row) for row in rows if row.ref == changed.ref)
    return record_answer(answer)


@area.delete(
    "/accounts/<account_id>/responsibles/<responsible_id>",
    "End somebody's answerability",
    takes_version=False,
)
@needs(Permission.ACCOUNT_EDIT)
def end_responsible(account_id: str, responsible_id: str) -> Response:
    with transaction() as session:
        remove_responsible(session, current_actor(), account_id, responsible_id, now=clock.now())
    return no_content()


def _change_kind(session: Session, actor: Actor, account_id: str, values: dict[str, Any]) -> None:
    """Make the account what `kind` says, with what was given of that kind; the rest of the values stays."""
    if "kind" not in values:
        return
    kind = values.pop("kind")
    if kind is None:
        raise Invalid({"kind": [_l("An account is a business or a person.")]})
    account = get_account(session, actor, account_id)
    if account.kind == kind:
        return
    names = PERSON_FIELDS if kind == AccountKind.PERSON else ("name",)
    own = {name: values.pop(name) for name in names if name in values}
    change_kind(session, actor, account_id, AccountKind(kind), own, now=clock.now())


def account_json(session: Session, actor: Actor, account_id: str) -> dict[str, Any]:
    """One account.  Raises NotFound."""
    return accounts_json(session, actor, [get_account(session, actor, account_id)])[0]


def check_account_version(session: Session, actor: Actor, account_id: str) -> None:
    """Raises Stale when the call began from another version than the present one, NotFound."""
    if expects_version():
        get_account(session, actor, account_id, for_update=True)
        check_version(lambda: account_json(session, actor, account_id))


def given_values(body: BaseModel) -> dict[str, Any]:
    """The fields that were given; an owner as the user's id."""
    values = body.model_dump(exclude={"allow_duplicate"}, exclude_unset=True)
    owner = getattr(body, "owner", None)
    if isinstance(owner, UserIn):
        values["owner"] = owner.id
    return flat(values)


def _responsible(row: ResponsibleRow) -> dict[str, Any]:
    user = {"type": "user", "id": row.user.ref, "name": row.user.name}
    return {"id": row.ref, "user_id": row.user.ref, "user": user, "role": row.role or None}
