"""Converting a lead: the page that offers what it may be already, the act, undoing it; where fields go."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.errors import REASONS
from app.accounts.pages import accounts_meant
from app.conversion.forms import NEW, OTHER, PERSON, ConvertForm, MappingForm
from app.conversion.mapping import TARGETS, add_mapping, list_mappings, remove_mapping
from app.conversion.matching import find_matches
from app.conversion.operations import convert_lead, missing_fields
from app.conversion.undoing import unconvert_lead
from app.conversion.wanted import Wanted, read_wanted
from app.fields.catalogue import catalogue
from app.identity.queries import get_organisation
from app.kernel import clock, labels, refs
from app.kernel.actor import Level, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict, Invalid
from app.kernel.text import clean_text
from app.leads.fields import FIELDS
from app.leads.models import Lead
from app.leads.queries import get_lead
from app.web.access import current_actor, needs
from app.web.choices import options
from app.web.form_errors import show_errors
from app.web.once import once

bp = Blueprint("conversion", __name__)


@bp.get("/leads/<ref('lead'):lead_ref>/convert")
@needs(Permission.LEAD_CONVERT)
def ask(lead_ref: str) -> ResponseReturnValue:
    """What it may be already, and what it is to become."""
    lead = get_lead(db.session(), current_actor(), lead_ref, Level.EDIT)
    if lead.converted_at is not None:
        return redirect(url_for("leads.show", lead_ref=lead_ref), 303)
    company, _first, last = _names(lead)
    data = {"account": "", "contact": "", "name": company or last}
    return _page(lead_ref, ConvertForm(formdata=None, data=data))


def _names(lead: Lead) -> list[str]:
    """The company, the person's first and last name, "" for what the reader is not told."""
    hidden = current_actor().hidden_fields
    names = ("company", "first_name", "last_name")
    return ["" if name in hidden else getattr(lead, name) or "" for name in names]


def _page(lead_ref: str, form: ConvertForm) -> str:
    session, actor = db.session(), current_actor()
    lead = get_lead(session, actor, lead_ref, Level.EDIT)
    company, first, last = _names(lead)
    matches = find_matches(session, actor, lead)
    if not form.account.data:
        form.account.data = matches.accounts[0].ref if matches.accounts else NEW
    if not form.contact.data:
        form.contact.data = matches.contacts[0].ref if matches.contacts else NEW
    form.offer_currencies(get_organisation(session).currency)
    form.shown.data = " ".join(match.ref for match in (*matches.accounts, *matches.contacts))
    missing = [
        str(FIELDS[name].label)
        for name in missing_fields(lead, is_person=False)
        if name not in actor.hidden_fields
    ]
    return render_template(
        "conversion/ask.html",
        page_ref=lead.ref,
        lead=lead,
        title=lead.title_for(actor),
        company_name=company,
        person_name=f"{first} {last}".strip(),
        form=form,
        matches=matches,
        missing=missing,
        can_be_person=not missing_fields(lead, is_person=True),
        reasons=REASONS,
    )


@bp.post("/leads/<ref('lead'):lead_ref>/convert")
@needs(Permission.LEAD_CONVERT)
@once
def convert(lead_ref: str) -> ResponseReturnValue:
    """Convert it; pressed twice, the second shows what the first made."""
    actor, form = current_actor(), ConvertForm()
    try:
        with transaction() as session:
            _find_other(form)
            result = convert_lead(session, actor, lead_ref, _wanted(form), now=clock.now())
    except Invalid as error:
        error.errors = {_place(name): said for name, said in error.errors.items()}
        show_errors(form, error)
        return _page(lead_ref, form), 422
    except Conflict as error:
        flash(str(error.message), "warning")
        return redirect(url_for("leads.show", lead_ref=lead_ref), 303)
    flash(_("It is converted. This can be undone for a day, while nothing is added."), "success")
    if result.opportunity is not None:
        return redirect(url_for("opportunities.show", opportunity_ref=result.opportunity.ref), 303)
    return redirect(url_for("leads.show", lead_ref=lead_ref), 303)


