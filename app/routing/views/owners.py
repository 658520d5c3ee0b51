"""Change owner: of one lead on its own page, of many after a confirmation, and the undo of that."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel import clock, labels
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import db, let_go, transaction
from app.kernel.errors import Conflict, Invalid, NotAllowed
from app.leads.errors import AtCapacity
from app.leads.models import Lead
from app.leads.placement import Owner
from app.leads.queries import LeadDetail, find_level, open_lead
from app.leads.rows import LeadRow
from app.lists.catalogue import objects
from app.lists.door import params_sent
from app.lists.found import list_ids
from app.lists.page import query_of
from app.routing.assign import Wish, assign_lead, get_lead_to_assign
from app.routing.bulk import MOST_LEADS, bulk_assign
from app.routing.candidates import PARTNER_ACCOUNT, QUEUE, ROUND_ROBIN, USER
from app.routing.errors import RefusedBefore
from app.routing.forms import OwnerForm
from app.routing.models import Queue
from app.routing.picker import Choice, OwnerChoices, owner_choices
from app.routing.targets import find_target
from app.routing.undo import get_bulk_act, undo_bulk_act
from app.sharing.asking import Question, ask, may_be_told
from app.sharing.scope import scope
from app.sharing.trying import owners_changed
from app.web.access import current_actor, needs
from app.web.choices import options
from app.web.filters import number
from app.web.once import once

bp = Blueprint("owners", __name__)

RULES = "rules"
# Kind of the form → kind of the target.
KINDS = {
    "partner_user": USER,
    "partner_account": PARTNER_ACCOUNT,
    "queue": QUEUE,
    "round_robin": ROUND_ROBIN,
    "colleague": USER,
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A lead as the heading of the page calls it."""

    ref: str
    title: str
    owner: Any


@dataclass(slots=True)
class Asked:
    """What the page asks once more before it acts: a sentence for each box to be ticked."""

    over_capacity: str = ""
    despite_refusal: str = ""
    problems: list[str] = field(default_factory=list)


@bp.get("/leads/<ref('lead'):lead_ref>/owner")
@needs(Permission.LEAD_VIEW)
def edit(lead_ref: str) -> ResponseReturnValue:
    """Who should have this lead?"""
    session, actor = db.session(), current_actor()
    get_lead_to_assign(session, actor, lead_ref)
    form = OwnerForm(formdata=None)
    form.kind.data = "colleague" if actor.is_partner else "partner_user"
    return _page(session, actor, lead_ref, form, Asked())


@bp.post("/leads/<ref('lead'):lead_ref>/owner")
@needs(Permission.LEAD_VIEW)
@once
def change(lead_ref: str) -> ResponseReturnValue:
    actor, form, asked = current_actor(), OwnerForm(), Asked()
    try:
        with transaction() as session:
            before = get_lead_to_assign(session, actor, lead_ref).version
            wish = _wish(session, actor, form, despite_refusal=bool(form.despite_refusal.data))
            lead = assign_lead(session, actor, lead_ref, wish, now=clock.now())
            said = _said(session, lead, is_same=lead.version == before)
    except AtCapacity as error:
        asked.over_capacity = str(error.message)
        return _page(db.session(), actor, lead_ref, form, asked), 409
    except RefusedBefore as error:
        asked.despite_refusal = str(error.message)
        return _page(db.session(), actor, lead_ref, form, asked), 409
    except Invalid as error:
        asked.problems = [str(m) for messages in error.errors.values() for m in messages]
        return _page(db.session(), actor, lead_ref, form, asked), 422
    flash(said, "success")
    if find_level(db.session(), actor, lead_ref) is None:
        return redirect(url_for("leads.index"), 303)
    return redirect(url_for("leads.show", lead_ref=lead_ref), 303)


def _wish(session: Session, actor: Actor, form: OwnerForm, *, despite_refusal: bool) -> Wish:
    """What the form asks for.  Raises Invalid."""
    kind = form.kind.data or ""
    is_partner_user = kind == "partner_user"
    target = None
    if kind != RULES:
        if kind not in KINDS:
            raise Invalid({"kind": [_("Choose who should have it.")]})
        chosen = form[kind].data
        if not chosen:
            raise Invalid({kind: [_("Choose one from the list.")]})
        target = find_target(session, actor, KINDS[kind], chosen)
    return Wish(
        target,
        notify=bool(form.notify.data),
        ask_to_accept=bool(form.ask_to_accept.data) and is_partner_user,
        over_capacity=bool(form.over_capacity.data) and actor.is_internal,
        despite_refusal=despite_refusal,
    )


