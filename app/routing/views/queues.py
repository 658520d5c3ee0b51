"""Queues: what waits where, and who may take it."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.actor import PARTNER_ROLES, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict, Invalid, Stale
from app.kernel.paging import COUNT_CAP
from app.leads.asking import parse_lead_query
from app.leads.choices import first_names
from app.leads.errors import AtCapacity, LeadAlreadyClaimed
from app.leads.operations import claim_lead
from app.leads.queries import list_leads
from app.routing.forms import MemberForm, QueueForm
from app.routing.models import Queue
from app.routing.operations import claim_next
from app.routing.picker import member_choices
from app.routing.queue_queries import count_waiting, list_feeders, list_members, list_queues
from app.routing.queues import (
    add_queue_member,
    create_queue,
    delete_queue,
    edit_queue,
    get_queue,
    remove_queue_member,
    uses_of_queue,
)
from app.routing.reasons import reason_words
from app.routing.trace import minutes_words
from app.web.access import current_actor, needs
from app.web.choices import options
from app.web.filters import number
from app.web.form_errors import show_errors
from app.web.listing import ListAddress
from app.web.once import once

bp = Blueprint("queues", __name__, url_prefix="/queues")
bp.add_app_template_global(minutes_words, "minutes_words")
bp.add_app_template_global(reason_words, "reason_words")


@bp.get("")
@needs(Permission.QUEUE_VIEW)
def index() -> ResponseReturnValue:
    """The vendor's own queues, or those of partner accounts."""
    actor, search = current_actor(), request.args.get("q", "").strip()[:120]
    partners = request.args.get("of") == "partners"
    page = list_queues(
        db.session(), actor, partners=partners, search=search, cursor=request.args.get("cursor") or None
    )
    given = {"q": [search]} if search else {}
    address = ListAddress(url_for("queues.index"), given, fixed={"of": ["partners"]} if partners else {})
    return render_template(
        "queues/index.html", page=page, partners=partners, search=search, address=address, cap=COUNT_CAP
    )


@bp.get("/<ref('queue'):queue_ref>")
@needs(Permission.QUEUE_VIEW)
def show(queue_ref: str) -> ResponseReturnValue:
    """What waits in a queue, first in first, and who may take it."""
    session = db.session()
    return _page(session, get_queue(session, queue_ref), MemberForm(formdata=None))


def _page(session: Session, queue: Queue, form: MemberForm, refusal: str = "") -> str:
    actor = current_actor()
    query = parse_lead_query(db.session(), actor, {"owner": [queue.ref]}, "waiting_since")
    page = list_leads(session, actor, query, cursor=request.args.get("cursor") or None)
    waiting = count_waiting(session, actor, queue)
    if actor.can(Permission.ROUTING_MANAGE):
        _offer_members(session, queue, form)
    return render_template(
        "queues/show.html",
        queue=queue,
        page=page,
        address=ListAddress(url_for("queues.show", queue_ref=queue.ref), {}),
        waiting=f"{number(COUNT_CAP)}+" if waiting > COUNT_CAP else number(waiting),
        has_waiting=bool(waiting),
        members=list_members(session, queue),
        feeders=list_feeders(session, queue) if actor.can(Permission.ROUTING_MANAGE) else [],
        is_member=queue.id in actor.queue_ids and actor.can(Permission.LEAD_CLAIM),
        form=form,
        refusal=refusal,
        status_words=first_names(),
    )


def _offer_members(session: Session, queue: Queue, form: MemberForm) -> None:
    form.principal.choices = _grouped(member_choices(session, for_queue=True, internal_only=queue.is_default))
    everybody = (_("everybody"), *(_role_names()[role] for role in PARTNER_ROLES[1:]))
    values = ("", *(role.value for role in PARTNER_ROLES[1:]))
    form.role.choices = options(zip(values, everybody, strict=True))


def _role_names() -> Mapping[Any, str]:
    user, manager, executive = PARTNER_ROLES
    return {user: _("everybody"), manager: _("managers and above"), executive: _("executives")}


