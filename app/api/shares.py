"""Shares by hand under leads, accounts, contacts and cases."""

from typing import Any

from flask import Response, jsonify
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.accounts.queries import get_account, get_contact
from app.api.answers import moment, no_content, page_json, plain_list_arguments, record_answer, sliced
from app.api.schemas import sharing as schemas
from app.api.schemas.common import list_query
from app.api.sharing import area, given_principal
from app.cases.queries import get_case
from app.kernel import clock
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.kernel.parse import parse_iso_moment
from app.leads.queries import get_lead
from app.opportunities.queries import get_opportunity
from app.sharing.models import ManualShare
from app.sharing.principals import Known, names_of
from app.sharing.shares import share_record, shares_of, unshare_record
from app.web.access import current_actor, needs

ShareQuery = list_query("ShareQuery")


@area.get(
    "/leads/<lead_id>/shares", "List who a lead is shared with", {200: schemas.ShareList}, query=ShareQuery
)
@needs(Permission.ACCESS_VIEW)
def list_lead_shares(lead_id: str) -> Response:
    """By hand only; `access` tells of everybody who sees it."""
    session, actor = db.session(), current_actor()
    return _share_list(session, actor, get_lead(session, actor, lead_id))


@area.post("/leads/<lead_id>/shares", "Share a lead by hand", {201: schemas.Share})
@needs(Permission.RECORD_SHARE)
def new_lead_share(lead_id: str, body: schemas.NewShare) -> Response:
    """By those who have it in full.  Shared with the same principal already, level and end change."""
    with transaction() as session:
        actor = current_actor()
        return _share(session, actor, get_lead(session, actor, lead_id), body)


@area.delete("/leads/<lead_id>/shares/<share_id>", "End a share of a lead", takes_version=False)
@needs(Permission.RECORD_SHARE)
def end_lead_share(lead_id: str, share_id: str) -> Response:
    with transaction() as session:
        actor = current_actor()
        unshare_record(session, actor, get_lead(session, actor, lead_id), share_id, now=clock.now())
    return no_content()


@area.get(
    "/accounts/<account_id>/shares",
    "List who an account is shared with",
    {200: schemas.ShareList},
    query=ShareQuery,
)
@needs(Permission.ACCESS_VIEW)
def list_account_shares(account_id: str) -> Response:
    """By hand only; `access` tells of everybody who sees it."""
    session, actor = db.session(), current_actor()
    return _share_list(session, actor, get_account(session, actor, account_id))


@area.post("/accounts/<account_id>/shares", "Share an account by hand", {201: schemas.Share})
@needs(Permission.RECORD_SHARE)
def new_account_share(account_id: str, body: schemas.NewShare) -> Response:
    """Its contacts follow it."""
    with transaction() as session:
        actor = current_actor()
        return _share(session, actor, get_account(session, actor, account_id), body)


@area.delete("/accounts/<account_id>/shares/<share_id>", "End a share of an account", takes_version=False)
@needs(Permission.RECORD_SHARE)
def end_account_share(account_id: str, share_id: str) -> Response:
    with transaction() as session:
        actor = current_actor()
        unshare_record(session, actor, get_account(session, actor, account_id), share_id, now=clock.now())
    return no_content()


@area.get(
    "/contacts/<contact_id>/shares",
    "List who a contact is shared with",
    {200: schemas.ShareList},
    query=ShareQuery,
)
@needs(Permission.ACCESS_VIEW)
def list_contact_shares(contact_id: str) -> Response:
    """By hand only; `access` tells of everybody who sees it."""
    session, actor = db.session(), current_actor()
    return _share_list(session, actor, get_contact(session, actor, contact_id))


@area.post("/contacts/<contact_id>/shares", "Share a contact by hand", {201: schemas.Share})
@needs(Permission.RECORD_SHARE)
def new_contact_share(contact_id: str, body: schemas.NewShare) -> Response:
    """One without an account is private and refused."""
    with transaction() as session:
        actor = current_actor()
        return _share(session, actor, get_contact(session, actor, contact_id), body)