def _said(session: Session, lead: Lead, *, is_same: bool) -> str:
    owner = Owner(*_owner_of(session, lead))
    if is_same:
        return _("%(name)s has it already.", name=owner.name)
    if lead.offer_id is not None:
        return _("Offered to %(name)s.", name=owner.name)
    if owner.queue is not None:
        return _("It waits in “%(name)s” now.", name=owner.name)
    return _("%(name)s has it now.", name=owner.name)


def _owner_of(session: Session, lead: Lead) -> tuple[User | None, Queue | None]:
    user = session.get(User, lead.owner_user_id) if lead.owner_user_id is not None else None
    queue = session.get(Queue, lead.owner_queue_id) if lead.owner_queue_id is not None else None
    return user, queue


def _page(session: Session, actor: Actor, lead_ref: str, form: OwnerForm, asked: Asked) -> str:
    choices = _offer(session, actor, form)
    shown = _shown(open_lead(session, actor, lead_ref))
    return render_template(
        "routing/owner.html", lead=shown, form=form, choices=choices, asked=asked, search=_search()
    )


def _shown(found: LeadDetail | LeadRow) -> Shown:
    if isinstance(found, LeadDetail):
        return Shown(found.ref, found.title, found.owner)
    return Shown(found.ref, found.title, found.owner)


def _search() -> str:
    return request.args.get("q", "").strip()[:80]


def _offer(session: Session, actor: Actor, form: OwnerForm) -> OwnerChoices:
    """Fill the lists of the form with those who can take it."""
    found = owner_choices(session, actor, now=clock.now(), search=_search())
    form.partner_user.choices = _listed(found.partner_users)
    form.partner_account.choices = _listed(found.partner_accounts)
    form.queue.choices = _listed(found.queues)
    form.round_robin.choices = _listed(found.round_robins)
    form.colleague.choices = _listed(found.colleagues)
    return found


def _listed(choices: Sequence[Choice]) -> Any:
    """The choices behind an empty one, by company where they have one."""
    first = options([("", _("Choose …"))])
    if not any(choice.group for choice in choices):
        return [*first, *options((choice.ref, choice.label) for choice in choices)]
    groups: dict[str, list[tuple[str, str]]] = {}
    for choice in choices:
        groups.setdefault(choice.group, []).append((choice.ref, choice.label))
    return {"": first, **{company: options(people) for company, people in groups.items()}}


# Many at once


@bp.post("/leads/change-owner")
@needs(Permission.LEAD_VIEW)
@once
def change_many() -> ResponseReturnValue:
    """From the ticked rows to the question; with the answer, the change of them all."""
    actor, refs = (
        current_actor(),
        list(dict.fromkeys([*request.form.getlist("lead"), *request.form.getlist("ref")])),
    )
    if not (actor.can(Permission.LEAD_ASSIGN) or actor.can(Permission.LEAD_TRANSFER)):
        raise NotAllowed
    if request.form.get("everything"):
        refs = _all_that_match(db.session(), actor)
    if not refs:
        flash(_("Tick the rows first whose owner is to change."), "info")
        return redirect(url_for("leads.index"), 303)
    if not request.form.get("kind"):
        form = OwnerForm(formdata=None)
        form.kind.data = "colleague" if actor.is_partner else "partner_user"
        return _many_page(db.session(), actor, refs, form, Asked())
    form = OwnerForm()
    try:
        question = _ask(db.session(), actor, refs, form)
        if question is not None:
            return _many_page(db.session(), actor, refs, form, Asked(), question)
        with transaction() as session:
            wish = _wish(session, actor, form, despite_refusal=bool(form.despite_refusal.data))
            result = bulk_assign(session, actor, refs, wish, now=clock.now())
    except Invalid as error:
        problems = [str(m) for messages in error.errors.values() for m in messages]
        return _many_page(db.session(), actor, refs, form, Asked(problems=problems)), 422
    return redirect(url_for("owners.done", act_ref=result.act.ref), 303)


