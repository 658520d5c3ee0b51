"""Who sees a record, and why: /leads/{id}/access, the same under accounts and contacts; what somebody sees."""

from typing import Any, Literal

from flask import Response, jsonify, request
from flask_babel import lazy_gettext as _l
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.queries import get_account, get_contact
from app.api.answers import page_json, plain_list_arguments, sliced
from app.api.routes import Area
from app.api.schemas.common import list_query
from app.api.schemas.leads import Access, LevelName, SeenList
from app.cases.queries import get_case
from app.identity.directory import get_user
from app.identity.models import User
from app.identity.queries import find_actor
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import db
from app.kernel.errors import Invalid, NotAllowed
from app.leads.queries import get_lead
from app.opportunities.queries import get_opportunity
from app.sharing.explain import Cause, Grant, Record, who_sees, why
from app.sharing.seen import Seen, list_seen, person_asked, read_wanted
from app.sharing.untold import as_asked, causes_as_asked
from app.web.access import current_actor, needs

area = Area("Access", "Who sees a record, and through which cause.")


class AccessQuery(list_query("AccessPage")):  # type: ignore[misc]  # made at run time
    """Everybody who sees the record, or one person."""

    model_config = ConfigDict(title="AccessQuery")
    user_id: str | None = None


_QUERY: type[BaseModel] = AccessQuery


class SeenQuery(list_query("SeenPage")):  # type: ignore[misc]  # made at run time
    """Records of one object; at that level at least, for that cause."""

    model_config = ConfigDict(title="SeenQuery")
    object: Literal["lead", "account", "contact", "opportunity", "case"] = "lead"
    level: LevelName | None = None
    cause: str | None = None


_SEEN_QUERY: type[BaseModel] = SeenQuery


@area.get("/leads/<lead_id>/access", "Say who sees a lead", {200: Access}, query=_QUERY)
@needs(Permission.LEAD_VIEW)
def lead_access(lead_id: str) -> Response:
    """Administrators and channel managers ask about anybody, everyone else about themselves."""
    session, actor = db.session(), current_actor()
    return _answer(session, actor, get_lead(session, actor, lead_id, Level.PREVIEW))


@area.get("/accounts/<account_id>/access", "Say who sees an account", {200: Access}, query=_QUERY)
@needs(Permission.ACCOUNT_VIEW)
def account_access(account_id: str) -> Response:
    """Administrators and channel managers ask about anybody, everyone else about themselves."""
    session, actor = db.session(), current_actor()
    return _answer(session, actor, get_account(session, actor, account_id))


@area.get("/contacts/<contact_id>/access", "Say who sees a contact", {200: Access}, query=_QUERY)
@needs(Permission.CONTACT_VIEW)
def contact_access(contact_id: str) -> Response:
    """Administrators and channel managers ask about anybody, everyone else about themselves."""
    session, actor = db.session(), current_actor()
    return _answer(session, actor, get_contact(session, actor, contact_id))


@area.get(
    "/opportunities/<opportunity_id>/access", "Say who sees an opportunity", {200: Access}, query=_QUERY
)
@needs(Permission.OPPORTUNITY_VIEW)
def opportunity_access(opportunity_id: str) -> Response:
    """As of leads."""
    session, actor = db.session(), current_actor()
    return _answer(session, actor, get_opportunity(session, actor, opportunity_id))


@area.get("/cases/<case_id>/access", "Say who sees a case", {200: Access}, query=_QUERY)
@needs(Permission.CASE_VIEW)
def case_access(case_id: str) -> Response:
    """Administrators and channel managers ask about anybody, everyone else about themselves."""
    session, actor = db.session(), current_actor()
    return _answer(session, actor, get_case(session, actor, case_id))


@area.get("/users/<user_id>/access", "List what a user sees", {200: SeenList}, query=_SEEN_QUERY)
@needs(Permission.ACCESS_VIEW)
def user_access(user_id: str) -> Response:
    """Newest first, of the records that the caller may read; nothing of somebody who may not act now."""
    limit, cursor, given = plain_list_arguments("object", "level", "cause")
    session, asker = db.session(), current_actor()
    person = person_asked(session, get_user(session, asker, user_id))
    texts = {name: values[0] for name, values in given.items()}
    wanted = read_wanted(texts.get("object", "lead"), texts.get("level", ""), texts.get("cause", ""))
    page = list_seen(session, asker, person, wanted, cursor=cursor, limit=limit)
    return jsonify(page_json(page, _seen))


def _seen(seen: Seen) -> dict[str, Any]:
    return {
        "record": {"type": seen.record.__tablename__, "id": seen.record.ref},
        "level": seen.level.name.lower(),
        "causes": [_cause(cause) for cause in seen.causes],
    }


def _answer(session: Session, actor: Actor, record: Record) -> Response:
    asked = request.args.get("user_id")
    limit, cursor, _filters = plain_list_arguments("user_id")
    if asked == actor.ref:
        return jsonify(_one(session, actor, actor, record))
    if not actor.can(Permission.ACCESS_VIEW):
        raise NotAllowed(_l("You may ask about yourself: ?user_id=%(id)s.", id=actor.ref))
    if asked is not None:
        user_id = session.scalar(select(User.id).where(User.ref == asked))
        if user_id is None:
            raise Invalid({"user_id": [_l("There is no such user.")]})
        # Somebody who has left, or whose company is suspended, sees nothing.
        return jsonify(_one(session, actor, find_actor(session, user_id), record))
    grants = as_asked(session, actor, who_sees(session, record))
    numbers = {id(grant): number for number, grant in enumerate(grants)}
    page = sliced(
        actor, ["access", record.ref], grants, lambda grant: numbers[id(grant)], limit=limit, cursor=cursor
    )
    return jsonify(page_json(page, _grant))


def _one(session: Session, asker: Actor, person: Actor | None, record: Record) -> dict[str, Any]:
    level, causes = (None, []) if person is None else why(session, person, record)
    (causes,) = causes_as_asked(session, asker, [causes])
    return {
        "visible": level is not None,
        "level": None if level is None else level.name.lower(),
        "causes": [_cause(cause) for cause in causes],
    }


def _grant(grant: Grant) -> dict[str, Any]:
    principal: dict[str, Any] = {"type": grant.to.type}
    if grant.to.ref is not None:
        principal["id"] = grant.to.ref
    if grant.to.role is not None:
        principal["role"] = grant.to.role
    return {
        "principal": principal,
        "level": grant.level.name.lower(),
        "causes": [_cause(cause) for cause in grant.causes],
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {"type": cause.type} if cause.ref is None else {"type": cause.type, "id": cause.ref}
