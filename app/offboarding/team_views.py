"""A partner's manager or executive deactivates a colleague: what is open goes to the team or back to the vendor."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import DomainError, Invalid
from app.leads.errors import AtCapacity
from app.offboarding.blueprint import bp
from app.offboarding.choices import GiveTo, Keep, OpenRecords, Route
from app.offboarding.operations import deactivate_user
from app.offboarding.plans import plan_user_leaving
from app.partners.team import get_led
from app.routing.candidates import USER
from app.routing.picker import owner_choices
from app.routing.targets import find_target
from app.web.access import current_actor, needs
from app.web.once import once


@bp.get("/team/<ref('user'):user_ref>/deactivate")
@needs(Permission.TEAM_MANAGE)
def colleague(user_ref: str) -> ResponseReturnValue:
    """What deactivating the colleague touches, and what becomes of it."""
    return _page(get_led(db.session(), current_actor(), user_ref))


@bp.post("/team/<ref('user'):user_ref>/deactivate")
@needs(Permission.TEAM_MANAGE)
@once
def deactivate_colleague(user_ref: str) -> ResponseReturnValue:
    """Deactivate the colleague."""
    actor = current_actor()
    try:
        with transaction() as session:
            leaver = get_led(session, actor, user_ref)
            left = deactivate_user(session, actor, leaver, _choice(session, actor), now=clock.now())
            name = leaver.name
    except (Invalid, AtCapacity) as error:
        return _page(get_led(db.session(), actor, user_ref), error)
    flash(
        _("%(name)s is deactivated. Leads with a new owner: %(number)s.", name=name, number=left.moved),
        "success",
    )
    return redirect(url_for("partners.team"), 303)


def _choice(session: Session, actor: Actor) -> OpenRecords:
    """What the form says of the open leads; keeping nothing is all that needs no answer."""
    match request.form.get("open_records"):
        case "route":
            return Route()
        case "give":
            return GiveTo(find_target(session, actor, USER, request.form.get("owner", "")))
        case None | "":
            return Keep()
    raise Invalid({"open_records": [_l("Say what becomes of the open leads.")]})


def _page(user: User, error: DomainError | None = None) -> ResponseReturnValue:
    session, actor, now = db.session(), current_actor(), clock.now()
    colleagues = owner_choices(session, actor, now=now).colleagues
    messages = {"owner": [error.message]} if isinstance(error, AtCapacity) else getattr(error, "errors", {})
    body = render_template(
        "partners/deactivate.html",
        user=user,
        page_ref=user.ref,
        plan=plan_user_leaving(session, user, now=now),
        colleagues=[choice for choice in colleagues if choice.ref != user.ref],
        chosen=request.form.get("open_records", ""),
        chosen_owner=request.form.get("owner", ""),
        messages=messages,
    )
    return body, error.status if error else 200