def _grouped(groups: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> Any:
    return {title: options(members) for title, members in groups if members}


@bp.get("/new")
@needs(Permission.ROUTING_MANAGE)
def new() -> ResponseReturnValue:
    return render_template("queues/form.html", form=QueueForm(formdata=None), queue=None)


@bp.post("")
@needs(Permission.ROUTING_MANAGE)
@once
def create() -> ResponseReturnValue:
    form = QueueForm()
    try:
        with transaction() as session:
            queue = create_queue(
                session,
                current_actor(),
                name=form.name.data,
                accept_within_minutes=form.accept_within_minutes.data,
                touch_within_hours=form.touch_within_hours.data,
                now=clock.now(),
            )
    except Invalid as error:
        show_errors(form, error)
        return render_template("queues/form.html", form=form, queue=None), 422
    flash(_("“%(name)s” is there. Say who may take what waits in it.", name=queue.name), "success")
    return redirect(url_for("queues.show", queue_ref=queue.ref), 303)


@bp.get("/<ref('queue'):queue_ref>/edit")
@needs(Permission.ROUTING_MANAGE)
def edit(queue_ref: str) -> ResponseReturnValue:
    queue = get_queue(db.session(), queue_ref)
    form = QueueForm(
        formdata=None,
        data={
            "name": queue.name,
            "accept_within_minutes": queue.accept_within_minutes or "",
            "touch_within_hours": queue.touch_within_hours or "",
            "version": queue.version,
        },
    )
    return render_template("queues/form.html", form=form, queue=queue)


@bp.post("/<ref('queue'):queue_ref>/edit")
@needs(Permission.ROUTING_MANAGE)
def save(queue_ref: str) -> ResponseReturnValue:
    form = QueueForm()
    try:
        with transaction() as session:
            queue = edit_queue(
                session,
                current_actor(),
                queue_ref,
                name=form.name.data,
                accept_within_minutes=form.accept_within_minutes.data,
                touch_within_hours=form.touch_within_hours.data,
                version=form.began_from,
                now=clock.now(),
            )
    except Invalid as error:
        show_errors(form, error)
        return render_template("queues/form.html", form=form, queue=get_queue(db.session(), queue_ref)), 422
    except Stale as error:
        form.form_errors = [*form.form_errors, error.message]
        return render_template("queues/form.html", form=form, queue=get_queue(db.session(), queue_ref)), 409
    flash(_("Saved."), "success")
    return redirect(url_for("queues.show", queue_ref=queue.ref), 303)


@bp.post("/<ref('queue'):queue_ref>/members")
@needs(Permission.ROUTING_MANAGE)
@once
def add_member(queue_ref: str) -> ResponseReturnValue:
    form = MemberForm()
    kind, _colon, ref = (form.principal.data or "").partition(":")
    given = {"type": kind, "id": ref}
    if form.role.data and kind == "partner_account":
        given["role"] = form.role.data
    try:
        with transaction() as session:
            _member, principal = add_queue_member(session, current_actor(), queue_ref, given, now=clock.now())
    except Invalid as error:
        form.principal.errors = [str(m) for messages in error.errors.values() for m in messages]
        session = db.session()
        return _page(session, get_queue(session, queue_ref), form), 422
    flash(_("%(name)s may take what waits here.", name=principal.name), "success")
    return redirect(url_for("queues.show", queue_ref=queue_ref, _anchor="members"), 303)


@bp.post("/<ref('queue'):queue_ref>/members/<ref('mem'):member_ref>/remove")
@needs(Permission.ROUTING_MANAGE)
@once
def remove_member(queue_ref: str, member_ref: str) -> ResponseReturnValue:
    try:
        with transaction() as session:
            remove_queue_member(session, current_actor(), queue_ref, member_ref, now=clock.now())
    except Conflict as error:
        flash(str(error.message), "error")
    else:
        flash(_("Removed. What they have taken stays with them."), "success")
    return redirect(url_for("queues.show", queue_ref=queue_ref, _anchor="members"), 303)


@bp.get("/<ref('queue'):queue_ref>/delete")
@needs(Permission.ROUTING_MANAGE)
def confirm_delete(queue_ref: str) -> ResponseReturnValue:
    session = db.session()
    queue = get_queue(session, queue_ref)
    return render_template("queues/delete.html", queue=queue, uses=uses_of_queue(session, queue))


@bp.post("/<ref('queue'):queue_ref>/delete")
@needs(Permission.ROUTING_MANAGE)
@once
def delete(queue_ref: str) -> ResponseReturnValue:
    with transaction() as session:
        name = get_queue(session, queue_ref).name
        delete_queue(session, current_actor(), queue_ref, now=clock.now())
    flash(_("“%(name)s” was deleted.", name=name), "success")
    return redirect(url_for("queues.index"), 303)


@bp.post("/<ref('queue'):queue_ref>/claim-next")
@needs(Permission.QUEUE_VIEW)
@once
def take_next(queue_ref: str) -> ResponseReturnValue:
    """Claim whichever has waited longest here, and open it."""
    try:
        with transaction() as session:
            lead = claim_next(session, current_actor(), queue_ref=queue_ref, now=clock.now())
    except AtCapacity as error:
        return _refused(queue_ref, error)
    if lead is None:
        flash(_("Nothing is waiting here just now."), "info")
        return redirect(url_for("queues.show", queue_ref=queue_ref), 303)
    return _yours(lead)


@bp.post("/<ref('queue'):queue_ref>/claim/<ref('lead'):lead_ref>")
@needs(Permission.QUEUE_VIEW)
def claim(queue_ref: str, lead_ref: str) -> ResponseReturnValue:
    try:
        with transaction() as session:
            lead = claim_lead(session, current_actor(), lead_ref, now=clock.now())
    except (AtCapacity, LeadAlreadyClaimed) as error:
        return _refused(queue_ref, error)
    return _yours(lead)


def _refused(queue_ref: str, error: Conflict) -> ResponseReturnValue:
    session = db.session()
    return _page(session, get_queue(session, queue_ref), MemberForm(formdata=None), str(error.message)), 409


def _yours(lead: Any) -> ResponseReturnValue:
    flash(_("It is yours now."), "success")
    return redirect(url_for("leads.show", lead_ref=lead.ref), 303)
