"""Sharing rules: the list with how far each is, the editor, what each gives, deleting one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.actor import Level, Permission
from app.kernel.db import db, let_go, transaction
from app.kernel.errors import Invalid, Stale
from app.kernel.paging import COUNT_CAP
from app.routing.rule_drafts import adds_condition, operator_words
from app.sharing.asking import Question, ask
from app.sharing.consequences import MOST_COUNTED, Count, count_given, counts_of_rules
from app.sharing.models import SharingRule
from app.sharing.picker import offer, role_choices, type_choices
from app.sharing.principals import Known, find_principal, names_of, reaches_partners
from app.sharing.prospects import of_rule
from app.sharing.queries import list_rules, progress_of
from app.sharing.rule_draft import (
    RuleDraft,
    change_conditions,
    draft_of_rule,
    mark_of,
    read_rule_draft,
    written_of,
)
from app.sharing.sharing_rules import Written, create_rule, delete_rule, edit_rule, get_rule
from app.sharing.subjects import SUBJECTS
from app.sharing.words import (
    Who,
    count_words,
    field_choices,
    level_tone,
    level_words,
    rule_words,
    sentence_of,
    who_of,
)
from app.web.access import current_actor, needs
from app.web.listing import ListAddress
from app.web.once import once

bp = Blueprint("sharing_rules", __name__, url_prefix="/setup/sharing-rules")

# A page waits no longer for a count; what it has found by then is said to be "at least".
LONGEST_COUNT_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule as pages show it.

    what: whose records, or which, in words.  given: how many records it gives now, None before it does.
    done: share of the records looked at while it is built, in percent.
    """

    rule: SharingRule
    what: str
    whom: Who
    level: str
    tone: str
    reaches_partners: bool
    given: Count | None
    done: int | None


@bp.get("")
@needs(Permission.SHARING_MANAGE)
def index() -> ResponseReturnValue:
    session = db.session()
    page = list_rules(session, current_actor(), cursor=request.args.get("cursor") or None)
    rows = _rows(session, page.items, most=COUNT_CAP)
    address = ListAddress(url_for("sharing_rules.index"), {})
    return render_template(
        "sharing_rules/index.html", rows=rows, page=page, address=address, count=count_words
    )


def _rows(session: Session, rules: Sequence[SharingRule], *, most: int) -> list[RuleRow]:
    ids = [rule.id for rule in rules]
    principals = {key for rule in rules for key in (rule.owned_by_id, rule.share_with_id) if key is not None}
    names, progress = names_of(session, principals), progress_of(session, ids)
    counts = counts_of_rules(session, ids, most=most)
    rows = []
    for rule in rules:
        whom, level = names[rule.share_with_id], Level(rule.level)
        rows.append(
            RuleRow(
                rule,
                rule_words(rule, names),
                who_of(whom, current_actor()),
                level_words(level),
                level_tone(level),
                reaches_partners(session, whom.key),
                counts.get(rule.id),
                _percent(*progress[rule.id]) if rule.id in progress else None,
            )
        )
    return rows


