"""The page of what partners see of a lead's fields, and when: one table, field by level, saved at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from app.fields.catalogue import catalogue
from app.identity.lead_fields import EVERYONE, LeadFields, read_lead_fields, set_lead_fields
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, Stale
from app.kernel.fold import fold
from app.leads.fields import ALL_SECTIONS, FIELDS
from app.leads.visibility import (
    NEVER_HIDDEN,
    Visibility,
    field_label,
    reveals,
    visibility_words,
)
from app.web.access import current_actor, needs

bp = Blueprint("lead_fields", __name__, url_prefix="/setup/lead-fields")

LONGEST_SEARCH = 80


@dataclass(frozen=True, slots=True)
class Column:
    """All partners, or those of a level.  key: what the names of its inputs begin with."""

    key: str
    title: str
    people: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One choice.  options: (value, words, is chosen)."""

    name: str
    label: str
    column: str
    options: Sequence[tuple[str, str, bool]]
    errors: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One field.  reveals: shown before the claim it tells whom to call."""

    name: str
    label: str
    reveals: bool
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """What the page shows.  groups: title and rows.

    revealed: what tells whom to call and is shown already, to all and to levels for which it is otherwise.
    version: what a save begins from.  asks: what is saved is to be confirmed.  problem: why nothing was saved.
    """

    columns: Sequence[Column]
    groups: Sequence[tuple[str, Sequence[Row]]]
    revealed: Sequence[tuple[str, str]]
    version: str
    search: str
    asks: bool = False
    problem: str = ""


@bp.get("")
@needs(Permission.SETTING_MANAGE)
def show() -> ResponseReturnValue:
    """Every field by section; for all partners, and for each level where it is otherwise."""
    return _page(request.args.get("q", ""))


@bp.post("")
@needs(Permission.SETTING_MANAGE)
def save() -> ResponseReturnValue:
    """Change all that was sent at once."""
    search = request.form.get("q", "")
    text = request.form.get("version", "")
    version = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    wanted = _given(read_lead_fields(db.session()))
    try:
        with transaction() as session:
            is_new = set_lead_fields(
                session,
                current_actor(),
                wanted,
                version=version,
                knowingly=bool(request.form.get("knowingly")),
                now=clock.now(),
            )
    except Invalid as error:
        return _page(search, typed=wanted, errors=error.errors), 422
    except Stale:
        problem = _("Somebody changed this while you were editing. Reload to see it as it is now.")
        return _page(search, typed=wanted, problem=problem), 409
    flash(
        _("Saved. It counts on the next click of everybody.") if is_new else _("Nothing was changed."),
        "success" if is_new else "info",
    )
    return redirect(url_for("lead_fields.show", q=search[:LONGEST_SEARCH] or None), 303)


def _given(fields: LeadFields) -> dict[str, dict[str, str | None]]:
    """What was sent, by column and field."""
    sent = request.form
    wanted: dict[str, dict[str, str | None]] = {}
    for column in (EVERYONE, *(level.ref for level in fields.levels)):
        chosen = {name: sent[f"{column}-{name}"] for name in fields.everyone if f"{column}-{name}" in sent}
        wanted[column] = {
            name: None if when == "" and column != EVERYONE else when for name, when in chosen.items()
        }
    return wanted


def _page(
    search: str,
    *,
    typed: Mapping[str, Mapping[str, str | None]] | None = None,
    errors: Mapping[str, Sequence[Any]] | None = None,
    problem: str = "",
) -> str:
    fields = read_lead_fields(db.session())
    search = search.strip()[:LONGEST_SEARCH].replace("\x00", "")
    columns = [Column(EVERYONE, _("All partners"), _people(fields.people))]
    columns += [Column(level.ref, level.name, _people(level.people)) for level in fields.levels]
    version = str(fields.version) if typed is None else request.form.get("version", "")[:10]
    revealing = {f"lead_fields.{column.key}.{name}" for column in columns for name in _revealing(fields)}
    table = Table(
        columns=columns,
        groups=_groups(columns, fields, search, typed or {}, errors or {}),
        revealed=_revealed(fields, columns),
        version=version,
        search=search,
        asks=bool(errors) and set(errors or ()) <= revealing,
        problem=problem,
    )
    return render_template("setup/lead_fields.html", table=table)


def _people(number: int) -> str:
    return ngettext("%(num)s person", "%(num)s people", number)


def _revealing(fields: LeadFields) -> list[str]:
    """The fields that tell whom to call."""
    own = catalogue(db.session()).all("lead")
    return [name for name in fields.everyone if reveals(name, own.get(name))]


def _revealed(fields: LeadFields, columns: Sequence[Column]) -> list[tuple[str, str]]:
    """(whom, fields) of what tells whom to call and is shown before the claim."""
    told = {
        column.key: ", ".join(
            field_label(name)
            for name in _revealing(fields)
            if fields.comes_to(column.key, name) == Visibility.PREVIEW
        )
        for column in columns
    }
    everyone = told[EVERYONE]
    return [
        (column.title, told[column.key])
        for column in columns
        if told[column.key] and (column.key == EVERYONE or told[column.key] != everyone)
    ]


def _groups(
    columns: Sequence[Column],
    fields: LeadFields,
    search: str,
    typed: Mapping[str, Mapping[str, str | None]],
    errors: Mapping[str, Sequence[Any]],
) -> list[tuple[str, Sequence[Row]]]:
    """The fields whose name holds what is searched for, by section."""
    groups: dict[str, list[Row]] = {name: [] for name in ALL_SECTIONS}
    own, revealing = catalogue(db.session()).all("lead"), _revealing(fields)
    for name in fields.everyone:
        label = field_label(name)
        if fold(search) not in fold(label) or (name in own and own[name].is_retired):
            continue
        cells = []
        for column in columns:
            given = typed.get(column.key, {})
            chosen = given[name] if name in given else fields.chosen(column.key, name)
            complaints = errors.get(f"lead_fields.{column.key}.{name}", ())
            cells.append(_cell(column, name, label, chosen, complaints))
        section = FIELDS[name].section if name in FIELDS else "custom" if name in own else "origin"
        groups[section].append(Row(name, label, name in revealing, cells))
    return [(str(ALL_SECTIONS[name]), rows) for name, rows in groups.items() if rows]


def _cell(column: Column, name: str, label: str, chosen: str | None, errors: Sequence[Any]) -> Cell:
    choices = [
        (str(when), words)
        for when, words in visibility_words().items()
        if when != Visibility.HIDDEN or name not in NEVER_HIDDEN
    ]
    if column.key != EVERYONE:
        choices.insert(0, ("", _("As for all")))
    options = [(value, words, value == (chosen or "")) for value, words in choices]
    return Cell(f"{column.key}-{name}", f"{label}, {column.title}", column.title, options, errors)
