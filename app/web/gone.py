"""A form that was sent for a record which is gone: what became of it, what was typed, and where to go on.

Told to whoever could read the record (`app.care.gone`); everybody else has the answer of a record that never was.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import g, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.accounts.fields import ACCOUNT_FIELDS, CONTACT_FIELDS
from app.activities.forms import ActivityForm, CommentForm, EditForm
from app.care.gone import Gone, find_gone
from app.cases.fields import CASE_FIELDS
from app.fields.catalogue import catalogue
from app.fields.kinds import is_custom
from app.kernel import labels, refs
from app.kernel.actor import Actor, Permission
from app.kernel.db import db
from app.leads.choices import decline_name
from app.leads.fields import FIELDS as LEAD_FIELDS
from app.leads.queries import list_decline_reasons
from app.lists.catalogue import Kind, ListField, fields_of, objects
from app.opportunities.fields import OPPORTUNITY_FIELDS
from app.web.filters import country_name

_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "lead": LEAD_FIELDS,
    "account": ACCOUNT_FIELDS,
    "contact": CONTACT_FIELDS,
    "opportunity": OPPORTUNITY_FIELDS,
    "case": CASE_FIELDS,
}
# What stands in forms of several records, and in none of their tables of fields.
_FURTHER = {"note": _l("Note"), "comment": _l("Comment"), "name": _l("Name"), "reason": _l("Reason")}
# Names of records in choices, and what a ticked box sends: nothing that somebody typed.
_CHOSEN = re.compile(r"[a-z]+_[0-9A-Za-z]{22}|y")
_DELETE = {
    "lead": Permission.LEAD_DELETE,
    "account": Permission.ACCOUNT_DELETE,
    "contact": Permission.CONTACT_EDIT,
    "opportunity": Permission.OPPORTUNITY_DELETE,
    "case": Permission.CASE_DELETE,
}
LONG = 60


@dataclass(frozen=True, slots=True)
class Typed:
    """One input of the form that was sent.  is_long: wants lines of its own."""

    label: str
    text: str

    @property
    def is_long(self) -> bool:
        return len(self.text) > LONG or "\n" in self.text


@dataclass(frozen=True, slots=True)
class GonePage:
    """typed: what the form held, in its order.  url, url_label: where to go on."""

    gone: Gone
    title: str
    message: str
    typed: list[Typed]
    url: str
    url_label: str


def page_of_gone() -> GonePage | None:
    """What to answer to this request instead of "nothing here"; None for what is answered so."""
    actor: Actor | None = g.get("actor")
    if request.method != "POST" or actor is None:
        return None
    for ref in (request.view_args or {}).values():
        gone = find_gone(db.session(), actor, ref) if isinstance(ref, str) else None
        if gone is not None:
            typed = _typed(actor, gone.kind)
            url, label = _where(actor, gone)
            return GonePage(gone, _title(gone), _message(typed), typed, url, label)
    return None


def _title(gone: Gone) -> str:
    return (
        _("It became part of another record meanwhile") if gone.is_merged else _("It was deleted meanwhile")
    )


def _message(typed: list[Typed]) -> str:
    if typed:
        return _("What you wrote was not saved. It stands here, so that you can copy it.")
    return _("Nothing was changed.")


def _typed(actor: Actor, kind: str) -> list[Typed]:
    names, words = _labels(actor, kind), _words(actor, kind)
    found = []
    for name, values in request.form.lists():
        texts = [text.strip() for text in values if text.strip() and not _CHOSEN.fullmatch(text.strip())]
        if texts and name in names:
            called = words.get(name, {})
            text = "\n".join(str(called.get(text, text)) for text in texts)
            found.append(Typed(str(names[name]), text.replace("\r\n", "\n")))
    return found


def _forms() -> list[Any]:
    """The inputs of what is written on records of all kinds."""
    forms = (ActivityForm(formdata=None), EditForm(formdata=None), CommentForm(formdata=None))
    return [
        field for form in forms for field in form if "Hidden" not in field.type and "CSRF" not in field.type
    ]


def _words(actor: Actor, kind: str) -> dict[str, dict[str, Any]]:
    """Name of an input that sends keys → key → what people chose by it.  A statement for each such input at most."""
    session = db.session()
    words: dict[str, dict[str, Any]] = {
        field.name: {choice.value: choice.label for choice in field.choices}
        for field in _forms()
        if getattr(field, "choices", None)
    }
    if "reason" in request.form and kind == "lead":
        words["reason"] = {reason.key: decline_name(reason.name) for reason in list_decline_reasons(session)}
    fields = fields_of(session, actor, kind).values() if kind in objects() else ()
    for field in fields:
        name = field.edits or field.name
        if name in request.form:
            words.setdefault(name, {}).update(_called(session, actor, field, request.form[name].strip()))
    return words


def _called(session: Session, actor: Actor, field: ListField, value: str) -> Mapping[str, Any]:
    if field.kind is Kind.COUNTRY:
        return {value: country_name(value)}
    if field.kind is Kind.YES_NO:
        return {"yes": _("Yes"), "no": _("No")}
    found: dict[str, Any] = {}
    for choices in (field.choices, field.edit_choices):
        if choices is not None:
            found.update(choices(session, actor))
    return found


def _labels(actor: Actor, kind: str) -> dict[str, Any]:
    """Name of an input → what it is called; of the fields that administrators added those the actor sees."""
    written = {field.name: field.label.text for field in _forms()}
    own = {
        name: field.label for name, field in _FIELDS.get(kind, {}).items() if name not in actor.hidden_fields
    }
    added = (
        {name: field.label for name, field in catalogue(db.session()).seen(actor, kind).items()}
        if any(is_custom(name) for name in request.form)
        else {}
    )
    return {**_FURTHER, **written, **own, **added}


def _where(actor: Actor, gone: Gone) -> tuple[str, str]:
    """Address and words of the one way on."""
    if gone.on is not None:
        kind, ref = gone.on
        return _show(kind, ref), _("Go to the record that it was on")
    if gone.into:
        return _show(gone.kind, gone.into), _("Go to the record that it is part of")
    room = refs.room_of(gone.kind)
    if not gone.is_merged and actor.can(_DELETE[gone.kind]):
        return url_for(f"{room}.deleted"), _("What was deleted")
    return url_for(f"{room}.index"), labels.many(gone.kind, title=True)


def _show(kind: str, ref: str) -> str:
    place: dict[str, Any] = {f"{kind}_ref": ref}
    return url_for(f"{refs.room_of(kind)}.show", **place)
