"""What the templates of lists ask for: tabs of views, the filters above a list, names of choices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, url_for
from flask_babel import gettext as _

from app.kernel.db import db
from app.lists.catalogue import Kind
from app.lists.page import ALL, MINE, ListPage, builtin_views, lost_text
from app.web.access import current_actor

TABS = 4
MOST_QUICK = 20


@dataclass(frozen=True, slots=True)
class Quick:
    """A select above the list.  is_cut: the editor of filters has more options."""

    name: str
    label: str
    options: Sequence[tuple[str, str]]
    is_cut: bool = False


def list_tabs(page: ListPage) -> list[dict[str, Any]]:
    """The built-in views and the first saved ones, the open one among them in any case."""
    root = url_for(page.object.root)
    plain = page.asked.view == ALL and not page.asked.params
    tabs: list[dict[str, Any]] = [
        {
            "label": label,
            "url": f"{root}?view={name}",
            "current": page.asked.view == name and (name != ALL or plain),
            "count": None,
        }
        for name, label in builtin_views()
        if name != MINE or "owner" in page.fields
    ]
    rows = list(page.views[:TABS])
    if page.asked.row is not None and all(row.view.id != page.asked.row.view.id for row in rows):
        rows.append(page.asked.row)
    open_ref = page.asked.row.view.ref if page.asked.row is not None else ""
    tabs += [
        {
            "label": row.view.name,
            "url": f"{root}?view={row.view.ref}",
            "current": row.view.ref == open_ref,
            "count": None,
        }
        for row in rows
    ]
    return tabs


def quick_filters(page: ListPage) -> list[Quick]:
    """The selects above the list; one that the address gives several values is left to the editor."""
    session, actor = db.session(), current_actor()
    found = []
    for name in page.object.quick:
        field = page.fields.get(name)
        if field is None or len(page.address.given.get(name, ())) > 1:
            continue
        options: Sequence[tuple[str, str]] = [("true", _("yes")), ("false", _("no"))]
        if field.kind is not Kind.YES_NO:
            options = field.choices(session, actor) if field.choices is not None else ()
        few = _few(options, page.chosen(name))
        found.append(Quick(name, str(field.label), few, len(few) < len(options)))
    return found


def _few(options: Sequence[tuple[str, str]], chosen: str) -> Sequence[tuple[str, str]]:
    """The first of them and the chosen one: hundreds weigh more than the list.  The editor of filters has them all."""
    if len(options) <= MOST_QUICK:
        return options
    return [*options[:MOST_QUICK], *(each for each in options[MOST_QUICK:] if each[0] == chosen)]


def hidden_filters(page: ListPage) -> list[tuple[str, str]]:
    """What the form above the list carries on: all but the search and the selects."""
    shown = {"q", *(n for n in page.object.quick if len(page.address.given.get(n, ())) < 2)}
    pairs = [(name, value) for name, values in page.address.fixed.items() for value in values]
    pairs += [(n, v) for n, values in page.address.given.items() if n not in shown for v in values]
    if page.address.sort:
        pairs.append(("sort", page.address.sort))
    # So that a list whose last filter is taken away here is the whole list.
    if not any(name in ("view", "filter") for name, _value in pairs):
        pairs.append(("view", ALL))
    return pairs


def names_of_choices(page: ListPage) -> Mapping[str, Mapping[Any, str]]:
    """Field → value → what it is called, of the columns that hold a choice."""
    session, actor = db.session(), current_actor()
    return {
        field.name: dict(field.choices(session, actor))
        for field in page.columns
        if field.kind is Kind.CHOICE and field.choices is not None and field.of is None
    }


def init_list_templates(app: Flask) -> None:
    """Let templates use these."""
    app.jinja_env.globals.update(
        list_tabs=list_tabs,
        quick_filters=quick_filters,
        hidden_filters=hidden_filters,
        names_of_choices=names_of_choices,
        lost_text=lost_text,
    )