def _all_that_match(session: Session, actor: Actor) -> list[str]:
    """Public names of the first leads of the list that the form carries on; told where there are more."""
    query = query_of(session, actor, objects()["lead"], params_sent())
    found = list_ids(session, actor, replace(query, level=Level.READ), limit=MOST_LEADS)
    keys = [each.id for each in found.items]
    if found.older:
        flash(_("More match. These are the first %(number)s of them.", number=number(MOST_LEADS)), "info")
    return list(session.scalars(select(Lead.ref).where(scope(Lead, actor), Lead.id.in_(keys))))


def _ask(session: Session, actor: Actor, refs: Sequence[str], form: OwnerForm) -> Question | None:
    """What is to be agreed to first: what people gain and lose by it.  Raises what doing it raises.

    Nothing where they may not be told, as partners above all.
    """
    if not may_be_told(actor):
        return None
    wish = _wish(session, actor, form, despite_refusal=bool(form.despite_refusal.data))
    now = clock.now()
    found = owners_changed(
        session, lambda trying: bulk_assign(trying, actor, refs, wish, now=now), refs, then=let_go
    )
    kind = form.kind.data or ""
    given = form.data  # of the lists only that of the chosen kind
    names = (kind, "ask_to_accept", "over_capacity", "despite_refusal")
    return ask(found, (sorted(refs), kind, [given.get(name) for name in names]))


@dataclass(frozen=True, slots=True)
class Many:
    """The leads whose owner is to change: how many, and a few of them by name."""

    refs: Sequence[str]
    titles: Sequence[str]

    @property
    def more(self) -> int:
        return len(self.refs) - len(self.titles)


def _many_page(
    session: Session,
    actor: Actor,
    refs: Sequence[str],
    form: OwnerForm,
    asked: Asked,
    question: Question | None = None,
) -> str:
    choices = _offer(session, actor, form)
    some = session.scalars(select(Lead).where(scope(Lead, actor), Lead.ref.in_(refs[:5]))).all()
    by_ref = {lead.ref: lead for lead in some}
    titles = [] if actor.is_partner else [by_ref[r].title_for(actor) for r in refs[:5] if r in by_ref]
    many = Many(refs, titles)
    return render_template(
        "routing/owners.html",
        many=many,
        question=question,
        form=form,
        choices=choices,
        asked=asked,
        search=_search(),
        most=MOST_LEADS,
    )


@bp.get("/bulk-acts/<ref('bulk'):act_ref>")
@needs(Permission.LEAD_VIEW)
def done(act_ref: str) -> ResponseReturnValue:
    """What a change of many did, what it could not do, and its undo."""
    session, actor = db.session(), current_actor()
    act = get_bulk_act(session, actor, act_ref)
    refs = [item["ref"] for item in act.refused]
    titles = {}
    if not actor.is_partner:
        leads = session.scalars(select(Lead).where(scope(Lead, actor), Lead.ref.in_(refs)))
        titles = {lead.ref: lead.title_for(actor) for lead in leads}
    return render_template(
        "routing/done.html",
        act=act,
        titles=titles,
        kind=_kind_words(act.target.get("kind", "")),
        now=clock.now(),
    )


def _kind_words(kind: str) -> str:
    names = {QUEUE: "queue", ROUND_ROBIN: "round_robin", PARTNER_ACCOUNT: "partner_account"}
    return labels.one(names[kind]) if kind in names else ""


@bp.post("/bulk-acts/<ref('bulk'):act_ref>/undo")
@needs(Permission.LEAD_VIEW)
@once
def undo(act_ref: str) -> ResponseReturnValue:
    """Put everything back, within two minutes."""
    try:
        with transaction() as session:
            result = undo_bulk_act(session, current_actor(), act_ref, now=clock.now())
    except Conflict as error:
        flash(str(error.message), "error")
        return redirect(url_for("owners.done", act_ref=act_ref), 303)
    count = len(result.undone)
    said = ngettext("%(num)s is back where it was.", "%(num)s are back where they were.", count)
    if result.refused:
        stay = len(result.refused)
        said += " " + ngettext(
            "%(num)s stays: something has happened to it since.",
            "%(num)s stay: something has happened to them since.",
            stay,
        )
    flash(said, "success" if not result.refused else "warning")
    return redirect(url_for("owners.done", act_ref=act_ref), 303)
