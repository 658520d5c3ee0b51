"""*My team*: a partner's managers and executives see their people, invite and change them.

The company is always the actor's own.  Deactivating is `offboarding`'s.
"""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.identity.directory import is_away
from app.identity.models import User
from app.identity.operations import edit_user, resend_invitation
from app.identity.roles import role_helps, role_names
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.partners.blueprint import bp
from app.partners.inviting import InvitingIsOff, invite_colleague, may_invite_to
from app.partners.team import get_led, my_team, offered_roles
from app.partners.team_forms import ColleagueForm, InviteColleagueForm
from app.web.access import current_actor, needs
from app.web.choices import options
from app.web.form_errors import show_errors
from app.web.limits import invitations
from app.web.once import once


@bp.get("/team")
@needs(Permission.TEAM_VIEW)
def team() -> ResponseReturnValue:
    """A partner's own people."""
    found = my_team(db.session(), current_actor())
    return render_template("partners/team.html", team=found, role_names=role_names(), now=clock.now())


@bp.get("/team/invite")
@needs(Permission.TEAM_MANAGE)
def invite() -> ResponseReturnValue:
    """The form that invites a colleague."""
    if not may_invite_to(db.session(), current_actor()):
        raise InvitingIsOff
    return _invite_page(InviteColleagueForm(formdata=None, language=current_actor().language))


def _invite_page(form: InviteColleagueForm) -> str:
    form.role.choices = _roles(None)
    return render_template("partners/invite.html", form=form, role_helps=role_helps())


def _roles(present: User | None) -> Any:
    roles = offered_roles(db.session(), current_actor(), present.role if present else None)
    return options((role.value, role_names()[role]) for role in roles)


@bp.post("/team/invite")
@needs(Permission.TEAM_MANAGE)
@invitations
@once
def invite_now() -> ResponseReturnValue:
    """Invite a colleague.  The answer is the same whether or not the address is somebody's already."""
    form = InviteColleagueForm()
    form.role.choices = _roles(None)
    try:
        if not form.validate():
            raise Invalid
        given = {name: form[name].data for name in ("name", "email", "role", "language")}
        with transaction() as session:
            user = invite_colleague(session, current_actor(), **given, now=clock.now())
            words = {"name": user.name, "email": user.email}
    except Invalid as error:
        show_errors(form, error)
        return _invite_page(form), 422
    flash(_("%(name)s is invited at %(email)s. The link in the mail works for 72 hours.", **words), "success")
    return redirect(url_for("partners.team"), 303)


@bp.get("/team/<ref('user'):user_ref>/edit")
@needs(Permission.TEAM_MANAGE)
def edit_colleague(user_ref: str) -> ResponseReturnValue:
    """The form for role, most open leads and absence."""
    user = get_led(db.session(), current_actor(), user_ref)
    form = ColleagueForm(formdata=None, obj=user)
    form.set_away(user.away_until if is_away(user, clock.now()) else None, user.time_zone)
    return _colleague_page(form, user)


def _colleague_page(form: ColleagueForm, user: User) -> str:
    form.role.choices = _roles(user)
    return render_template(
        "partners/colleague.html",
        form=form,
        user=user,
        version=request.form.get("version", user.version),
        role_helps=role_helps(),
        page_ref=user.ref,
    )


@bp.post("/team/<ref('user'):user_ref>/edit")
@needs(Permission.TEAM_MANAGE)
def save_colleague(user_ref: str) -> ResponseReturnValue:
    """Change a colleague's role, most open leads and absence."""
    actor = current_actor()
    user = get_led(db.session(), actor, user_ref)
    form = ColleagueForm()
    form.role.choices = _roles(user)
    try:
        if not form.validate():
            raise Invalid
        values = {
            "role": form.role.data,
            "capacity": form.capacity.data,
            "away_until": form.away_until(user.time_zone),
        }
        with transaction() as session:
            led = get_led(session, actor, user_ref)
            edit_user(session, actor, led, values, now=clock.now(), version=_version())
            name = led.name
    except Invalid as error:
        show_errors(form, error)
        return _colleague_page(form, get_led(db.session(), actor, user_ref)), 422
    flash(_("%(name)s is saved.", name=name), "success")
    return redirect(url_for("partners.team"), 303)


def _version() -> int | None:
    """The version that the form was opened at."""
    text = request.form.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@bp.post("/team/<ref('user'):user_ref>/invite")
@needs(Permission.TEAM_MANAGE)
@invitations
@once
def invite_again(user_ref: str) -> ResponseReturnValue:
    """Send a colleague's invitation again, with a new link."""
    with transaction() as session:
        user = get_led(session, current_actor(), user_ref)
        resend_invitation(session, current_actor(), user, now=clock.now())
        email = user.email
    flash(
        _("A new invitation is on its way to %(email)s. The old link opens nothing any more.", email=email),
        "success",
    )
    return redirect(url_for("partners.team"), 303)