def _percent(looked_at: int, total: int) -> int:
    return min(99, 100 * looked_at // total) if total else 0


@bp.get("/<ref('srule'):rule_ref>")
@needs(Permission.SHARING_MANAGE)
def show(rule_ref: str) -> ResponseReturnValue:
    """What it gives to whom, and whether it is in force."""
    return _rule_page("sharing_rules/show.html", rule_ref)


@bp.get("/<ref('srule'):rule_ref>/state")
@needs(Permission.SHARING_MANAGE)
def state(rule_ref: str) -> ResponseReturnValue:
    """How far it is: asked for again and again while it is built."""
    return _rule_page("sharing_rules/_state.html", rule_ref)


@bp.get("/<ref('srule'):rule_ref>/delete")
@needs(Permission.SHARING_MANAGE)
def confirm_delete(rule_ref: str) -> ResponseReturnValue:
    """What this takes away from whom."""
    session = db.session()
    question = ask(of_rule(session, get_rule(session, rule_ref), None), "deleted")
    return _rule_page("sharing_rules/delete.html", rule_ref, question)


def _rule_page(template: str, rule_ref: str, question: Question | None = None) -> str:
    session = db.session()
    row = _rows(session, [get_rule(session, rule_ref)], most=MOST_COUNTED)[0]
    return render_template(template, row=row, count=count_words, question=question)


@bp.post("/<ref('srule'):rule_ref>/delete")
@needs(Permission.SHARING_MANAGE)
def delete(rule_ref: str) -> ResponseReturnValue:
    reading = db.session()
    rule = get_rule(reading, rule_ref)
    let_go()  # counting needs no lock
    question = ask(of_rule(reading, rule, None), "deleted")
    if question is not None:
        return _rule_page("sharing_rules/delete.html", rule_ref, question)
    with transaction() as session:
        name = get_rule(session, rule_ref).name
        delete_rule(session, current_actor(), rule_ref, now=clock.now())
    flash(_("“%(name)s” was deleted.", name=name), "success")
    return redirect(url_for("sharing_rules.index"), 303)


# The editor


@bp.get("/new")
@needs(Permission.SHARING_MANAGE)
def new() -> ResponseReturnValue:
    """An empty rule; `?object=account` for another object than leads."""
    asked = request.args.get("object", "lead")
    return _editor(RuleDraft(asked if asked in SUBJECTS else "lead"), None)


@bp.post("")
@needs(Permission.SHARING_MANAGE)
def create() -> ResponseReturnValue:
    """A button of the editor of a new rule."""
    return _work(read_rule_draft(request.form, request.form.get("object", "")), None)


@bp.get("/<ref('srule'):rule_ref>/edit")
@needs(Permission.SHARING_MANAGE)
def edit(rule_ref: str) -> ResponseReturnValue:
    session = db.session()
    rule = get_rule(session, rule_ref)
    return _editor(draft_of_rule(session, rule, language=str(get_locale() or "en")), rule)


@bp.post("/<ref('srule'):rule_ref>/edit")
@needs(Permission.SHARING_MANAGE)
def save(rule_ref: str) -> ResponseReturnValue:
    """A button of the editor of a rule."""
    rule = get_rule(db.session(), rule_ref)
    return _work(read_rule_draft(request.form, rule.object), rule)


def _work(draft: RuleDraft, rule: SharingRule | None) -> ResponseReturnValue:
    act = request.form.get("act", "save")
    if act != "save":
        change_conditions(draft, act)
        return _editor(draft, rule)
    try:
        question, reach = _ask(db.session(), draft, rule)
        if question is not None:
            return _editor(draft, rule, question, reach)
        return _save(draft, rule)
    except Invalid as error:
        draft.note(error)
        return _editor(draft, rule), 422
    except Stale as error:
        draft.problems[""] = [str(error.message)]
        return _editor(draft, rule), 409


@once  # not the whole view, in which counting lets go of the lock
def _save(draft: RuleDraft, rule: SharingRule | None) -> ResponseReturnValue:
    with transaction() as session:
        actor, now = current_actor(), clock.now()
        written = written_of(session, draft)
        if rule is None:
            saved = create_rule(session, actor, written, now=now)
        else:
            saved = edit_rule(session, actor, rule.ref, written, version=draft.began_from, now=now)
    flash(_("“%(name)s” is saved. It takes effect as a whole when it is built.", name=saved.name), "success")
    return redirect(url_for("sharing_rules.show", rule_ref=saved.ref), 303)


@dataclass(frozen=True, slots=True)
class Reach:
    """What partners would see, or change, through the rule: asked about before it is saved."""

    whom: str
    edits: bool
    given: Count


def _ask(
    session: Session, draft: RuleDraft, rule: SharingRule | None
) -> tuple[Question | None, Reach | None]:
    """What is to be agreed to first: what people gain and lose, and what reaches partners.  Raises Invalid."""
    written = written_of(session, draft)
    if rule is not None and _says_the_same(session, rule, written):
        return None, None
    reaches = reaches_partners(session, written.share_with)
    let_go()  # counting needs no lock
    question = ask(
        of_rule(session, rule, written), replace(written, name=""), about=mark_of(written) if reaches else ""
    )
    if question is None or not reaches:
        return question, None
    given = count_given(session, written, seconds=LONGEST_COUNT_SECONDS)
    return question, Reach(sentence_of(_known(session, draft)), written.level >= Level.EDIT, given)


def _known(session: Session, draft: RuleDraft) -> Known:
    return find_principal(session, draft.share_with.given(), field="share_with")


def _says_the_same(session: Session, rule: SharingRule, written: Written) -> bool:
    names = names_of(session, {key for key in (rule.owned_by_id, rule.share_with_id) if key is not None})
    owned_by = names[rule.owned_by_id].key if rule.owned_by_id is not None else None
    before = (rule.kind, owned_by, rule.criteria or {}, names[rule.share_with_id].key, rule.level)
    return before == (
        written.kind,
        written.owned_by,
        written.criteria,
        written.share_with,
        int(written.level),
    )


def _editor(
    draft: RuleDraft,
    rule: SharingRule | None,
    question: Question | None = None,
    reach: Reach | None = None,
) -> str:
    session = db.session()
    if draft.object not in SUBJECTS:
        draft.object = "lead"
    return render_template(
        "sharing_rules/edit.html",
        draft=draft,
        rule=rule,
        adds=adds_condition(request.form.get("act", "")),
        reach=reach,
        question=question,
        count=count_words,
        share_with=offer(session, current_actor(), draft.share_with),
        owned_by=offer(session, current_actor(), draft.owned_by),
        types=type_choices(),
        roles=role_choices(),
        field_names=field_choices(draft.object),
        operators=operator_words(),
        objects=tuple(SUBJECTS),
    )
