"""A business card or a call, taken down on a phone: a number alone is enough, the rest follows later."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext
from sqlalchemy.orm import Session
from wtforms import BooleanField, SelectField, StringField, TextAreaField

from app.fields.catalogue import catalogue
from app.intake.take_in import Arrival, take_in
from app.kernel import clock
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, NotFound
from app.leads.choices import load_lists
from app.leads.fields import FIELDS
from app.leads.lookalikes import Lookalike, find_lookalikes
from app.leads.models import Lead
from app.leads.process import lead_process, missing_to_qualify
from app.leads.queries import get_lead
from app.leads.views.blueprint import bp
from app.lists.recent import remember_opened
from app.routing.targets import find_target
from app.web.access import current_actor, needs
from app.web.choices import options
from app.web.form_errors import show_errors
from app.web.forms import Form
from app.web.once import once

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext
ASKED = ("phone", "last_name", "first_name", "company", "email", "title", "description")


class QuickForm(Form):
    """What stands on a card, and a note; the source and who keeps it are those of the card before."""

    phone = StringField(FIELDS["phone"].label)
    last_name = StringField(FIELDS["last_name"].label)
    first_name = StringField(FIELDS["first_name"].label)
    company = StringField(FIELDS["company"].label)
    email = StringField(FIELDS["email"].label)
    title = StringField(FIELDS["title"].label)
    description = TextAreaField(_l("Note"))
    source = SelectField(FIELDS["source"].label, choices=[], validate_choice=False)
    mine = BooleanField(_l("I keep it"), description=_l("Otherwise the assignment rules decide who gets it."))

    def given(self) -> dict[str, str]:
        """Field → what was typed, of those that hold something."""
        return {n: self[n].data for n in (*ASKED, "source") if (self[n].data or "").strip()}


@dataclass(frozen=True, slots=True)
class Saved:
    """The lead that was just taken down.  missing: labels of what qualifying asks for and it has not."""

    ref: str
    title: str
    missing: Sequence[str]
    lookalikes: Sequence[Lookalike]


@bp.get("/leads/quick")
@needs(Permission.LEAD_CREATE)
def quick() -> ResponseReturnValue:
    """The form, empty; above it the one that was saved before."""
    session, actor = db.session(), current_actor()
    kept = {"source": request.args.get("source", ""), "mine": bool(request.args.get("mine"))}
    return _page(
        session, QuickForm(formdata=None, data=kept), _saved(session, actor, request.args.get("saved"))
    )


@bp.post("/leads/quick")
@needs(Permission.LEAD_CREATE)
@once
def add_quickly() -> ResponseReturnValue:
    """Save it, and offer the next."""
    actor, form = current_actor(), QuickForm()
    try:
        with transaction() as session:
            owner = find_target(session, actor, "user", actor.ref) if form.mine.data else None
            lead, _is_new = take_in(session, actor, form.given(), Arrival(owner=owner), now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return _page(db.session(), form), 422
    source, mine = form.source.data or None, "1" if form.mine.data else None
    remember_opened(actor, lead)
    return redirect(url_for("leads.quick", saved=lead.ref, source=source, mine=mine), 303)


def _page(session: Session, form: QuickForm, saved: Saved | None = None) -> str:
    names = [(name, name) for _ref, name in load_lists(session).sources]
    form.source.choices = options([("", "–"), *names])
    return render_template("leads/quick.html", form=form, saved=saved)


def _saved(session: Session, actor: Actor, ref: str | None) -> Saved | None:
    """None where it has gone to somebody whose leads the actor does not see."""
    if not ref:
        return None
    try:
        lead = get_lead(session, actor, ref, Level.READ)
    except NotFound:
        return None
    return Saved(ref, lead.title_for(actor), _missing(session, lead), find_lookalikes(session, actor, lead))


def _missing(session: Session, lead: Lead) -> list[str]:
    own = catalogue(session).active("lead")
    required = lead_process(session).required
    names = missing_to_qualify(required, lambda column: getattr(lead, column), lead.custom, own)
    return [str((FIELDS.get(name) or own[name]).label) for name in names]
