"""Merging two or three records: choosing them, choosing among their values, doing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.accounts.pages import in_words
from app.accounts.queries import get_account, get_contact
from app.care.burden import burden_of
from app.care.merge_job import merge_or_ask
from app.care.merged_values import Candidate, as_told, fields_of
from app.care.merging import get_candidates, possible_survivors
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict, Invalid
from app.kernel.paging import COUNT_CAP
from app.kernel.text import clean_text
from app.lists.export_views import job_page
from app.lists.models import JobKind
from app.lists.queries import get_job
from app.search.finding import find_ids
from app.search.queries import Hit, account_hits, contact_hits
from app.web.access import current_actor, needs
from app.web.once import once

bp = Blueprint("merging", __name__, url_prefix="/care/merge")

OFFERED = 8


@dataclass(frozen=True, slots=True)
class Value:
    """What one of the records says in a field.  ref: the record's public name.  words: the value."""

    ref: str
    words: str
    is_kept: bool
    is_empty: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """A field in which the records differ.  is_picked: another value is kept than would be without a choice by hand."""

    name: str
    label: str
    values: Sequence[Value]
    is_picked: bool


@bp.get("/account")
@needs(Permission.ACCOUNT_DELETE)
def choose_account() -> ResponseReturnValue:
    """With one account: which other is the same?  With two or three: whose values are kept."""
    return _choose("account")


@bp.get("/contact")
@needs(Permission.CONTACT_EDIT)
def choose_contact() -> ResponseReturnValue:
    """The same of contacts."""
    return _choose("contact")


def _choose(kind: str) -> ResponseReturnValue:
    session, actor = db.session(), current_actor()
    refs = list(dict.fromkeys(request.args.getlist("ref")))
    if len(refs) < 2:
        return _pick_page(session, actor, kind, refs)
    return _choice_page(session, actor, kind, refs, survivor=request.args.get("survivor", ""))


def _pick_page(session: Session, actor: Actor, kind: str, refs: Sequence[str]) -> str:
    read = get_account if kind == "account" else get_contact
    record: Any = read(session, actor, refs[0]) if refs else None
    try:
        text = clean_text(request.args.get("q"), max_length=200, field="q") or ""
    except Invalid:
        text = ""
    hits = _hits(session, actor, kind, text) if text else []
    return render_template(
        "care/merge_pick.html",
        kind=kind,
        record=record,
        text=text,
        hits=[hit for hit in hits if record is None or hit.ref != record.ref],
    )


def _hits(session: Session, actor: Actor, kind: str, text: str) -> list[Hit]:
    if kind == "account":
        return account_hits(session, actor, find_ids(session, actor, Account, text, limit=OFFERED))
    return contact_hits(session, actor, find_ids(session, actor, Contact, text, limit=OFFERED))


def _choice_page(
    session: Session,
    actor: Actor,
    kind: str,
    refs: Sequence[str],
    *,
    survivor: str,
    chosen: Mapping[str, str] | None = None,
    complaint: Any = "",
) -> str:
    candidates = get_candidates(session, actor, kind, refs)
    burdens = {each.record.ref: burden_of(session, actor, each.record).counts for each in candidates}
    can_stay = possible_survivors(actor, candidates)
    if survivor not in {each.record.ref for each in can_stay}:
        survivor = _likeliest(can_stay, burdens)
    return render_template(
        "care/merge.html",
        kind=kind,
        candidates=candidates,
        can_stay=can_stay,
        burdens=burdens,
        most=COUNT_CAP,
        survivor=survivor,
        choices=_choices(session, actor, kind, candidates, survivor, chosen or {}),
        complaint=complaint,
        back=_page_of(kind, survivor),
    )


def _likeliest(candidates: Sequence[Candidate], burdens: Mapping[str, Mapping[str, int]]) -> str:
    """The one to suggest as the one that stays: what most hangs on, of equals the oldest."""
    best = max(candidates, key=lambda each: (sum(burdens[each.record.ref].values()), -each.record.id))
    return str(best.record.ref)


