"""Setup → Web forms: the list, one form with what to copy, the editor, and the quarantine."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.consent import basis_choices
from app.campaigns.models import Campaign
from app.capture.drafts import OFTEN, FormDraft, draft_of, new_draft, sent_draft
from app.capture.exports import form_lines, post_lines, record_export
from app.capture.fields import askable, hideable
from app.capture.models import Cause, LeadForm
from app.capture.operations import (
    create_lead_form,
    delete_lead_form,
    edit_lead_form,
    get_lead_form,
    names_kept,
    shown_hidden,
)
from app.capture.public_views import TRAP
from app.capture.queries import count_trapped, list_lead_forms, list_trapped
from app.capture.taking import asked_by, discard_posts, release_posts
from app.fields.catalogue import catalogue
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, Stale
from app.kernel.paging import COUNT_CAP
from app.leads.fields import FIELDS
from app.leads.models import LeadSource
from app.settings import current_settings
from app.web.access import current_actor, needs
from app.web.listing import ListAddress
from app.web.once import once
from app.web.streams import stream_csv

bp = Blueprint("lead_forms", __name__, url_prefix="/setup/lead-forms")

MOST_AT_ONCE = 200


@bp.get("")
@needs(Permission.LEAD_FORM_MANAGE)
def index() -> ResponseReturnValue:
    """All forms, newest first unless sorted otherwise."""
    session, address = db.session(), _address()
    page = list_lead_forms(
        session, current_actor(), sort=address.sort or "", cursor=request.args.get("cursor")
    )
    return render_template(
        "capture/index.html",
        page=page,
        address=address,
        trapped=count_trapped(session),
        cap=COUNT_CAP,
        languages=language_names(),
    )


def _address(**given: str) -> ListAddress:
    """The address of a list with what it is narrowed to."""
    narrowed = {name: [value] for name, value in given.items() if value}
    return ListAddress(request.path, narrowed, request.args.get("sort"))


@bp.post("/export")
@needs(Permission.LEAD_FORM_MANAGE)
def export() -> ResponseReturnValue:
    """The forms as a CSV file; recorded."""
    actor, sort = current_actor(), request.args.get("sort", "")
    with transaction() as session:
        record_export(session, actor, "lead_form", {}, now=clock.now())
    return stream_csv("web-forms.csv", lambda session: form_lines(session, actor, sort))


@bp.get("/new")
@needs(Permission.LEAD_FORM_MANAGE)
def new() -> ResponseReturnValue:
    """The editor of a new form."""
    known = askable(catalogue(db.session()).active("lead"))
    return _editor(new_draft(known, current_actor().language))


@bp.post("")
@needs(Permission.LEAD_FORM_MANAGE)
@once
def create() -> ResponseReturnValue:
    """Make a form."""
    draft = _sent()
    try:
        with transaction() as session:
            form = create_lead_form(session, current_actor(), draft.values(), now=clock.now())
    except Invalid as error:
        draft.problems = error.errors
        return _editor(draft), 422
    flash(_("The form is ready. Copy it into your site, or link to it."), "success")
    return redirect(url_for("lead_forms.show", form_ref=form.ref), 303)


@bp.get("/<ref('form'):form_ref>")
@needs(Permission.LEAD_FORM_MANAGE)
def show(form_ref: str) -> ResponseReturnValue:
    """One form: its address, the HTML to copy, what it asks and fills in."""
    session, actor = db.session(), current_actor()
    form = get_lead_form(session, actor, form_ref)
    with force_locale(form.language):
        fields = asked_by(session, form)
        snippet = render_template(
            "capture/_snippet.html", form=form, fields=fields, action=capture_url(form), trap=TRAP
        )
        thanks = form.thank_you_text or _("We have what you sent, and will get back to you.")
    return render_template(
        "capture/show.html",
        form=form,
        fields=fields,
        snippet=snippet,
        thanks=thanks,
        hidden=shown_hidden(form, names_kept(session)),
        labels_of=_labels(session),
        address=_whole(url_for("capture.form", key=form.key)),
        trapped=count_trapped(session).get(form.id, 0),
        cap=COUNT_CAP,
        languages=language_names(),
    )


@bp.get("/<ref('form'):form_ref>/edit")
@needs(Permission.LEAD_FORM_MANAGE)
def edit(form_ref: str) -> ResponseReturnValue:
    """The editor."""
    session = db.session()
    form = get_lead_form(session, current_actor(), form_ref)
    known = askable(catalogue(session).active("lead"))
    return _editor(draft_of(form, shown_hidden(form, names_kept(session)), known), form)


@bp.post("/<ref('form'):form_ref>/edit")
@needs(Permission.LEAD_FORM_MANAGE)
def save(form_ref: str) -> ResponseReturnValue:
    """Change it."""
    draft, actor = _sent(), current_actor()
    version = int(draft.version[:9]) if draft.version.isascii() and draft.version.isdecimal() else 0
    try:
        with transaction() as session:
            edit_lead_form(session, actor, form_ref, draft.values(), version=version, now=clock.now())
    except Invalid as error:
        draft.problems = error.errors
        return _editor(draft, get_lead_form(db.session(), actor, form_ref)), 422
    except Stale as error:
        draft.problems = {"": [error.message]}
        return _editor(draft, get_lead_form(db.session(), actor, form_ref)), 409
    flash(_("Saved."), "success")
    return redirect(url_for("lead_forms.show", form_ref=form_ref), 303)


@bp.get("/<ref('form'):form_ref>/delete")
@needs(Permission.LEAD_FORM_MANAGE)
def ask_delete(form_ref: str) -> ResponseReturnValue:
    """What deleting does."""
    session = db.session()
    form = get_lead_form(session, current_actor(), form_ref)
    waiting = count_trapped(session).get(form.id, 0)
    return render_template("capture/delete.html", form=form, waiting=waiting)


@bp.post("/<ref('form'):form_ref>/delete")
@needs(Permission.LEAD_FORM_MANAGE)
@once
def delete(form_ref: str) -> ResponseReturnValue:
    """Delete it."""
    with transaction() as session:
        delete_lead_form(session, current_actor(), form_ref, now=clock.now())
    flash(_("The form is gone. Its %(leads)s stay.", leads=_leads()), "success")
    return redirect(url_for("lead_forms.index"), 303)


# Quarantine


@bp.get("/quarantine")
@needs(Permission.LEAD_FORM_MANAGE)
def quarantine() -> ResponseReturnValue:
    """What looks like the work of a program, of one form or cause or of all."""
    session, actor = db.session(), current_actor()
    form, cause = _narrowed(session)
    address = _address(form=form.ref if form else "", cause=cause or "")
    page = list_trapped(
        session, actor, form, cause=cause, sort=address.sort or "", cursor=request.args.get("cursor")
    )
    forms = list_lead_forms(session, actor, sort="name", limit=MOST_AT_ONCE).items
    return render_template(
        "capture/quarantine.html",
        page=page,
        form=form,
        cause=cause,
        forms=[(each.ref, each.name) for each in forms],
        address=address,
        causes=cause_names(),
        labels_of=_labels(session),
    )


def _narrowed(session: Session) -> tuple[LeadForm | None, Cause | None]:
    """The form and the cause that the address names.  Raises NotFound."""
    wanted, cause = request.args.get("form"), request.args.get("cause")
    form = get_lead_form(session, current_actor(), wanted) if wanted else None
    return form, Cause(cause) if cause in set(Cause) else None


@bp.post("/quarantine/export")
@needs(Permission.LEAD_FORM_MANAGE)
def export_quarantine() -> ResponseReturnValue:
    """The quarantine as a CSV file, with the filters of the address; recorded."""
    actor, sort = current_actor(), request.args.get("sort", "")
    with transaction() as session:
        form, cause = _narrowed(session)
        narrowed = {"form": form.ref if form else None, "cause": cause}
        record_export(session, actor, "lead_form_post", narrowed, now=clock.now())

    def lines(session: Session) -> Iterator[str]:
        return post_lines(session, actor, _narrowed(session)[0], cause, sort)

    return stream_csv("quarantine.csv", lines)


@bp.post("/quarantine")
@needs(Permission.LEAD_FORM_MANAGE)
def sort_out() -> ResponseReturnValue:
    """Take what was chosen as leads, or delete it, asked once more."""
    chosen, act = request.form.getlist("post")[:MOST_AT_ONCE], request.form.get("act")
    back = redirect(url_for("lead_forms.quarantine", form=request.form.get("form") or None), 303)
    if not chosen:
        flash(_("Nothing was done: tick the posts that you mean first."), "warning")
        return back
    with transaction() as session:
        if act == "release":
            made, refused = release_posts(session, current_actor(), chosen, now=clock.now())
            flash(_taken(made, refused), "success" if not refused else "error")
        elif act == "delete" and not request.form.get("sure"):
            return render_template("capture/discard.html", posts=chosen, form=request.form.get("form", ""))
        elif act == "delete":
            gone = discard_posts(session, current_actor(), chosen, now=clock.now())
            flash(ngettext("%(num)s was deleted.", "%(num)s were deleted.", gone), "success")
    return back


def _taken(made: int, refused: Sequence[str]) -> str:
    said = ngettext("%(num)s was taken.", "%(num)s were taken.", made)
    return f"{said} {' '.join(dict.fromkeys(refused))}".strip()


# Parts


def capture_url(form: LeadForm) -> str:
    """Where the form is posted to, as a whole address."""
    return _whole(url_for("capture.take", key=form.key))


def language_names() -> dict[str, str]:
    """Languages that forms can be in."""
    return {"en": _("English"), "es": _("Spanish"), "ca": _("Catalan")}


def cause_names() -> Mapping[Cause, str]:
    """Why something is in quarantine."""
    return {
        Cause.TRAP: _("Filled in the field that nobody sees"),
        Cause.TOO_FAST: _("Was sent within two seconds"),
        Cause.FORGED: _("The mark of the page was changed"),
    }


def _whole(path: str) -> str:
    return f"{current_settings().base_url}{path}"


def _leads() -> str:
    from app.kernel import labels

    return labels.many("lead")


def _labels(session: Session) -> dict[str, str]:
    known: dict[str, Any] = {**FIELDS, **catalogue(session).all("lead")}
    return {name: str(field.label) for name, field in known.items()}


def _sent() -> FormDraft:
    own = catalogue(db.session()).active("lead")
    return sent_draft(request.form, askable(own), hideable(own))


def _editor(draft: FormDraft, form: LeadForm | None = None) -> str:
    session = db.session()
    fillable = hideable(catalogue(session).active("lead"))
    sources = session.scalars(select(LeadSource.name).where(LeadSource.is_active).order_by(LeadSource.name))
    campaigns = session.scalars(
        select(Campaign.name).where(Campaign.archived_at.is_(None)).order_by(Campaign.name_fold)
    ).all()
    had = draft.hidden.get("campaign")
    return render_template(
        "capture/edit.html",
        form=form,
        draft=draft,
        often={name: fillable[name] for name in OFTEN},
        seldom={name: field for name, field in fillable.items() if name not in OFTEN},
        is_more_open=any(text for name, text in draft.hidden.items() if name not in OFTEN),
        chosen_from={
            "source": list(sources),
            "campaign": [*([had] if had and had not in campaigns else []), *campaigns],
        },
        bases=basis_choices(draft.hidden.get("consent_basis")),
        languages=language_names(),
    )
