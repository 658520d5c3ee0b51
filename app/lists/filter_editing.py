"""The page on which a combined filter is put together, without JavaScript: each button asks the page again."""

from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.kernel import refs
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.lists.catalogue import Kind, ListField, ListObject, fields_of, objects
from app.lists.door import list_url, params_asked, sentences
from app.lists.editor import (
    Control,
    Editor,
    EditorRow,
    control_of,
    criteria_of,
    editor_of,
    field_groups,
    operator_words,
    read_editor,
)
from app.lists.filter_text import parts_of, read_filter, write_filter
from app.lists.query import parse_list
from app.routing.criteria import Op
from app.web.htmx import wants_fragment

_FORM = ("field", "op", "value", "group", "join", "add", "drop", "do", "kept")


def editor_page(session: Session, actor: Actor, object_: ListObject) -> ResponseReturnValue:
    """The editor as this request asks for it, or the list once it is told to show it."""
    fields = fields_of(session, actor, object_.name)
    params = params_asked(*_FORM)
    problem = ""
    if "do" in request.args or "add" in request.args or "drop" in request.args or "join" in request.args:
        editor = read_editor(request.args)
        params.pop("filter", None)
    else:
        editor, params, problem = _from_address(fields, params)
    kept = _kept(editor)
    editor = Editor(editor.joins, tuple(_fitting(fields, row) for row in editor.rows), tuple(kept))
    offers: dict[int, list[tuple[str, str]]] = {}
    if request.args.get("do") == "show":
        editor, offers, problems = _named(session, actor, fields, editor)
        text = write_filter(criteria_of(editor))
        wanted = {**params, **({"filter": [text]} if text else {})}
        try:
            if not problems:
                given = {name: values for name, values in wanted.items() if name != "sort"}
                parse_list(session, actor, object_, given)
                return _to_list(list_url(object_, wanted, view=_saved_view()))
        except Invalid as error:
            problems = [str(m) for messages in error.errors.values() for m in messages]
        problem = " ".join(problems)
    return _page(session, actor, object_, fields, editor, params, offers, problem)


def _saved_view() -> str:
    view = request.args.get("view", "")
    return view if refs.is_ref(refs.SAVED_VIEW, view) else ""


def _to_list(url: str) -> ResponseReturnValue:
    if wants_fragment():
        answer = redirect(url, 204)
        answer.headers["HX-Redirect"] = url
        return answer
    return redirect(url, 302)


def _from_address(fields: Any, params: dict[str, list[str]]) -> tuple[Editor, dict[str, list[str]], str]:
    """The editor with the filters that the list has: those by name become rows too where they compare a field."""
    rows, rest = [], {}
    for name, values in params.items():
        field = fields.get(name)
        if field is None or not field.is_filter or name == "filter":
            rest[name] = values
        elif len(values) > 1 and Op.IN in field.operators:
            rows.append({"field": name, "op": "in", "value": values})
        else:
            op = Op.EQUALS if Op.EQUALS in field.operators else field.operators[0]
            rows.append({"field": name, "op": op.value, "value": values[-1]})
    problem = ""
    try:
        criteria = read_filter(" ".join(rest.pop("filter", [])))
    except Invalid as error:
        criteria = None
        problem = " ".join(str(m) for messages in error.errors.values() for m in messages)
    parts = [*rows, *parts_of(criteria)]
    whole = {"all": parts} if len(parts) > 1 else (parts[0] if parts else None)
    return editor_of(whole), rest, problem


def _kept(editor: Editor) -> list[Any]:
    kept = list(editor.kept)
    for text in request.args.getlist("kept"):
        try:
            criteria = read_filter(text)
        except Invalid:
            continue
        if criteria:
            kept.append(criteria)
    return kept


def _fitting(fields: Any, row: EditorRow) -> EditorRow:
    """The row with an operator that its field takes."""
    field: ListField | None = fields.get(row.field)
    if field is None or not field.is_filter:
        return EditorRow(group=row.group)
    if row.op not in {op.value for op in field.operators}:
        return EditorRow(row.field, field.operators[0].value, "", row.group)
    return row


def _named(
    session: Session, actor: Actor, fields: Any, editor: Editor
) -> tuple[Editor, dict[int, list[tuple[str, str]]], list[str]]:
    """The editor with public names for what was typed of other records; offers: row → those it may mean."""
    rows, offers, problems = [], {}, []
    for number, row in enumerate(editor.rows):
        field: ListField | None = fields.get(row.field)
        target = objects().get(field.picks) if field is not None else None
        if field is None or field.kind is not Kind.REFERENCE or target is None or not row.value.strip():
            rows.append(row)
            continue
        text = row.value.strip()
        if refs.is_ref(target.prefix, text) or target.suggest is None:
            rows.append(row)
            continue
        found = target.suggest(session, actor, text)
        if len(found) == 1:
            rows.append(EditorRow(row.field, row.op, found[0][0], row.group))
            continue
        rows.append(row)
        if found:
            offers[number] = list(found)
            problems.append(_("“%(text)s” can mean several. Choose one.", text=text[:60]))
        else:
            problems.append(_("Nothing begins with “%(text)s”.", text=text[:60]))
    return Editor(editor.joins, tuple(rows), editor.kept), offers, problems


def _page(
    session: Session,
    actor: Actor,
    object_: ListObject,
    fields: Any,
    editor: Editor,
    params: dict[str, list[str]],
    offers: dict[int, list[tuple[str, str]]],
    problem: str,
) -> ResponseReturnValue:
    rows = []
    for number, row in enumerate(editor.rows):
        field = fields.get(row.field)
        control = control_of(session, actor, field, row)
        if number in offers:
            control = Control("select", offers[number])
        elif field is not None and field.kind is Kind.REFERENCE and row.value and field.names is not None:
            names = field.names(session, actor, [row.value])
            row = EditorRow(row.field, row.op, names.get(row.value, row.value), row.group)
            control = Control("text", hint=_("Its name, from the beginning"))
        rows.append({"number": number, "row": row, "operators": operator_words(field), "control": control})
    kept = [write_filter(each) for each in editor.kept]
    said = (
        sentences(session, actor, parse_list(session, actor, object_, {"filter": kept[:1]}, lenient=True))
        if kept
        else []
    )
    template = "lists/_filter_form.html" if wants_fragment() else "lists/filter.html"
    status = 422 if problem and "do" in request.args else 200
    return render_template(
        template,
        object=object_,
        joins=editor.joins,
        rows=rows,
        groups=field_groups(object_, fields),
        params=params,
        view=request.args.get("view", ""),
        kept=kept,
        kept_said=said,
        problem=problem,
        list_address=list_url(object_, params_asked(*_FORM), view=_saved_view())
        if "do" not in request.args
        else url_for(object_.root),
    ), status