def _choices(
    session: Session,
    actor: Actor,
    kind: str,
    candidates: Sequence[Candidate],
    survivor: str,
    chosen: Mapping[str, str],
) -> list[Choice]:
    """The fields in which they differ; kept is what was chosen, else the survivor's, else the first there is."""
    found = []
    for name, field in fields_of(kind, candidates[0].record).items():
        values = {each.record.ref: getattr(each.record, field.attribute) for each in candidates}
        if len(set(values.values())) < 2:
            continue
        first = next((ref for ref, value in values.items() if value is not None), survivor)
        offered = survivor if values[survivor] is not None else first
        kept = chosen.get(name) or offered
        words = {
            ref: in_words(session, actor, field, as_told(session, field, value))
            for ref, value in values.items()
        }
        told = [Value(ref, words[ref], ref == kept, value is None) for ref, value in values.items()]
        found.append(Choice(name, str(field.label), told, is_picked=kept != offered))
    return found


@bp.post("/account")
@needs(Permission.ACCOUNT_DELETE)
@once
def merge_account() -> ResponseReturnValue:
    """Make one of two or three accounts."""
    return _merge("account")


@bp.post("/contact")
@needs(Permission.CONTACT_EDIT)
@once
def merge_contact() -> ResponseReturnValue:
    """Make one of two or three contacts."""
    return _merge("contact")


def _merge(kind: str) -> ResponseReturnValue:
    actor, refs = current_actor(), list(dict.fromkeys(request.form.getlist("ref")))
    survivor = request.form.get("survivor", "")
    chosen = {
        name.removeprefix("field-"): value
        for name, value in request.form.items()
        if name.startswith("field-")
    }
    try:
        with transaction() as session:
            kept, job = merge_or_ask(
                session, actor, kind, survivor, refs, chosen, versions=_versions(), now=clock.now()
            )
            name = kept.name if isinstance(kept, Account) else kept.full_name
            waits_at = url_for("merging.show_merge", merge_ref=job.ref) if job is not None else ""
    except (Conflict, Invalid) as error:
        return _refused(db.session(), actor, kind, refs, survivor, chosen, error)
    if waits_at:
        return redirect(waits_at, 303)
    flash(_("%(name)s is one record now.", name=name), "success")
    return redirect(_page_of(kind, kept.ref), 303)


@bp.get("/<ref('chg'):merge_ref>")
@needs(Permission.CONTACT_EDIT)
def show_merge(merge_ref: str) -> ResponseReturnValue:
    """How far a merge of much is."""
    return job_page(get_job(db.session(), current_actor(), merge_ref, kind=JobKind.MERGE))


def _page_of(kind: str, ref: str) -> str:
    given: dict[str, Any] = {f"{kind}_ref": ref}
    return url_for(f"{kind}s.show", **given)


def _refused(
    session: Session,
    actor: Actor,
    kind: str,
    refs: Sequence[str],
    survivor: str,
    chosen: Mapping[str, str],
    error: Conflict | Invalid,
) -> ResponseReturnValue:
    """The choice again with what stands against it; where the records are no longer there to choose, that alone."""
    complaint = error.message or " ".join(
        str(message) for messages in getattr(error, "errors", {}).values() for message in messages
    )
    try:
        page = _choice_page(session, actor, kind, refs, survivor=survivor, chosen=chosen, complaint=complaint)
    except Conflict:
        page = render_template("care/merge_refused.html", kind=kind, complaint=complaint)
    except Invalid:
        raise error from None
    return page, error.status


def _versions() -> dict[str, int]:
    found = {}
    for name, value in request.form.items():
        if name.startswith("version-") and value.isascii() and value.isdecimal() and len(value) < 10:
            found[name.removeprefix("version-")] = int(value)
    return found
