"""Round robins: who takes turns, what each has had and is due, whose turn is next."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import InUse, Invalid, Stale
from app.routing.forms import MatchForm, MemberForm, RoundRobinForm
from app.routing.ledger import find_line, latest_turns, level_choices, list_round_robins, read_ledger
from app.routing.match_words import match_texts, match_words
from app.routing.models import Queue, RoundRobin
from app.routing.picker import member_choices
from app.routing.queue_queries import queue_choices
from app.routing.round_robins import (
    add_round_robin_member,
    create_round_robin,
    delete_round_robin,
    edit_round_robin,
    get_round_robin,
    remove_round_robin_member,
    set_match,
    set_weight,
)
from app.web.access import current_actor, needs
from app.web.choices import options
from app.web.form_errors import show_errors
from app.web.once import once

bp = Blueprint("round_robins", __name__, url_prefix="/setup/round-robins")


@bp.get("")
@needs(Permission.ROUTING_MANAGE)
def index() -> ResponseReturnValue:
    return render_template("round_robins/index.html", rows=list_round_robins(db.session(), current_actor()))


@bp.get("/<ref('rr'):rr_ref>")
@needs(Permission.ROUTING_MANAGE)
def show(rr_ref: str) -> ResponseReturnValue:
    session = db.session()
    return _page(session, get_round_robin(session, rr_ref), MemberForm(formdata=None))


def _page(session: Session, group: RoundRobin, form: MemberForm, problems: Sequence[str] = ()) -> str:
    actor, now = current_actor(), clock.now()
    ledger = read_ledger(session, actor, group, now=now)
    there = {f"{line.candidate.kind}:{line.candidate.ref}" for line in ledger.lines}
    form.principal.choices = {
        title: options(left)
        for title, members in member_choices(session, for_queue=False)
        if (left := [member for member in members if member[0] not in there])
    }
    fallback = session.get(Queue, group.fallback_queue_id) if group.fallback_queue_id else None
    return render_template(
        "round_robins/show.html",
        group=group,
        ledger=ledger,
        match_words=match_words(session, actor.language),
        fallback=fallback,
        latest=latest_turns(session, actor, group),
        form=form,
        problems=problems,
    )


@bp.get("/new")
@needs(Permission.ROUTING_MANAGE)
def new() -> ResponseReturnValue:
    return _form_page(RoundRobinForm(formdata=None), None)


@bp.post("")
@needs(Permission.ROUTING_MANAGE)
@once
def create() -> ResponseReturnValue:
    form = RoundRobinForm()
    try:
        with transaction() as session:
            group = create_round_robin(session, current_actor(), **_given(form), now=clock.now())
    except Invalid as error:
        _show(form, error)
        return _form_page(form, None), 422
    flash(_("“%(name)s” is there. Add who takes turns.", name=group.name), "success")
    return redirect(url_for("round_robins.show", rr_ref=group.ref), 303)


@bp.get("/<ref('rr'):rr_ref>/edit")
@needs(Permission.ROUTING_MANAGE)
def edit(rr_ref: str) -> ResponseReturnValue:
    session = db.session()
    group = get_round_robin(session, rr_ref)
    fallback = session.get(Queue, group.fallback_queue_id) if group.fallback_queue_id else None
    data = {
        "name": group.name,
        "fallback_queue": fallback.ref if fallback else "",
        "accept_within_minutes": group.accept_within_minutes or "",
        "version": group.version,
    }
    return _form_page(RoundRobinForm(formdata=None, data=data), group)


@bp.post("/<ref('rr'):rr_ref>/edit")
@needs(Permission.ROUTING_MANAGE)
def save(rr_ref: str) -> ResponseReturnValue:
    form = RoundRobinForm()
    try:
        with transaction() as session:
            edit_round_robin(
                session, current_actor(), rr_ref, **_given(form), version=form.began_from, now=clock.now()
            )
    except Invalid as error:
        _show(form, error)
        return _form_page(form, get_round_robin(db.session(), rr_ref)), 422
    except Stale as error:
        form.form_errors = [*form.form_errors, error.message]
        return _form_page(form, get_round_robin(db.session(), rr_ref)), 409
    flash(_("Saved."), "success")
    return redirect(url_for("round_robins.show", rr_ref=rr_ref), 303)


def _given(form: RoundRobinForm) -> dict[str, Any]:
    return {
        "name": form.name.data,
        "fallback_queue": form.fallback_queue.data or None,
        "accept_within_minutes": form.accept_within_minutes.data,
    }


def _show(form: RoundRobinForm, error: Invalid) -> None:
    """The complaints beside their inputs; the fallback queue's is called otherwise over the API."""
    if "fallback_queue_id" in error.errors:
        error.errors["fallback_queue"] = error.errors.pop("fallback_queue_id")
    show_errors(form, error)


