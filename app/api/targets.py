"""/accounts/{id}/targets, and /targets for partner people."""

from collections.abc import Sequence
from typing import Any

from flask import Response, jsonify
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.api.answers import (
    check_version,
    expects_version,
    moment,
    no_content,
    plain_list_arguments,
    record_answer,
    sliced,
    version_of,
)
from app.api.routes import Area
from app.api.schemas.common import list_query
from app.api.schemas.targets import NewPartnerTarget, PartnerTarget, PartnerTargetChanges, PartnerTargetList
from app.identity.directory import get_user_row
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.targets.operations import delete_target, edit_target, set_target
from app.targets.periods import read_period
from app.targets.progress import Progress, progress_of
from app.targets.queries import Aim, get_partner_account, get_target, my_targets, targets_of, whose
from app.web.access import current_actor, needs

area = Area("Targets", "What partners are to reach in a month or quarter, and how far they are.")
TargetQuery = list_query("TargetQuery")
# So many are counted by one statement.
AT_ONCE = 50


@area.get("/targets", "List my targets", {200: PartnerTargetList}, query=TargetQuery)
@needs(Permission.INBOX_VIEW)
def list_my_targets() -> Response:
    """Of partner people: what their company aims at, they themselves, and those whom they lead; the latest first."""
    session, actor = db.session(), current_actor()
    return _listed(session, actor, None, my_targets(session, actor))


@area.get(
    "/accounts/<account_id>/targets", "List a partner's targets", {200: PartnerTargetList}, query=TargetQuery
)
@needs(Permission.PARTNER_VIEW)
def list_targets(account_id: str) -> Response:
    """The latest period first; of each the company's own before its people's."""
    session, actor = db.session(), current_actor()
    account = get_partner_account(session, actor, account_id)
    return _listed(session, actor, account, targets_of(session, account, most=None))


@area.post("/accounts/<account_id>/targets", "Set a target", {201: PartnerTarget})
@needs(Permission.TARGET_EDIT)
def new_target(account_id: str, body: NewPartnerTarget) -> Response:
    """One for each period and person; an account that is no partner is refused (409 wrong-order)."""
    key = f"{body.period}:{body.starts_on}"
    if read_period(key) is None:
        raise Invalid({"starts_on": [_l("Give the first day of a month or quarter, such as 2026-10-01.")]})
    values = {**body.model_dump(), "period": key, "person": body.user_id}
    with transaction() as session:
        actor = current_actor()
        try:
            target = set_target(session, actor, account_id, values, now=clock.now())
        except Invalid as error:
            raise _named_here(error) from error
        answer = _target_json(session, actor, account_id, target.ref)
    return record_answer(answer, 201)


@area.get("/accounts/<account_id>/targets/<target_id>", "Read a target", {200: PartnerTarget})
@needs(Permission.PARTNER_VIEW)
def read_target(account_id: str, target_id: str) -> Response:
    return record_answer(_target_json(db.session(), current_actor(), account_id, target_id))


@area.patch("/accounts/<account_id>/targets/<target_id>", "Change a target", {200: PartnerTarget})
@needs(Permission.TARGET_EDIT)
def change_target(account_id: str, target_id: str, body: PartnerTargetChanges) -> Response:
    """Of another period or person: set another one."""
    with transaction() as session:
        actor = current_actor()
        account = get_partner_account(session, actor, account_id)
        _check_version(session, actor, account, target_id)
        target = get_target(session, actor, account, target_id)
        held = {"converted": target.converted, "amount": target.won_amount, "currency": target.currency}
        values = held | body.model_dump(exclude_unset=True)
        edit_target(session, actor, account_id, target_id, values, version=None, now=clock.now())
        answer = _target_json(session, actor, account_id, target_id)
    return record_answer(answer)


@area.delete("/accounts/<account_id>/targets/<target_id>", "Take a target back")
@needs(Permission.TARGET_EDIT)
def remove_target(account_id: str, target_id: str) -> Response:
    with transaction() as session:
        actor = current_actor()
        account = get_partner_account(session, actor, account_id)
        _check_version(session, actor, account, target_id)
        delete_target(session, actor, account_id, target_id, now=clock.now())
    return no_content()


def _named_here(error: Invalid) -> Invalid:
    """The complaints under the names that the body has."""
    names = {"person": "user_id"}
    return Invalid({names.get(name, name): messages for name, messages in error.errors.items()})


def _check_version(session: Session, actor: Actor, account: Account, target_id: str) -> None:
    """Raises Stale when the call began from another version than the present one, NotFound."""
    if expects_version():
        get_target(session, actor, account, target_id, for_update=True)
        check_version(lambda: _target_json(session, actor, account.ref, target_id))


def _target_json(session: Session, actor: Actor, account_id: str, target_id: str) -> dict[str, Any]:
    """One target with how far it is.  Raises NotFound."""
    account = get_partner_account(session, actor, account_id)
    target = get_target(session, actor, account, target_id)
    aim = Aim(target, whose(session, target))
    found = progress_of(session, actor, [aim], account=account, now=clock.now())
    return _shown(actor, account.ref, found[0])


def _listed(session: Session, actor: Actor, account: Account | None, aims: Sequence[Aim]) -> Response:
    limit, cursor, _filters = plain_list_arguments()
    ref = account.ref if account is not None else get_user_row(session, actor, actor.ref).company_ref or ""
    shape = ("targets", ref)
    page = sliced(actor, shape, aims, lambda aim: aim.target.id, limit=limit, cursor=cursor)
    rows: list[Progress] = []
    for begin in range(0, len(page.items), AT_ONCE):
        some = page.items[begin : begin + AT_ONCE]
        rows += progress_of(session, actor, some, account=account, now=clock.now())
    return jsonify(items=[_shown(actor, ref, row) for row in rows], next_cursor=page.older)


def _shown(actor: Actor, account_ref: str, row: Progress) -> dict[str, Any]:
    target, person = row.target, row.person
    body: dict[str, Any] = {
        "id": target.ref,
        "created_at": moment(target.created_at),
        "updated_at": moment(target.updated_at),
        "account_id": account_ref,
        "user": {"type": "user", "id": person.ref, "name": person.name} if person is not None else None,
        "period": target.period,
        "starts_on": target.starts_on.isoformat(),
        "converted": target.converted,
        "amount": target.won_amount,
        "currency": target.currency,
        "reached": {
            "converted": int(row.converted.reached) if row.converted is not None else None,
            "amount": row.won.reached if row.won is not None else None,
        },
    }
    body["version"] = version_of(actor, {**body, "reached": None}, target.version)
    return body