def _find_other(form: ConvertForm) -> None:
    """Choose the account whose name was typed.  Raises Invalid for none, and for several, which are then offered."""
    if form.account.data != OTHER:
        return
    text = clean_text(str(form.other.data or ""), field="other") or ""
    if not text:
        raise Invalid({"other": [_("Give a value.")]})
    actor = current_actor()
    # Partners see hardly more accounts than those that their leads became, and not where they are.
    found = accounts_meant(db.session(), actor, text, "") if actor.is_internal else []
    if not found:
        raise Invalid(
            {"other": [_("There is no account whose name begins with “%(text)s”.", text=text[:60])]}
        )
    if len(found) > 1:
        form.meant = found
        raise Invalid({"other": [_("Several accounts can be meant. Choose one.")]})
    form.account.data = found[0][0]


def _wanted(form: ConvertForm) -> Wanted:
    """Whatever was offered and not chosen it is not."""
    account, contact = str(form.account.data or ""), str(form.contact.data or "")
    shown = str(form.shown.data or "").split()
    is_person = account == PERSON
    of_account = account if refs.is_ref(refs.ACCOUNT, account) else None
    of_contact = contact if refs.is_ref(refs.CONTACT, contact) and not is_person else None
    return read_wanted(
        of_account,
        of_contact,
        is_person,
        form.opportunity(),
        frozenset(ref for ref in shown if ref not in (of_account, of_contact)),
    )


def _place(name: str) -> str:
    """Where a message stands in the form."""
    known = {"account_id": "account", "contact_id": "contact", "last_name": "", "company": ""}
    return known.get(name, name.removeprefix("opportunity."))


@bp.post("/leads/<ref('lead'):lead_ref>/unconvert")
@needs(Permission.LEAD_CONVERT)
@once
def undo(lead_ref: str) -> ResponseReturnValue:
    """Undo the conversion, or say what stands in the way."""
    try:
        with transaction() as session:
            unconvert_lead(session, current_actor(), lead_ref, now=clock.now())
    except Conflict as error:
        flash(str(error.message), "warning")
    else:
        flash(_("The conversion is undone; it is a %(lead)s again.", lead=labels.one("lead")), "success")
    return redirect(url_for("leads.show", lead_ref=lead_ref), 303)


# Where fields go


@bp.get("/setup/conversion")
@needs(Permission.SETTING_MANAGE)
def mapping() -> ResponseReturnValue:
    """Where the fields that administrators added go."""
    return _mapping_page(MappingForm(formdata=None))


def _mapping_page(form: MappingForm) -> str:
    session = db.session()
    known = catalogue(session)
    form.lead_field.choices = options([(f.name, f.label) for f in known.active("lead").values()])
    form.target.choices = options(
        [
            (f"{object_}:{f.name}", f"{labels.one(object_, title=True)}: {f.label}")
            for object_ in TARGETS
            for f in known.active(object_).values()
        ]
    )
    return render_template("conversion/mapping.html", form=form, rows=list_mappings(session))


@bp.post("/setup/conversion")
@needs(Permission.SETTING_MANAGE)
@once
def add_field() -> ResponseReturnValue:
    """Let a field go along."""
    form = MappingForm()
    object_, _colon, field = str(form.target.data or "").partition(":")
    try:
        with transaction() as session:
            lead_field = str(form.lead_field.data or "")
            add_mapping(session, current_actor(), lead_field, object_, field, now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return _mapping_page(form), 422
    flash(_("Saved."), "success")
    return redirect(url_for("conversion.mapping"), 303)


@bp.post("/setup/conversion/<ref('map'):mapping_ref>/remove")
@needs(Permission.SETTING_MANAGE)
@once
def end_field(mapping_ref: str) -> ResponseReturnValue:
    """Let a field go nowhere."""
    with transaction() as session:
        remove_mapping(session, current_actor(), mapping_ref, now=clock.now())
    flash(_("It stays behind from now on."), "success")
    return redirect(url_for("conversion.mapping"), 303)
