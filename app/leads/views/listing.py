"""A list of leads as a page shows it: rows, filters as a sentence, columns, where paging leads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.fields.catalogue import Definition, catalogue
from app.fields.filters import filter_names
from app.fields.kinds import Kind
from app.kernel.actor import Actor, Permission
from app.kernel.countries import country_code
from app.kernel.errors import Invalid
from app.kernel.paging import COUNT_CAP, PAGE_SIZE, Page
from app.kernel.text import clean_text
from app.leads.choices import LeadLists, first_names, load_lists, names_of
from app.leads.filters import LeadQuery, known_filters, parse_lead_query
from app.leads.queries import count_leads, list_leads
from app.leads.rows import LeadRow
from app.leads.views.chips import Chip, make_chips
from app.web.filters import number
from app.web.listing import ListAddress

DEFAULT_SORT = "-created_at"
LONGEST_VALUE = 200
# What the time column shows follows from what the list is sorted by.
_TIMES = ("arrived_at", "updated_at", "waiting_since")


@dataclass(frozen=True, slots=True)
class LeadListing:
    """What `leads/index.html` shows.

    complaints: filters that could not be understood, in words; they are left out of `query`.
    time: the attribute that the time column shows.  can_pick: rows may be ticked, to change their owner.
    hidden: the fields of a lead that the person never sees.  own: those that administrators added and are indexed.
    """

    page: Page[LeadRow]
    query: LeadQuery
    lists: LeadLists
    address: ListAddress
    chips: Sequence[Chip]
    complaints: Sequence[str]
    columns: Sequence[Mapping[str, Any]]
    time: str
    text: str
    can_pick: bool
    hidden: tuple[str, ...] = ()
    own: Mapping[str, Definition] = field(default_factory=dict)

    def chosen(self, name: str) -> str:
        """The one value of a filter, "" for none or several."""
        values = self.query.given.get(name, ())
        return values[0] if len(values) == 1 else ""

    @property
    def status_words(self) -> Mapping[str, str]:
        """The stored names of the statuses that came with Canal → what the reader calls them."""
        return first_names()

    def kept(self, *shown: str) -> list[tuple[str, str]]:
        """Filters that the form has no control for: they stay when it is sent."""
        return [(n, v) for n, values in self.query.given.items() if n not in shown for v in values]


def read_listing(session: Session, actor: Actor, path: str, args: MultiDict[str, str]) -> LeadListing:
    """The list that an address asks for.  Raises BadCursor."""
    own = catalogue(session).seen(actor, "lead")
    query, complaints = read_query(actor, args, own)
    lists = load_lists(session)
    address = ListAddress(path, query.given, _sort(query))
    page = list_leads(session, actor, query, cursor=args.get("cursor") or None, limit=PAGE_SIZE)
    people = [name for name, field in own.items() if field.kind is Kind.USER]
    refs = [v for n in ("owner", "partner", "import", *people) for v in query.given.get(n, ()) if "_" in v]
    names = names_of(session, actor, refs)
    time = query.sort if query.sort in _TIMES else "created_at"
    return LeadListing(
        page=page,
        query=query,
        lists=lists,
        address=address,
        chips=make_chips(query.given, address, lists, names, own),
        complaints=complaints,
        columns=_columns(actor, address, time),
        time=time,
        text=_text(session, actor, query, page),
        can_pick=actor.can(Permission.LEAD_ASSIGN) or actor.can(Permission.LEAD_TRANSFER),
        hidden=actor.hidden_fields,
        own={name: field for name, field in own.items() if field.is_indexed},
    )


def read_query(
    actor: Actor, args: MultiDict[str, str], own: Mapping[str, Definition] | None = None
) -> tuple[LeadQuery, list[str]]:
    """Filters and sort of an address, and what was wrong with it.

    own: the fields that administrators added, as far as the person sees them.
    What is not known is ignored; a value that cannot be read is left out and complained about, so that
    the rest of the list still shows.
    """
    complaints: list[str] = []
    given: dict[str, list[str]] = {}
    for name in (*known_filters(actor), *filter_names(own or {})):
        values = [v for v in args.getlist(name) if v and (name, v) != ("owner", "any")]
        read = [v for v in (_clean(name, value, complaints) for value in values) if v]
        if read:
            given[name] = read
    sort = args.get("sort") or DEFAULT_SORT
    while True:
        try:
            return parse_lead_query(actor, given, sort, own=own), complaints
        except Invalid as error:
            complaints.extend(str(m) for messages in error.errors.values() for m in messages)
            for name in error.errors:
                given.pop(name, None)
            if "sort" in error.errors:
                sort = DEFAULT_SORT


def _clean(name: str, value: str, complaints: list[str]) -> str | None:
    try:
        text = clean_text(value, max_length=LONGEST_VALUE, field=name)
    except Invalid as error:
        complaints.extend(str(message) for message in error.errors[name])
        return None
    if name == "country" and text and country_code(text) is None:
        complaints.append(_("“%(value)s” is not a country that is known.", value=text))
        return None
    return text


def _sort(query: LeadQuery) -> str | None:
    sort = f"-{query.sort}" if query.descending else query.sort
    return None if sort == DEFAULT_SORT else sort


def _text(session: Session, actor: Actor, query: LeadQuery, page: Page[LeadRow]) -> str:
    """ "1–50 of 1,000+"; counted only where there is more than this page."""
    shown = len(page.items)
    if not shown:
        return ""
    if not page.older and not page.newer:
        return _("%(shown)s in all", shown=number(shown))
    found = count_leads(session, actor, query)
    total = f"{number(COUNT_CAP)}+" if found > COUNT_CAP else number(found)
    if page.newer:
        return _("%(shown)s of %(all)s", shown=number(shown), all=total)
    return _("1–%(shown)s of %(all)s", shown=number(shown), all=total)


def _columns(actor: Actor, address: ListAddress, time: str) -> list[Mapping[str, Any]]:
    def sorted_by(key: str, *, first_descending: bool = True) -> dict[str, str]:
        if key in actor.hidden_fields:
            return {}
        is_current = address.direction(key) or (key == "created_at" and address.sort is None)
        return {
            "sort_url": address.sorted_by(key, first_descending=first_descending),
            "direction": address.direction(key) or ("desc" if is_current else ""),
        }

    columns: list[Mapping[str, Any]] = [
        {"label": _("Company or person"), "css": "is-main", **sorted_by("company", first_descending=False)},
        *(
            [{"label": _("Status and owner")}]
            if actor.is_partner
            else [{"label": _("Status")}, {"label": _("Owner")}]
        ),
        {"label": _("Product and place")},
        *([{"label": _("Score"), **sorted_by("score")}] if "score" not in actor.hidden_fields else []),
        {"label": _time_label(time), **sorted_by(time)},
        {"label": _("Last activity"), "css": "is-wide"},
    ]
    if actor.is_partner:
        columns.append({"label": _("Act"), "css": "is-end", "hidden_label": True})
    return columns


def _time_label(time: str) -> str:
    return {
        "arrived_at": _("Arrived"),
        "updated_at": _("Changed"),
        "waiting_since": _("Waiting since"),
    }.get(time, _("Added"))
