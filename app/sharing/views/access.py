"""Who sees a record and why: the page, the panel's content, sharing by hand; whom pickers offer."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.accounts.queries import get_account, get_contact
from app.cases.queries import get_case
from app.kernel import clock, labels, refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import db, let_go, transaction
from app.kernel.errors import Invalid, NotFound
from app.leads.queries import get_lead
from app.opportunities.queries import get_opportunity
from app.sharing.access_page import everybody, may_share, one_person, shared_with, shares_by_hand, themselves
from app.sharing.affected import Consequences
from app.sharing.asking import Question, ask, may_be_told
from app.sharing.explain import Record
from app.sharing.forms import ShareForm
from app.sharing.levels import find_level
from app.sharing.picker import Picker, offer, read_picker, role_choices, type_choices, users_named
from app.sharing.principals import USER, find_principal, reaches_partners
from app.sharing.rule_draft import OWNED_BY, SHARE_WITH
from app.sharing.seen import name_of
from app.sharing.shares import SharedAlready, share_record, unshare_record
from app.sharing.trying import record_shared
from app.sharing.words import sentence_of
from app.web.access import current_actor, needs
from app.web.filters import local_date
from app.web.form_errors import show_errors
from app.web.htmx import wants_fragment
from app.web.once import once

bp = Blueprint("access", __name__)

WITH = "principal"
_PAGES = {
    "lead": ("leads.show", "lead_ref"),
    "account": ("accounts.show", "account_ref"),
    "contact": ("contacts.show", "contact_ref"),
    "opportunity": ("opportunities.show", "opportunity_ref"),
    "case": ("cases.show", "case_ref"),
}


@bp.get("/leads/<ref('lead'):record_ref>/access")
@needs(Permission.LEAD_VIEW)
def lead(record_ref: str) -> ResponseReturnValue:
    """Who sees a lead; those who may not ask learn why they see it themselves."""
    return _show("lead", record_ref)


@bp.get("/accounts/<ref('acct'):record_ref>/access")
@needs(Permission.ACCOUNT_VIEW)
def account(record_ref: str) -> ResponseReturnValue:
    """Who sees an account, in the same way."""
    return _show("account", record_ref)


@bp.get("/contacts/<ref('cont'):record_ref>/access")
@needs(Permission.CONTACT_VIEW)
def contact(record_ref: str) -> ResponseReturnValue:
    """Who sees a contact, in the same way."""
    return _show("contact", record_ref)


@bp.get("/cases/<ref('case'):record_ref>/access")
@needs(Permission.CASE_VIEW)
def case(record_ref: str) -> ResponseReturnValue:
    """Who sees a case, in the same way."""
    return _show("case", record_ref)


@bp.get("/opportunities/<ref('opp'):record_ref>/access")
@needs(Permission.OPPORTUNITY_VIEW)
def opportunity(record_ref: str) -> ResponseReturnValue:
    """Who sees an opportunity, in the same way."""
    return _show("opportunity", record_ref)


_READ: dict[str, Callable[[Session, Actor, str], Record]] = {
    # As far as it is seen at all.
    "lead": lambda session, actor, ref: get_lead(session, actor, ref, Level.PREVIEW),
    "account": get_account,
    "contact": get_contact,
    "opportunity": get_opportunity,
    "case": get_case,
}


def _record(session: Session, actor: Actor, kind: str, ref: str) -> Record:
    """Raises NotFound."""
    return _READ[kind](session, actor, ref)


def _show(kind: str, ref: str) -> ResponseReturnValue:
    session, actor = db.session(), current_actor()
    record = _record(session, actor, kind, ref)
    if wants_fragment():
        return render_template("access/_panel_body.html", **_told(session, actor, record))
    return _page(session, actor, record, Picker(WITH, type="user"), ShareForm(formdata=None))


def _told(session: Session, actor: Actor, record: Record) -> dict[str, Any]:
    """What page and panel show alike."""
    asks = actor.can(Permission.ACCESS_VIEW)
    shares = may_share(session, actor, record)
    kind = record.__tablename__
    endpoint, argument = _PAGES[kind]
    return {
        "kind": kind,
        "record_ref": record.ref,
        "here": url_for(f"access.{kind}", record_ref=record.ref),
        "up": url_for(endpoint, **{argument: record.ref}),  # type: ignore[arg-type]
        "lines": everybody(session, actor, record) if asks else [],
        "own": None if asks else themselves(session, actor, record),
        "shares": shares_by_hand(session, actor, record) if asks or shares else [],
        "may_share": shares,
    }


def _page(
    session: Session,
    actor: Actor,
    record: Record,
    picker: Picker,
    form: ShareForm,
    refused: tuple[str, ShareForm | None] = ("", None),
    question: Question | None = None,
    reach: str = "",
) -> str:
    """form: of a new share.  refused: the share whose change was refused, with what was typed.

    question: what is to be agreed to before it is shared; reach: with which partners that would be.
    """
    asked = request.args.get("user", "")
    search = request.args.get("q", "").strip()[:80]
    asks = actor.can(Permission.ACCESS_VIEW)
    return render_template(
        "access/show.html",
        **_told(session, actor, record),
        title=_title(session, actor, record),
        is_private=record.__tablename__ == "contact" and record.account_id is None,  # type: ignore[union-attr]
        verdict=one_person(session, actor, asked, record) if asks and asked else None,
        is_nobody=asks and bool(asked),
        search=search,
        people=users_named(session, actor, search) if asks and search else [],
        picker=offer(session, actor, picker) if may_share(session, actor, record) else picker,
        form=form,
        changed=refused[0],
        change=refused[1],
        question=question,
        reach=reach,
        types=type_choices(),
        roles=role_choices(),
    )


def _title(session: Session, actor: Actor, record: Any) -> str:
    """The record's name for those who may read it; a preview has none."""
    if (find_level(session, actor, record) or Level.PREVIEW) < Level.READ:
        return labels.one(record.__tablename__, title=True)
    return name_of(actor, record)