@area.delete("/contacts/<contact_id>/shares/<share_id>", "End a share of a contact", takes_version=False)
@needs(Permission.RECORD_SHARE)
def end_contact_share(contact_id: str, share_id: str) -> Response:
    with transaction() as session:
        actor = current_actor()
        unshare_record(session, actor, get_contact(session, actor, contact_id), share_id, now=clock.now())
    return no_content()


@area.get(
    "/cases/<case_id>/shares", "List who a case is shared with", {200: schemas.ShareList}, query=ShareQuery
)
@needs(Permission.ACCESS_VIEW)
def list_case_shares(case_id: str) -> Response:
    """By hand only; `access` tells of everybody who sees it."""
    session, actor = db.session(), current_actor()
    return _share_list(session, actor, get_case(session, actor, case_id))


@area.post("/cases/<case_id>/shares", "Share a case by hand", {201: schemas.Share})
@needs(Permission.RECORD_SHARE)
def new_case_share(case_id: str, body: schemas.NewShare) -> Response:
    """Its activities follow it; its contact and its account do not."""
    with transaction() as session:
        actor = current_actor()
        return _share(session, actor, get_case(session, actor, case_id), body)


@area.delete("/cases/<case_id>/shares/<share_id>", "End a share of a case", takes_version=False)
@needs(Permission.RECORD_SHARE)
def end_case_share(case_id: str, share_id: str) -> Response:
    with transaction() as session:
        actor = current_actor()
        unshare_record(session, actor, get_case(session, actor, case_id), share_id, now=clock.now())
    return no_content()


@area.get(
    "/opportunities/<opportunity_id>/shares",
    "List who an opportunity is shared with",
    {200: schemas.ShareList},
    query=ShareQuery,
)
@needs(Permission.ACCESS_VIEW)
def list_opportunity_shares(opportunity_id: str) -> Response:
    """By hand only; `access` tells of everybody who sees it."""
    session, actor = db.session(), current_actor()
    return _share_list(session, actor, get_opportunity(session, actor, opportunity_id))


@area.post("/opportunities/<opportunity_id>/shares", "Share an opportunity by hand", {201: schemas.Share})
@needs(Permission.RECORD_SHARE)
def new_opportunity_share(opportunity_id: str, body: schemas.NewShare) -> Response:
    """Its activities follow it; its account and its contacts do not."""
    with transaction() as session:
        actor = current_actor()
        return _share(session, actor, get_opportunity(session, actor, opportunity_id), body)


@area.delete(
    "/opportunities/<opportunity_id>/shares/<share_id>", "End a share of an opportunity", takes_version=False
)
@needs(Permission.RECORD_SHARE)
def end_opportunity_share(opportunity_id: str, share_id: str) -> Response:
    with transaction() as session:
        actor = current_actor()
        unshare_record(
            session, actor, get_opportunity(session, actor, opportunity_id), share_id, now=clock.now()
        )
    return no_content()


def _share_list(session: Session, actor: Actor, subject: Any) -> Response:
    limit, cursor, _filters = plain_list_arguments()
    shares = shares_of(session, subject)
    names = names_of(session, [share.principal_id for share in shares])
    page = sliced(actor, ["shares", subject.ref], shares, lambda share: share.id, limit=limit, cursor=cursor)
    return jsonify(page_json(page, lambda share: _share_json(share, names[share.principal_id])))


def _share(session: Session, actor: Actor, subject: Any, body: schemas.NewShare) -> Response:
    until = parse_iso_moment(body.until) if body.until is not None else None
    if body.until is not None and until is None:
        raise Invalid({"until": [_l("This must be a date or time such as 2026-03-01T12:00:00Z.")]})
    share, known = share_record(
        session, actor, subject, given_principal(body.principal), body.level, until=until, now=clock.now()
    )
    return record_answer(_share_json(share, known), 201)


def _share_json(share: ManualShare, known: Known) -> dict[str, Any]:
    return {
        "id": share.ref,
        "principal": known.to_json(),
        "level": Level(share.level).name.lower(),
        "until": moment(share.until),
        "created_at": moment(share.created_at),
    }
