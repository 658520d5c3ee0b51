"""Setup: its home, switching partner management on, the organisation, the lists an administrator keeps."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.identity.organisation import USUAL_ACCENT, edit_organisation, fourth_category_of, publish_portal
from app.identity.portal import count_partner_people, set_portal_roles
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict, InUse, Invalid, NotFound
from app.leads.registries import STATUSES as LEAD_STATUSES
from app.registries.operations import (
    add_item,
    add_many,
    edit_item,
    list_items,
    move_item,
    place_item,
    remove_item,
)
from app.setup.forms import CaptureForm, ConfirmForm, OrganisationForm, PortalRolesForm
from app.setup.home import sections
from app.setup.list_pages import ListPage, list_page
from app.setup.registries import area_choices, category_names, given
from app.sharing.enabling import begin_draft, find_draft
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors
from app.web.htmx import wants_fragment
from app.web.once import once

LONGEST_SEARCH = 60
bp = Blueprint("setup", __name__, url_prefix="/setup")

# What an operator types to try the steps below in a company of its own, beside the real one.
TRIAL = "make trial"

_LIST = (
    '/<any("statuses", "case-statuses", "opportunity-stages", "outcome-reasons", "sources", "decline-reasons", "unqualified-reasons", "levels", "relationship-reasons", "characteristic-types", '
    '"interest-areas", "responsible-roles"):name>'
)


@bp.get("/")
@needs(Permission.SETUP_VIEW)
def index() -> ResponseReturnValue:
    """Everything that can be set up, by section; with `q` what is called so."""
    organisation = get_organisation(db.session())
    wanted = request.args.get("q", "").strip()[:LONGEST_SEARCH]
    found = sections(current_actor(), wanted)
    return render_template("setup/index.html", sections=found, prm=organisation, wanted=wanted)


# Partner management


@bp.get("/prm")
@needs(Permission.PRM_ENABLE)
def prm() -> ResponseReturnValue:
    """What switching partner management on means; what it is now."""
    return _prm_page(ConfirmForm(formdata=None))


def _prm_page(form: ConfirmForm, roles: PortalRolesForm | None = None) -> str:
    session = db.session()
    organisation = get_organisation(session)
    roles = roles or PortalRolesForm(formdata=None, portal_roles=list(organisation.portal_roles))
    people = {role.value: count for role, count in count_partner_people(session).items()}
    return render_template(
        "setup/prm.html",
        prm=organisation,
        form=form,
        roles=roles,
        people=people,
        has_begun=organisation.prm_enabled_at is None and find_draft(session, current_actor()) is not None,
        trial=TRIAL,
    )


@bp.post("/prm")
@needs(Permission.PRM_ENABLE)
def begin_enabling() -> ResponseReturnValue:
    """Go on to the first of the steps that end with partner management on; nothing is switched on yet."""
    form = ConfirmForm()
    if get_organisation(db.session()).prm_enabled_at is not None:
        flash(_("Partner management was on already."), "info")
        return redirect(url_for("setup.prm"), 303)
    if not form.validate():
        return _prm_page(form), 422
    with transaction() as session:
        begin_draft(session, current_actor())
    return redirect(url_for("enabling.defaults"), 303)


@bp.post("/prm/publish")
@needs(Permission.PORTAL_PUBLISH)
def publish() -> ResponseReturnValue:
    """Let partner users sign in."""
    with transaction() as session:
        is_new = publish_portal(session, current_actor(), now=clock.now())
    flash(_("The portal is published.") if is_new else _("The portal was published already."), "success")
    return redirect(url_for("setup.prm"), 303)


@bp.post("/prm/roles")
@needs(Permission.PORTAL_PUBLISH)
def save_portal_roles() -> ResponseReturnValue:
    """Say which partner roles are members of the portal."""
    form = PortalRolesForm()
    try:
        if not form.validate():
            raise Invalid
        with transaction() as session:
            set_portal_roles(session, current_actor(), form.portal_roles.data or [], now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return _prm_page(ConfirmForm(formdata=None), form), 422
    flash(_("Saved. It counts on the next click of everybody."), "success")
    return redirect(url_for("setup.prm"), 303)


# The organisation


@bp.get("/organisation")
@needs(Permission.SETTING_MANAGE)
def organisation() -> ResponseReturnValue:
    """The form for name, look, language and time zone."""
    row = get_organisation(db.session())
    form = OrganisationForm(
        formdata=None,
        name=row.name,
        accent=row.accent or USUAL_ACCENT,
        language=row.language,
        time_zone=row.time_zone,
        currency=row.currency,
        fourth_category=fourth_category_of(row),
    )
    return render_template("setup/organisation.html", form=form)


@bp.post("/organisation")
@needs(Permission.SETTING_MANAGE)
def save_organisation() -> ResponseReturnValue:
    """Change name, look, language and time zone."""
    form = OrganisationForm()
    try:
        if not form.validate():
            raise Invalid
        names = ["name", "accent", "language", "time_zone", "fourth_category"]
        names += ["currency"] if form.currency.data else []
        with transaction() as session:
            values = {name: form[name].data for name in names}
            if values["accent"] == USUAL_ACCENT and not get_organisation(session).accent:
                del values["accent"]  # shown as chosen, though nobody chose
            edit_organisation(session, current_actor(), values, now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return render_template("setup/organisation.html", form=form), 422
    flash(_("Saved."), "success")
    return redirect(url_for("setup.organisation"), 303)


@bp.get("/capture")
@needs(Permission.SETTING_MANAGE)
def capture() -> ResponseReturnValue:
    """The form for what a new lead must have."""
    row = get_organisation(db.session())
    form = CaptureForm(formdata=None, strict_capture=row.strict_capture)
    return render_template("setup/capture.html", form=form)


@bp.post("/capture")
@needs(Permission.SETTING_MANAGE)
def save_capture() -> ResponseReturnValue:
    """Change what a new lead must have."""
    form = CaptureForm()
    try:
        if not form.validate():
            raise Invalid
        with transaction() as session:
            values = {"strict_capture": bool(form.strict_capture.data)}
            edit_organisation(session, current_actor(), values, now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return render_template("setup/capture.html", form=form), 422
    flash(_("Saved. It counts on the next click of everybody."), "success")
    return redirect(url_for("setup.capture"), 303)


# The lists


@bp.get(_LIST)
@needs(Permission.SETUP_VIEW)
def registry(name: str) -> ResponseReturnValue:
    """One list, editable in place."""
    return _list(_page(name))


def _page(name: str) -> ListPage:
    """The list, if the person keeps it.  Raises NotAllowed."""
    page = list_page(name)
    current_actor().require(page.registry.permission)
    return page


def _list(
    page: ListPage, *, ref: str = "", said: str = "", problem: str = "", status: int = 200
) -> ResponseReturnValue:
    """The list as a page or, for htmx, as the fragment that replaces it.

    ref: of the entry that was just changed, which takes the focus.  problem: what stands against it.
    """
    body = render_template(
        "setup/_registry.html" if wants_fragment() else "setup/registry.html",
        page=page,
        items=list_items(db.session(), page.registry),
        categories=category_names(page),
        areas=area_choices(db.session()) if page.is_tree else [],
        ref=ref,
        said=said,
        problem=problem,
        typed=request.form if problem else {},
    )
    return body, status


def _done(page: ListPage, ref: str, said: str) -> ResponseReturnValue:
    if wants_fragment():
        return _list(page, ref=ref, said=said)
    flash(said, "success")
    return redirect(url_for("setup.registry", name=page.name, _anchor=ref or None), 303)


def _refused(page: ListPage, ref: str, error: Invalid | Conflict) -> ResponseReturnValue:
    problem = str(error.message or "")
    if isinstance(error, Invalid):
        problem = " ".join(str(message) for messages in error.errors.values() for message in messages)
    return _list(page, ref=ref, problem=problem, status=error.status)


@bp.post(_LIST)
@needs(Permission.SETUP_VIEW)
@once
def add_entry(name: str) -> ResponseReturnValue:
    """Add an entry to a list."""
    page = _page(name)
    try:
        with transaction() as session:
            item = add_item(
                session, current_actor(), page.registry, given(page, request.form), now=clock.now()
            )
    except (Invalid, Conflict) as error:
        return _refused(page, "", error)
    return _done(page, item.ref, _("“%(name)s” is added.", name=item.name))


@bp.post(_LIST + "/paste")
@needs(Permission.SETUP_VIEW)
def paste_entries(name: str) -> ResponseReturnValue:
    """Add the entries of a list that was pasted, all of them or none."""
    page = _page(name)
    if not page.paste:
        raise NotFound("registry", name)
    text = request.form.get("lines", "")
    try:
        with transaction() as session:
            added, there = add_many(session, current_actor(), page.registry, text, now=clock.now())
    except Invalid as error:
        return _refused(page, "paste", error)
    said = _("%(added)s added, %(there)s were there already.", added=added, there=there)
    return _done(page, "", said)


@bp.post(_LIST + "/<string:item_ref>")
@needs(Permission.SETUP_VIEW)
@once
def save_entry(name: str, item_ref: str) -> ResponseReturnValue:
    """Change, move, retire, bring back or remove an entry, by the button that was pressed."""
    page, actor, act = _page(name), current_actor(), request.form.get("act", "save")
    if request.form.get("to"):  # dropped there by its handle; no button was pressed
        act = "move"
    now = clock.now()
    try:
        with transaction() as session:
            match act:
                case "up" | "down":
                    item = move_item(session, actor, page.registry, item_ref, up=act == "up", now=now)
                    said = _("“%(name)s” is moved.", name=item.name)
                case "move":
                    place = _place(request.form.get("to", ""))
                    item = place_item(session, actor, page.registry, item_ref, to=place, now=now)
                    said = _("“%(name)s” is moved.", name=item.name)
                case "retire" | "restore":
                    is_active = {"is_active": act == "restore"}
                    item = edit_item(session, actor, page.registry, item_ref, is_active, now=now)
                    said = (
                        _("“%(name)s” can be chosen again.", name=item.name)
                        if item.is_active
                        else _("“%(name)s” is retired.", name=item.name)
                    )
                case "remove":
                    remove_item(session, actor, page.registry, item_ref, now=now)
                    item_ref, said = "", _("It is removed.")
                case _:
                    item = edit_item(
                        session, actor, page.registry, item_ref, given(page, request.form), now=now
                    )
                    said = _("“%(name)s” is saved.", name=item.name)
    except (Invalid, Conflict) as error:
        if act == "remove" and isinstance(error, InUse) and page.registry is LEAD_STATUSES:
            return _go_to(url_for("lead_path.ask_remove", item_ref=item_ref))
        return _refused(page, item_ref, error)
    return _done(page, item_ref, said)


def _go_to(url: str) -> ResponseReturnValue:
    """Another page, for htmx too, which would put it into this one."""
    if wants_fragment():
        return "", 200, {"HX-Redirect": url}
    return redirect(url, 303)


def _place(text: str) -> int:
    """Where a row was dropped, from 0.  Raises Invalid."""
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise Invalid({"to": [_("There is no such place in the list.")]})
    return int(text)
