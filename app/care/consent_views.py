"""The page on which somebody says what a lead or a contact agreed to."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts.changes import StaleEdit
from app.accounts.consent import CONSENT, OPT_OUTS, basis_choices, basis_name
from app.care.consent import get_person, set_consent
from app.care.views import bp
from app.identity.models import User
from app.kernel import clock
from app.kernel.actor import Level, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, NotAllowed
from app.web.access import current_actor, needs

bp.add_app_template_filter(basis_name, "consent_basis")


@bp.get("/leads/<ref('lead'):ref>/consent")
@needs(Permission.LEAD_EDIT)
def consent_of_lead(ref: str) -> ResponseReturnValue:
    """What a lead agreed to, in a form."""
    return _page(ref)


@bp.get("/contacts/<ref('cont'):ref>/consent")
@needs(Permission.CONTACT_EDIT)
def consent_of_contact(ref: str) -> ResponseReturnValue:
    """What a contact agreed to, in a form."""
    return _page(ref)


@bp.post("/leads/<ref('lead'):ref>/consent")
@needs(Permission.LEAD_EDIT)
def keep_consent_of_lead(ref: str) -> ResponseReturnValue:
    """Keep it."""
    return _keep(ref)


@bp.post("/contacts/<ref('cont'):ref>/consent")
@needs(Permission.CONTACT_EDIT)
def keep_consent_of_contact(ref: str) -> ResponseReturnValue:
    """Keep it."""
    return _keep(ref)


def _keep(ref: str) -> ResponseReturnValue:
    given: dict[str, Any] = {name: request.form.get(name, "") for name in CONSENT}
    given |= {name: request.form.get(name) == "1" for name in OPT_OUTS}
    version = request.form.get("version", "")
    try:
        with transaction() as session:
            set_consent(
                session, current_actor(), ref, given,
                version=int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else None,
                now=clock.now(),
            )  # fmt: skip
    except Invalid as error:
        return _page(ref, given, {name: [str(m) for m in found] for name, found in error.errors.items()}), 422
    except StaleEdit as error:
        return _page(ref, given, {"": [str(error.message)]}), 409
    flash(_("Saved."), "success")
    return redirect(_url(ref), 303)


def _url(ref: str) -> str:
    return (
        url_for("leads.show", lead_ref=ref)
        if ref.startswith("lead_")
        else url_for("contacts.show", contact_ref=ref)
    )


def _page(ref: str, given: dict[str, Any] | None = None, errors: dict[str, list[str]] | None = None) -> str:
    session, actor = db.session(), current_actor()
    if actor.is_partner:
        raise NotAllowed
    person = get_person(session, actor, ref, Level.EDIT)
    noted = person.opted_out_by or {}
    keys = {entry["by"] for entry in noted.values() if entry.get("by")}
    names = {row.id: row.name for row in session.execute(select(User.id, User.name).where(User.id.in_(keys)))}
    value: dict[str, Any] = {
        "consent": {True: "yes", False: "no", None: ""}[person.consent],
        "consent_basis": person.consent_basis or "",
        "consent_on": person.consent_on.isoformat() if person.consent_on else "",
        "consent_origin": person.consent_origin or "",
        **{name: getattr(person, name) for name in OPT_OUTS},
    }
    return render_template(
        "care/consent.html",
        page_ref=person.ref,
        person=person,
        name=person.title_for(actor) if person.__tablename__ == "lead" else person.full_name,
        back=_url(ref),
        value=given or value,
        errors=errors or {},
        bases=basis_choices(person.consent_basis),
        noted={n: (e.get("at", "")[:10], names.get(e.get("by") or 0, "")) for n, e in noted.items()},
    )
