"""Setup > E-mail texts: what mails say, in the organisation's own words and each language."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import InUse, Invalid, Stale
from app.notifications.texts.kinds import ASSIGNMENT, PLACEHOLDER_WORDS, placeholders
from app.notifications.texts.operations import (
    create_template,
    delete_template,
    restore_text,
    save_text,
    send_trial,
    use_builtin,
)
from app.notifications.texts.preview import Previews, preview_text, text_to_begin_from
from app.notifications.texts.queries import TextPage, get_text, leads_to_try, list_texts
from app.notifications.texts.trying import READER_WORDS, READERS, Reader, Trial, needs_lead
from app.notifications.words import KIND_NAMES
from app.web.access import current_actor, needs
from app.web.htmx import wants_fragment
from app.web.once import once

bp = Blueprint("mail_texts", __name__, url_prefix="/setup/mail-texts")
_ONE = "/<string(maxlength=40):key>/<any(en, es, ca):language>"
LANGUAGE_NAMES = {"en": "English", "es": "Español", "ca": "Català"}
Problems = Mapping[str, Sequence[Any]]
KINDS: dict[str, Any] = {**dict(KIND_NAMES.items()), ASSIGNMENT: _l("Chosen by a rule")}


@bp.get("")
@needs(Permission.SETTING_MANAGE)
def index() -> ResponseReturnValue:
    """What is said of each kind in each language, and the texts that rules choose."""
    return _index()


@bp.post("")
@needs(Permission.SETTING_MANAGE)
@once
def create() -> ResponseReturnValue:
    """A text that rules can choose."""
    name = request.form.get("name", "")
    try:
        with transaction() as session:
            template = create_template(session, current_actor(), name=name, now=clock.now())
    except Invalid as error:
        problems = [str(message) for messages in error.errors.values() for message in messages]
        return _index(name, problems), 422
    return redirect(url_for("mail_texts.show", key=template.ref, language=current_actor().language), 303)


@bp.post("/<ref('tmpl'):template_ref>/delete")
@needs(Permission.SETTING_MANAGE)
@once
def delete(template_ref: str) -> ResponseReturnValue:
    """Take a text that rules can choose away."""
    try:
        with transaction() as session:
            delete_template(session, current_actor(), template_ref, now=clock.now())
    except InUse as error:
        flash(str(error.message), "error")
        return redirect(url_for("mail_texts.index"), 303)
    flash(_("The text is deleted."), "success")
    return redirect(url_for("mail_texts.index"), 303)


@bp.get(_ONE)
@needs(Permission.SETTING_MANAGE)
def show(key: str, language: str) -> ResponseReturnValue:
    """The editor of one text in one language."""
    page = get_text(db.session(), current_actor(), key, language)
    return _editor(page, *_begin(page), lead=request.args.get("lead", ""))


@bp.post(_ONE)
@needs(Permission.SETTING_MANAGE)
@once
def save(key: str, language: str) -> ResponseReturnValue:
    """Say it so from now on."""
    subject, body, number = _typed()
    try:
        with transaction() as session:
            save_text(
                session, current_actor(), key, language, subject=subject, body=body, number=number, now=clock.now()
            )  # fmt: skip
    except Invalid as error:
        return _again(key, language, error.errors), 422
    except Stale as error:
        return _again(key, language, {"": [error.message]}), 409
    flash(_("Mails say this from now on."), "success")
    return redirect(
        url_for("mail_texts.show", key=key, language=language, lead=request.form.get("lead")), 303
    )


@bp.post(f"{_ONE}/preview")
@needs(Permission.SETTING_MANAGE)
def preview(key: str, language: str) -> ResponseReturnValue:
    """The text as typed, as its readers would get it; nothing is kept."""
    if not wants_fragment():
        return _again(key, language)
    page = get_text(db.session(), current_actor(), key, language)
    subject, body, _number = _typed()
    shown = _previews(page, subject, body, request.form.get("lead", ""))
    return render_template("mail_texts/_preview.html", previews=shown)


@bp.post(f"{_ONE}/test")
@needs(Permission.SETTING_MANAGE)
def test(key: str, language: str) -> ResponseReturnValue:
    """Mail the text as typed to the administrator alone."""
    subject, body, _number = _typed()
    page = get_text(db.session(), current_actor(), key, language)
    readers = READERS[page.kind]
    wanted = request.form.get("reader", "")
    reader = Reader(wanted) if wanted in readers else readers[0]
    trial = Trial(page.kind, language, subject, body, request.form.get("lead", ""), reader)
    try:
        with transaction() as session:
            send_trial(session, current_actor(), trial, now=clock.now())
    except Invalid as error:
        return _again(key, language, error.errors), 422
    flash(_("A test mail is on its way to you."), "success")
    return _again(key, language)


@bp.post(f"{_ONE}/restore")
@needs(Permission.SETTING_MANAGE)
def restore(key: str, language: str) -> ResponseReturnValue:
    """Say what an older version said, or what is built in."""
    wanted, number = _whole("wanted"), _whole("number")
    try:
        with transaction() as session:
            actor, now = current_actor(), clock.now()
            if wanted:
                restore_text(session, actor, key, language, wanted=wanted, number=number, now=now)
            else:
                use_builtin(session, actor, key, language, number=number, now=now)
    except Invalid as error:
        flash(str(next(iter(error.errors.values()))[0]), "error")
    except Stale as error:
        flash(str(error.message), "error")
    else:
        flash(_("Mails say this from now on."), "success")
    return redirect(url_for("mail_texts.show", key=key, language=language), 303)


def _whole(name: str) -> int:
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def _typed() -> tuple[str, str, int]:
    return request.form.get("subject", ""), request.form.get("body", ""), _whole("number")


def _begin(page: TextPage) -> tuple[str, str]:
    if page.own is not None:
        return page.own.subject or "", page.own.body or ""
    return text_to_begin_from(db.session(), page.kind, page.language)


def _again(key: str, language: str, problems: Problems | None = None) -> str:
    """The editor with what was typed.  problems: by field, "" for the whole."""
    db.session().rollback()
    page = get_text(db.session(), current_actor(), key, language)
    subject, body, number = _typed()
    return _editor(page, subject, body, problems, lead=request.form.get("lead", ""), number=number)


def _editor(
    page: TextPage, subject: str, body: str, problems: Problems | None = None, *, lead: str, number: int | None = None
) -> str:  # fmt: skip
    session, actor = db.session(), current_actor()
    leads = leads_to_try(session, actor, lead) if needs_lead(page.kind) else []
    lead = lead if lead in dict(leads) else leads[0][0] if leads else ""
    previews = _previews(page, subject, body, lead)
    return render_template(
        "mail_texts/edit.html",
        page=page,
        subject=subject,
        body=body,
        number=page.number if number is None else number,
        problems=problems or {},
        leads=leads,
        lead=lead,
        previews=previews,
        builtin=text_to_begin_from(session, page.kind, page.language),
        placeholders=[(n, "{{ " + n + " }}", PLACEHOLDER_WORDS[n]) for n in placeholders(page.kind)],
        readers=[(reader, READER_WORDS[reader]) for reader in READERS[page.kind]],
        kinds=KINDS,
        languages=LANGUAGE_NAMES,
    )


def _previews(page: TextPage, subject: str, body: str, lead: str) -> Previews:
    return preview_text(
        db.session(), current_actor(), page.kind, page.language, subject=subject, body=body, lead=lead, now=clock.now()
    )  # fmt: skip


def _index(name: str = "", problems: Any = ()) -> str:
    usual, named = list_texts(db.session(), current_actor())
    return render_template(
        "mail_texts/index.html",
        usual=usual,
        named=named,
        name=name,
        problems=problems,
        kinds=KINDS,
        languages=LANGUAGE_NAMES,
    )
