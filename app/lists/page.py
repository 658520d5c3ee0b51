"""A list's page: what the address asks for, the view it opens, the rows, and what stands around them.

The address holds the view: filters by name, `filter=` for what is combined, `sort=`, `columns=`, and `view=` for
a saved or built-in view, which says all the others unless the address does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Permission
from app.kernel.errors import Invalid, NotFound
from app.kernel.paging import COUNT_CAP, Page
from app.lists.catalogue import ListField, ListObject, fields_of, objects
from app.lists.found import count_rows
from app.lists.models import SavedView
from app.lists.queries import ViewRow, choice_of, get_view, views_for
from app.lists.query import ListQuery, parse_list
from app.lists.rows import Row, count_near, list_rows, recent_rows
from app.lists.words import chips_of
from app.web.access import current_actor
from app.web.filters import number
from app.web.listing import ListAddress

ALL, MINE, RECENT = "all", "mine", "recent"
# Who asks for it has a list counted so far: one reading of what they see, which no page does by itself.
MOST_COUNTED = 1_000_000
# What the address may hold besides filters.
_OTHER = frozenset({"view", "sort", "columns", "cursor", "count"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for, once the view it names is looked up.

    view: its public or built-in name; row: the saved one.  params: filters and sort.  changed: whether they differ
    from the saved view's.  gone: the address names a view that is not there, or not for this person.
    start_view: what the person's lists of the object begin with.
    """

    view: str
    row: ViewRow | None
    params: Mapping[str, Sequence[str]]
    columns: tuple[str, ...]
    changed: bool
    gone: bool
    start_view: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """All that `lists/_list.html` shows.  count_url: the same list counted to its end; "" where it is."""

    object: ListObject
    query: ListQuery
    asked: Asked
    columns: Sequence[ListField]
    rows: Page[Row]
    count: str
    count_url: str
    address: ListAddress
    heads: Sequence[Mapping[str, Any]]
    chips: Sequence[Mapping[str, str]]
    views: Sequence[ViewRow]
    fields: Mapping[str, ListField]
    start_view: str
    title: ListField
    note: ListField | None
    error: str

    @property
    def may_change(self) -> bool:
        """Whether the reader may be able to change records here, one by one or many at once."""
        actor, object_ = current_actor(), self.object
        # As the pages behind the buttons ask: partner people change each record on its own page.
        return object_.write is not None and actor.can(Permission.ACCOUNT_EDIT) and actor.can(object_.edit)

    @property
    def may_give(self) -> bool:
        """Whether the reader may be able to change owners here."""
        give = self.object.may_give
        return self.may_change if give is None else give(current_actor())

    def chosen(self, name: str) -> str:
        """The value that a filter of one value is set to."""
        return next(iter(self.address.given.get(name, ())), "")

    @property
    def is_narrowed(self) -> bool:
        """Whether anything keeps records out."""
        return bool(self.chips) or self.asked.view == RECENT

    @property
    def may_mend(self) -> bool:
        """Whether a filter that does not work is the reader's to change: what a view of others says is theirs."""
        row = self.asked.row
        return row is None or self.asked.changed or row.may_edit

    @property
    def view_name(self) -> str:
        """What the open view is called; "" for those that every object has: their tabs say enough."""
        return self.asked.row.view.name if self.asked.row is not None else ""


def builtin_views() -> list[tuple[str, str]]:
    """(name in the address, what it is called) of the views that every object has."""
    return [(ALL, _("All")), (MINE, _("Mine")), (RECENT, _("Recently viewed"))]


def read_address(session: Session, actor: Actor, object_: ListObject) -> Asked:
    """What this request's address asks for."""
    given: dict[str, list[str]] = {}
    for key in request.args:
        kept = [value for value in request.args.getlist(key) if value.strip()]
        if kept and key not in _OTHER:
            given[key] = kept
    if request.args.get("sort"):
        given["sort"] = [request.args["sort"]]
    columns = tuple(name for name in request.args.get("columns", "").split(",") if name)
    name = request.args.get("view", "")
    choice = choice_of(session, actor, object_.name)
    if not name and not given and not {"cursor", "count"} & set(request.args) and choice is not None:
        name = choice.start_view
    if not name and given == _builtin_params(MINE):
        name = MINE
    row, gone = _find_view(session, actor, object_, name)
    if row is None and name not in (ALL, MINE, RECENT):
        name = ALL
    params = _params_of(row.view) if row is not None else _builtin_params(name)
    if not columns:
        columns = tuple(row.view.columns) if row is not None else ()
    columns = columns or tuple(choice.columns if choice is not None else ())
    start = choice.start_view if choice is not None else ""
    return Asked(name, row, given or params, columns, bool(given) and given != params, gone, start)


def _find_view(session: Session, actor: Actor, object_: ListObject, name: str) -> tuple[ViewRow | None, bool]:
    if not name or name in (ALL, MINE, RECENT):
        return None, False
    try:
        return get_view(session, actor, name, object_.name), False
    except NotFound:
        return None, True


def _params_of(view: SavedView) -> dict[str, list[str]]:
    return {name: [str(v) for v in values] for name, values in view.query.items()}


def _builtin_params(name: str) -> dict[str, list[str]]:
    return {"owner": ["me"]} if name == MINE else {}


