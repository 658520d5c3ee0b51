"""/users: who signs in, as what; and their leaving."""

from typing import Any

from flask import Response, jsonify
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.api.answers import check_version, expects_version, list_arguments, record_answer
from app.api.leaving import read_choice
from app.api.reading import read_moment
from app.api.routes import Area
from app.api.schemas.common import list_query
from app.api.schemas.users import Deactivate, NewUser, User, UserChanges, UserList
from app.api.user_json import user_json
from app.identity import models
from app.identity.directory import get_user, get_user_row
from app.identity.models import AccountScope
from app.identity.operations import edit_user, invite_user
from app.identity.queries import get_organisation
from app.identity.user_list import FILTERS, SORTS, find_users, parse_user_query
from app.kernel import clock
from app.kernel.actor import Actor, Permission, Role
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.offboarding.operations import deactivate_user, leaving_permission, reactivate_user
from app.partners.inviting import invite_colleague
from app.web.access import current_actor, needs
from app.web.limits import invitations

area = Area("Users", "People who sign in: the vendor's, and partners'.")
UserQuery = list_query("UserQuery", FILTERS, SORTS, default="-created_at")


@area.get("/users", "List users", {200: UserList}, query=UserQuery)
@needs(Permission.PROFILE_EDIT)  # everybody; whom they find is decided below
def list_users() -> Response:
    """Partner people find colleagues only.  assignable=true: whom the caller may give a lead to."""
    limit, cursor, sort, given = list_arguments()
    session, actor = db.session(), current_actor()
    page = find_users(session, actor, parse_user_query(actor, given, sort), cursor=cursor, limit=limit)
    return jsonify(items=[user_json(actor, row) for row in page.items], next_cursor=page.older)


@area.post("/users", "Invite an internal user, or a colleague", {201: User})
@needs(Permission.PEOPLE_MANAGE)  # administrators; for their own company also partners' leaders
@invitations
def new_user(body: NewUser) -> Response:
    """The invitation goes out by mail.  The vendor makes partner users from contacts.

    A partner's manager or executive invites into their own company, with a role up to their own, where the
    vendor allows it (else 403); an address that is somebody's already gets the usual answer.
    """
    with transaction() as session:
        actor = current_actor()
        user = _invite(session, actor, body)
        session.flush()  # the answer is read from the database
        answer = one_user(session, actor, user.ref)
    return record_answer(answer, 201)


def _invite(session: Session, actor: Actor, body: NewUser) -> models.User:
    if actor.is_partner:
        if "account_scope" in body.model_fields_set:
            raise Invalid({"account_scope": [_l("Only internal users have an account scope.")]})
        return invite_colleague(
            session, actor, email=body.email, name=body.name, role=body.role, now=clock.now()
        )
    organisation = get_organisation(session)
    return invite_user(
        session,
        actor,
        email=body.email,
        name=body.name,
        role=Role(body.role),
        account_scope=AccountScope(body.account_scope),
        language=organisation.language,
        time_zone=organisation.time_zone,
        now=clock.now(),
    )


@area.get("/users/<user_id>", "Read a user", {200: User})
@needs(Permission.PROFILE_EDIT)  # as above
def read_user(user_id: str) -> Response:
    return record_answer(one_user(db.session(), current_actor(), user_id))


@area.patch("/users/<user_id>", "Change a user", {200: User})
@needs(
    Permission.PEOPLE_MANAGE
)  # administrators; for partners' users also channel managers and their leaders
def change_user(user_id: str, body: UserChanges) -> Response:
    """null clears capacity and absence, and sets language and time zone as the organisation's.

    Partners' managers and executives change role (up to their own), capacity and absence of colleagues whose
    role is below theirs.
    """
    with transaction() as session:
        actor = current_actor()
        user = get_user(session, actor, user_id)
        check_user_version(session, actor, user_id)
        edit_user(session, actor, user, _values(session, body), now=clock.now())
        session.flush()  # as above
        answer = one_user(session, actor, user_id)
    return record_answer(answer)


@area.post("/users/<user_id>/deactivate", "Deactivate a user", {200: User}, takes_version=True)
@needs(Permission.PEOPLE_MANAGE)  # as above
def deactivate(user_id: str, body: Deactivate) -> Response:
    """Sessions, tokens, links and seats end at once; what becomes of open leads must be said.

    Partners' leaders give them to a colleague, or `route` them back to the vendor's rules.
    """
    with transaction() as session:
        actor = current_actor()
        user = get_user(session, actor, user_id)
        if actor.is_internal:
            actor.require(leaving_permission(user.is_partner))
        check_user_version(session, actor, user_id)
        choice = read_choice(session, actor, body.open_records)
        deactivate_user(session, actor, user, choice, now=clock.now())
        session.flush()  # as above
        answer = one_user(session, actor, user_id)
    return record_answer(answer)


@area.post("/users/<user_id>/reactivate", "Let a deactivated user in again", {200: User}, takes_version=True)
@needs(Permission.USER_VIEW)  # the vendor's people alone
def reactivate(user_id: str) -> Response:
    """The person, not the leads, seats, sessions or tokens."""
    with transaction() as session:
        actor = current_actor()
        user = get_user(session, actor, user_id)
        check_user_version(session, actor, user_id)
        reactivate_user(session, actor, user, now=clock.now())
        session.flush()  # as above
        answer = one_user(session, actor, user_id)
    return record_answer(answer)


def _values(session: Session, body: UserChanges) -> dict[str, Any]:
    values = body.model_dump(exclude_unset=True)
    if "away_until" in values:
        values["away_until"] = read_moment("away_until", values["away_until"])
    organisation = get_organisation(session)
    for name in ("language", "time_zone"):
        if name in values and values[name] is None:
            values[name] = getattr(organisation, name)
    return values


def one_user(session: Session, actor: Actor, user_id: str) -> dict[str, Any]:
    """One user.  Raises NotFound."""
    return user_json(actor, get_user_row(session, actor, user_id))


def check_user_version(session: Session, actor: Actor, user_id: str) -> None:
    """Raises Stale when the call began from another version than the present one, NotFound."""
    if expects_version():
        session.refresh(get_user(session, actor, user_id), with_for_update={"key_share": True})
        check_version(lambda: one_user(session, actor, user_id))