@bp.get("/leads/<ref('lead'):record_ref>/access/people", defaults={"kind": "lead"})
@bp.get("/accounts/<ref('acct'):record_ref>/access/people", defaults={"kind": "account"})
@bp.get("/contacts/<ref('cont'):record_ref>/access/people", defaults={"kind": "contact"})
@bp.get("/opportunities/<ref('opp'):record_ref>/access/people", defaults={"kind": "opportunity"})
@bp.get("/cases/<ref('case'):record_ref>/access/people", defaults={"kind": "case"})
@needs(Permission.ACCESS_VIEW)
def people(kind: str, record_ref: str) -> ResponseReturnValue:
    """Whom one may ask about, while a name is typed."""
    session, actor = db.session(), current_actor()
    record = _record(session, actor, kind, record_ref)
    search = request.args.get("q", "").strip()[:80]
    here = url_for(f"access.{kind}", record_ref=record.ref)
    return render_template(
        "access/_people.html", people=users_named(session, actor, search), search=search, here=here
    )


# Sharing by hand


@bp.post("/leads/<ref('lead'):record_ref>/access/shares", defaults={"kind": "lead"})
@bp.post("/accounts/<ref('acct'):record_ref>/access/shares", defaults={"kind": "account"})
@bp.post("/contacts/<ref('cont'):record_ref>/access/shares", defaults={"kind": "contact"})
@bp.post("/opportunities/<ref('opp'):record_ref>/access/shares", defaults={"kind": "opportunity"})
@bp.post("/cases/<ref('case'):record_ref>/access/shares", defaults={"kind": "case"})
@needs(Permission.RECORD_SHARE)
@once
def share(kind: str, record_ref: str) -> ResponseReturnValue:
    """Share a record, or only show whom the chosen type offers."""
    actor, picker, form = current_actor(), read_picker(request.form, WITH), ShareForm()
    if request.form.get("act") == "look":
        reading = db.session()
        return _page(reading, actor, _record(reading, actor, kind, record_ref), picker, form)
    try:
        until, trying = _end_of_day(form.until.data, actor.time_zone), db.session()
        question, reach = _ask(trying, actor, _record(trying, actor, kind, record_ref), picker, form, until)
        if question is not None:
            record = _record(trying, actor, kind, record_ref)
            return _page(trying, actor, record, picker, form, question=question, reach=reach)
        with transaction() as session:
            record = _record(session, actor, kind, record_ref)
            _shared, known = share_record(
                session,
                actor,
                record,
                picker.given(),
                form.level.data,
                until=until,
                is_new=True,
                now=clock.now(),
            )
    except Invalid as error:
        if isinstance(error, SharedAlready):
            error.errors[WITH] = [_shared_already(error)]
        picker.errors.extend(str(message) for message in error.errors.pop(WITH, ()))
        show_errors(form, error)
        session = db.session()
        return _page(session, actor, _record(session, actor, kind, record_ref), picker, form), 422
    flash(_("It is shared with %(name)s.", name=known.name), "success")
    return _back(kind, record_ref)