def query_of(
    session: Session, actor: Actor, object_: ListObject, params: Mapping[str, Sequence[str]]
) -> ListQuery:
    """The list that filters and sort of an address or a view ask for; what is gone is left out.  Raises Invalid."""
    given = {name: values for name, values in params.items() if name not in _OTHER}
    sort = next(iter(params.get("sort", ())), "")
    return parse_list(session, actor, object_, given, sort=sort, lenient=True)


def open_list(session: Session, actor: Actor, object_name: str) -> ListPage:
    """The page of a list as its address asks for it.  Raises NotAllowed, BadCursor."""
    object_ = objects()[object_name]
    actor.require(object_.view)
    asked = read_address(session, actor, object_)
    error = ""
    try:
        query = query_of(session, actor, object_, asked.params)
        # Whoever wants all that a text finds waits for it.
        query = replace(query, only_first=request.args.get("count") != "all")
    except Invalid as refused:
        # Said above the list, with all else as it was, so that the filter can be corrected.
        error = " ".join(str(m) for messages in refused.errors.values() for m in messages)
        query = parse_list(session, actor, object_, {})
    fields = fields_of(session, actor, object_name)
    names = [n for n in asked.columns if n in fields and fields[n].is_column] or list(object_.columns)
    columns = [fields[name] for name in names if name in fields]
    title, note = fields[object_.title], fields.get(object_.note)
    aside = [fields[name] for name in object_.aside if name in fields]
    wanted = list({f.name: f for f in (title, *([note] if note else []), *columns, *aside)}.values())
    if error:
        page: Page[Row] = Page([])
    elif asked.view == RECENT:
        page = recent_rows(session, actor, query, wanted)
    else:
        page = list_rows(session, actor, query, wanted, cursor=request.args.get("cursor"))
    address = _address(object_, query, asked)
    is_listed = bool(error) or asked.view == RECENT or (page.older is None and page.newer is None)
    count, count_url = number(len(page.items)), ""
    if query.is_cut_short and is_listed:
        count, count_url = f"{count}+", address.counted_url
    elif not is_listed:
        count, count_url = _count(session, actor, query, page, address)
    return ListPage(
        object_, query, asked, columns, page, count, count_url, address,
        _heads(object_, query, asked, columns, title), chips_of(session, actor, query, address),
        views_for(session, actor, object_), fields, asked.start_view, title, note, error,
    )  # fmt: skip


def _count(
    session: Session, actor: Actor, query: ListQuery, page: Page[Row], address: ListAddress
) -> tuple[str, str]:
    """How many there are, as far as it is counted: "118", or "1,000+" and the address of the list counted whole.

    Numbers elsewhere that lead to a list lead to it counted whole, so that it begins with the same number.
    """
    if request.args.get("count") == "all" and "cursor" not in request.args:
        found = count_rows(session, actor, query, cap=MOST_COUNTED)
        return number(min(found, MOST_COUNTED)) + ("+" if found > MOST_COUNTED else ""), ""
    found, is_more = count_near(session, actor, query)
    if not is_more:
        return number(found), ""
    return f"{number(max(found, len(page.items)))}+", address.counted_url


def _address(object_: ListObject, query: ListQuery, asked: Asked, *, sort: str | None = None) -> ListAddress:
    is_saved = asked.row is not None
    fixed = {"view": [asked.view]} if is_saved or asked.view == RECENT else {}
    if request.args.get("columns"):
        fixed["columns"] = [request.args["columns"]]
    if sort is None:
        sort = query.sort_key if query.sort_key != object_.sort else None
    # A saved view's address without filters means the view's own, and the plain one the view it starts with.
    empty = {"filter": ["all()"]} if is_saved else {"view": [ALL]} if not fixed else {}
    paged = {"count": ["all"]} if query.finds_more and not query.only_first else {}
    return ListAddress(url_for(object_.root), query.given, sort, fixed, empty, paged)


def _heads(
    object_: ListObject, query: ListQuery, asked: Asked, columns: Sequence[ListField], title: ListField
) -> list[dict[str, Any]]:
    sorting = _address(object_, query, asked, sort=query.sort_key)
    heads = []
    for place, field in enumerate((title, *columns)):
        head: dict[str, Any] = {"label": str(field.label)}
        if place == 0:
            head["css"] = "is-main"
        elif field.kind in ("number", "money"):
            head["css"] = "is-number"
        elif place > 6:
            head["css"] = "is-wide"
        if field.edits:
            head["cell"] = field.name
        if field.sort and asked.view != RECENT:
            head["sort_url"] = sorting.sorted_by(
                field.sort, first_descending=field.kind in ("moment", "date", "number", "money")
            )
            head["direction"] = sorting.direction(field.sort)
        heads.append(head)
    return heads


def count_text(found: int) -> str:
    """ "12", or "1,000+" beyond what is counted."""
    return f"{number(COUNT_CAP)}+" if found > COUNT_CAP else number(found)


def lost_text(names: Sequence[str]) -> str:
    """What was left out because it is not there any more; to partner people unnamed, for it may be hidden from them."""
    if current_actor().is_partner:
        return _("Something that this list asks for is not there for you, so that it was left out.")
    return ngettext(
        "The field “%(names)s” is not there any more, so that this filter was left out.",
        "The fields “%(names)s” are not there any more, so that these filters were left out.",
        len(names),
        names=", ".join(names),
    )