def _form_page(form: RoundRobinForm, group: RoundRobin | None) -> str:
    names = queue_choices(db.session())
    form.fallback_queue.choices = options(
        [("", _("Back to where it came from, else the default queue")), *names.items()]
    )
    return render_template("round_robins/form.html", form=form, group=group)


@bp.post("/<ref('rr'):rr_ref>/members")
@needs(Permission.ROUTING_MANAGE)
@once
def add_member(rr_ref: str) -> ResponseReturnValue:
    form = MemberForm()
    kind, _colon, ref = (form.principal.data or "").partition(":")
    given = {"principal": {"type": kind, "id": ref}, "weight": form.weight.data or "1"}
    try:
        with transaction() as session:
            _member, principal = add_round_robin_member(
                session, current_actor(), rr_ref, given, now=clock.now()
            )
    except Invalid as error:
        form.principal.errors = [str(m) for m in error.errors.get("members", [])]
        form.weight.errors = [str(m) for m in error.errors.get("weight", [])]
        session = db.session()
        return _page(session, get_round_robin(session, rr_ref), form), 422
    flash(_("%(name)s takes turns from now on, beginning at zero.", name=principal.name), "success")
    return redirect(url_for("round_robins.show", rr_ref=rr_ref), 303)


@bp.post("/<ref('rr'):rr_ref>/members/<ref('mem'):member_ref>/weight")
@needs(Permission.ROUTING_MANAGE)
def weigh(rr_ref: str, member_ref: str) -> ResponseReturnValue:
    try:
        with transaction() as session:
            set_weight(
                session, current_actor(), rr_ref, member_ref, request.form.get("weight", ""), now=clock.now()
            )
    except Invalid as error:
        session = db.session()
        problems = [str(m) for messages in error.errors.values() for m in messages]
        return _page(session, get_round_robin(session, rr_ref), MemberForm(formdata=None), problems), 422
    flash(_("Saved. Shares count from now."), "success")
    return redirect(url_for("round_robins.show", rr_ref=rr_ref), 303)


@bp.get("/<ref('rr'):rr_ref>/members/<ref('mem'):member_ref>/match")
@needs(Permission.ROUTING_MANAGE)
def match(rr_ref: str, member_ref: str) -> ResponseReturnValue:
    """For which leads the member takes turns, to be changed."""
    line = find_line(db.session(), current_actor(), rr_ref, member_ref, now=clock.now())
    given = match_texts(line.match, current_actor().language)
    return _match_page(rr_ref, member_ref, MatchForm(formdata=None, data=given))


def _match_page(rr_ref: str, member_ref: str, form: MatchForm) -> str:
    session = db.session()
    line = find_line(session, current_actor(), rr_ref, member_ref, now=clock.now())
    form.levels.choices = options(level_choices(session))
    group = get_round_robin(session, rr_ref)
    return render_template("round_robins/match.html", group=group, line=line, form=form)


@bp.post("/<ref('rr'):rr_ref>/members/<ref('mem'):member_ref>/match")
@needs(Permission.ROUTING_MANAGE)
def save_match(rr_ref: str, member_ref: str) -> ResponseReturnValue:
    form = MatchForm()
    try:
        with transaction() as session:
            set_match(session, current_actor(), rr_ref, member_ref, form.read(), now=clock.now())
    except Invalid as error:
        shown = {name.removeprefix("match."): messages for name, messages in error.errors.items()}
        show_errors(form, Invalid(shown))
        return _match_page(rr_ref, member_ref, form), 422
    flash(_("Saved. It counts from the next turn on; shares go on."), "success")
    return redirect(url_for("round_robins.show", rr_ref=rr_ref), 303)


@bp.post("/<ref('rr'):rr_ref>/members/<ref('mem'):member_ref>/remove")
@needs(Permission.ROUTING_MANAGE)
@once
def remove_member(rr_ref: str, member_ref: str) -> ResponseReturnValue:
    with transaction() as session:
        remove_round_robin_member(session, current_actor(), rr_ref, member_ref, now=clock.now())
    flash(_("Removed. Shares of the others count from now."), "success")
    return redirect(url_for("round_robins.show", rr_ref=rr_ref), 303)


@bp.post("/<ref('rr'):rr_ref>/delete")
@needs(Permission.ROUTING_MANAGE)
@once
def delete(rr_ref: str) -> ResponseReturnValue:
    try:
        with transaction() as session:
            name = get_round_robin(session, rr_ref).name
            delete_round_robin(session, current_actor(), rr_ref, now=clock.now())
    except InUse as error:
        flash(str(error.message), "error")
        return redirect(url_for("round_robins.show", rr_ref=rr_ref), 303)
    flash(_("“%(name)s” was deleted. Its ledger stays on record.", name=name), "success")
    return redirect(url_for("round_robins.index"), 303)