def _ask(
    session: Session, actor: Actor, record: Record, picker: Picker, form: ShareForm, until: datetime | None
) -> tuple[Question | None, str]:
    """What is to be agreed to before partners, more than a single person, see it; who they are.  Raises Invalid."""
    given, level = picker.given(), form.level.data
    known = find_principal(session, given)
    if known.type == USER or not reaches_partners(session, known.key):
        return None, ""
    found = Consequences()
    said = (record.ref, level, until.isoformat() if until is not None else "")
    if may_be_told(actor):
        found = record_shared(session, actor, record, given, level, until=until, now=clock.now(), then=let_go)
    else:
        undone = session.begin_nested()
        try:
            share_record(session, actor, record, given, level, until=until, is_new=True, now=clock.now())
        finally:
            undone.rollback()
    return ask(found, said, about=known.key), sentence_of(known)


def _shared_already(error: SharedAlready) -> str:
    """Sharing anew would end or widen what was agreed on without a word; changing it shows what it was."""
    name = sentence_of(error.known)
    if error.until is None:
        return _("It is shared with %(name)s already: change it under “Shared by hand”.", name=name)
    day = local_date(error.until - timedelta(seconds=1))
    return _(
        "It is shared with %(name)s already, until %(day)s: change it under “Shared by hand”.",
        name=name,
        day=day,
    )


@bp.post("/leads/<ref('lead'):record_ref>/access/shares/<ref('share'):share_ref>", defaults={"kind": "lead"})
@bp.post(
    "/accounts/<ref('acct'):record_ref>/access/shares/<ref('share'):share_ref>", defaults={"kind": "account"}
)
@bp.post(
    "/contacts/<ref('cont'):record_ref>/access/shares/<ref('share'):share_ref>", defaults={"kind": "contact"}
)
@bp.post(
    "/opportunities/<ref('opp'):record_ref>/access/shares/<ref('share'):share_ref>",
    defaults={"kind": "opportunity"},
)
@bp.post("/cases/<ref('case'):record_ref>/access/shares/<ref('share'):share_ref>", defaults={"kind": "case"})
@needs(Permission.RECORD_SHARE)
def change_share(kind: str, record_ref: str, share_ref: str) -> ResponseReturnValue:
    """Change level and end of a share, or take it back, by the button that was pressed."""
    actor, form = current_actor(), ShareForm()
    try:
        with transaction() as session:
            record = _record(session, actor, kind, record_ref)
            if request.form.get("act") == "remove":
                unshare_record(session, actor, record, share_ref, now=clock.now())
                said = _("It is shared with them no longer.")
            else:
                given = shared_with(session, record, share_ref)
                if given is None:
                    raise NotFound("share", share_ref)
                until = _end_of_day(form.until.data, actor.time_zone)
                share_record(session, actor, record, given, form.level.data, until=until, now=clock.now())
                said = _("Saved.")
    except Invalid as error:
        show_errors(form, error)
        session = db.session()
        record = _record(session, actor, kind, record_ref)
        new = ShareForm(formdata=None)
        return _page(session, actor, record, Picker(WITH, type="user"), new, (share_ref, form)), 422
    flash(said, "success")
    return _back(kind, record_ref)


def _back(kind: str, record_ref: str) -> ResponseReturnValue:
    """To the page, or, where they took their own way in, to the list."""
    session, actor = db.session(), current_actor()
    try:
        _record(session, actor, kind, record_ref)
    except NotFound:
        return redirect(url_for(f"{refs.room_of(kind)}.index"), 303)
    return redirect(url_for(f"access.{kind}", record_ref=record_ref), 303)


def _end_of_day(text: object, zone: str) -> datetime | None:
    """The end of a day in the person's zone; None for none.  Raises Invalid."""
    typed = str(text or "").strip()
    if not typed:
        return None
    try:
        day = date.fromisoformat(typed)
        if len(typed) != len("2026-01-31") or not 1990 <= day.year <= 2200:
            raise ValueError
    except ValueError as error:
        raise Invalid({"until": [_("This must be a day, such as 2026-01-31.")]}) from error
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(UTC)


# Pickers


@bp.get("/principals/<any('who', 'list'):part>/<any('principal', 'share_with', 'owned_by'):name>")
@needs(Permission.RECORD_SHARE)
def principals(part: str, name: str) -> ResponseReturnValue:
    """Whom a picker offers: all of its lower half after another type, or the list while a name is typed."""
    picker = read_picker(request.args, name)
    if part == "who":
        picker.search = picker.ref = picker.role = ""
    if picker.type not in {kind for kind, _name in type_choices()} or name not in (
        WITH,
        SHARE_WITH,
        OWNED_BY,
    ):
        abort(404)
    template = "sharing/_picker_who.html" if part == "who" else "sharing/_picker_list.html"
    return render_template(
        template, picker=offer(db.session(), current_actor(), picker), roles=role_choices()
    )
