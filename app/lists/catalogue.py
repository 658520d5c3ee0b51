"""What lists know of an object: which fields it has, how each is filtered by, shown, sorted by and edited.

Each room that has an object, or fields of another room's object, says so in a module of its own, named in
`app.factory.LISTS`:

    describe(ListObject("account", Account, ...))                       # once for an object
    add_fields("account", ListField("has_case", _l("Open case"), Kind.YES_NO, condition=_has_open_case))
    add_provider("account", custom_fields)                              # read anew for each request

Filters, columns, exports, saved views, bulk edits and the API read this one catalogue.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from flask import g, has_request_context
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level, Permission
from app.routing.criteria import FieldType, Op

Condition = ColumnElement[bool]
# Makes the condition of one comparison.  value: as `Kind` says, a tuple of these for in and not_in, None for
# is_empty and is_not_empty.
MakeCondition = Callable[[Session, Actor, Op, Any], Condition]
# Value as it is written in an address → its name on the page.
NameValues = Callable[[Session, Actor, Collection[str]], Mapping[str, str]]
# Raw values of a page's cells → what the cells show, in one statement.
Resolve = Callable[[Session, Actor, Collection[Any]], Mapping[Any, Any]]
# (value, label) pairs to choose from.
Choices = Callable[[Session, Actor], Sequence[tuple[str, str]]]
# One comparison as a clause of a sentence.  value: its name on the page, several as "A or B".
Say = Callable[[Op, str], str]


class Kind(StrEnum):
    """What a field holds, and so which comparisons it takes and how a cell shows it.

    In conditions: text, choice, user and reference are str (user and reference public names, "me" for
    oneself); number and money int or Decimal; date date; moment a date or an aware moment; country its two
    letters; yes_no bool.  A cell of `names` shows a list of texts, of `link` a `Link`; neither is compared
    otherwise than its `condition` does, with text.  A cell of a choice may show a `State`.
    """

    TEXT = "text"
    LONG_TEXT = "long_text"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    MOMENT = "moment"
    CHOICE = "choice"
    COUNTRY = "country"
    USER = "user"
    REFERENCE = "reference"
    YES_NO = "yes_no"
    NAMES = "names"


FIELD_TYPES: Mapping[Kind, FieldType] = {
    Kind.NUMBER: FieldType.NUMBER,
    Kind.MONEY: FieldType.NUMBER,
    Kind.DATE: FieldType.DATE,
    Kind.MOMENT: FieldType.DATETIME,
    Kind.CHOICE: FieldType.CHOICE,
    Kind.COUNTRY: FieldType.COUNTRY,
    Kind.YES_NO: FieldType.BOOLEAN,
}
_EMPTY = (Op.IS_EMPTY, Op.IS_NOT_EMPTY)
SAME = (Op.EQUALS, Op.NOT_EQUALS, Op.IN, Op.NOT_IN, *_EMPTY)
TEXTUAL = (
    Op.EQUALS, Op.NOT_EQUALS, Op.CONTAINS, Op.STARTS_WITH, Op.IN, Op.NOT_IN, *_EMPTY,
)  # fmt: skip
ORDERED = (Op.EQUALS, Op.NOT_EQUALS, Op.GTE, Op.LTE, Op.GT, Op.LT, Op.IN, Op.NOT_IN, *_EMPTY)
IS = (Op.EQUALS,)
IS_ONE_OF = (Op.EQUALS, Op.IN)
AT_LEAST = (Op.GTE,)
_OPS: Mapping[Kind, tuple[Op, ...]] = {
    Kind.NUMBER: ORDERED,
    Kind.MONEY: ORDERED,
    Kind.DATE: ORDERED,
    Kind.MOMENT: (Op.GTE, Op.LTE, Op.GT, Op.LT, *_EMPTY),
    Kind.CHOICE: SAME,
    Kind.COUNTRY: SAME,
    Kind.USER: SAME,
    Kind.REFERENCE: SAME,
    Kind.YES_NO: IS,
    Kind.NAMES: IS_ONE_OF,
}

# Headings under which a field stands where one is chosen; those that records' pages have come beside these.
PLAIN = _l("Fields")
RELATED = _l("Related")
PEOPLE = _l("People")
DATES = _l("Dates")


@dataclass(frozen=True, slots=True)
class Link:
    """A cell that leads to another record.  url: "" where there is no page for the reader."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """A cell that says how far a record is.  key: of the choice; category: what it is drawn as."""

    key: str
    text: str
    category: str


@dataclass(frozen=True, slots=True)
class Deleting:
    """How records of an object are taken away, many at once, and brought back.

    permission: who may.  delete, restore: (session, actor, ref, *, now).  unfit: (condition, reason) of records that stay.
    """

    permission: Permission
    delete: Callable[..., Any]
    restore: Callable[..., Any]
    unfit: Sequence[tuple[Condition, Any]] = ()


@dataclass(frozen=True, slots=True)
class ListField:
    """One field of an object as lists know it.

    column: what its cells, its standard comparisons and exports read; None where `resolve` alone knows the
    cells (it is then given the keys of the page's records).
    condition: for comparisons that are not simply those of the column.  It must not be null: where it may,
    wrap it, for `not` turns null into neither.  A statement on a shared table inside carries `scope`.
    ops: which comparisons it takes, in the order offered; those of the kind unless named.
    choices: of a choice, and of text that has few values.  edit_choices: what an edit offers instead, where a value
    alone does not say enough.  names: what values are called in a sentence where
    neither choices nor the kind tells.  picks: name of the object whose records a reference names.
    resolve: raw values → what cells show (str, `Link`, `State`, a list of str, an `owner` as `ui.owner` draws).
    of: what the cell shows, of what the object reads `beside` each row; then neither column nor `resolve` is asked
    for a page, only for files and for changes.
    text: what an export writes of a shown value, where that is not its text.
    sort: which of the object's sort keys its column is sorted by, "" for none.  sort_column: what that sorts by
    where it is a key of the field's own; in an index with the key, whose records alone are listed then.
    sorts_empty: that index holds empty ones too, which stand last either way.
    edits: the name of the field in the object's edit operation, where a cell can be edited in its place.  only_for:
    (field, value): records whose field has another value have none of it; the object reads that field `aside`.
    is_column, is_filter: whether it can be shown, filtered by.  is_export: whether whole exports hold it.
    says: the clause of the sentence, where "label is value" would not read well.
    is_code: its cells show the value itself, where its name is said in choices alone ("EUR").
    unit: what stands behind the input of a number ("days").  sign: what stands behind it in a cell ("%").  is_internal: whether partner people have no such field.
    """

    name: str
    label: Any
    kind: Kind = Kind.TEXT
    column: Any = None
    condition: MakeCondition | None = None
    ops: tuple[Op, ...] = ()
    choices: Choices | None = None
    names: NameValues | None = None
    picks: str = ""
    resolve: Resolve | None = None
    of: Callable[[Any], Any] | None = None
    text: Callable[[Any], Any] | None = None
    sort: str = ""
    sort_column: Any = None
    sorts_empty: bool = False
    edits: str = ""
    only_for: tuple[str, str] | None = None
    edit_choices: Choices | None = None
    is_column: bool = True
    is_filter: bool = True
    is_export: bool = True
    says: Say | None = None
    unit: Any = ""
    sign: str = ""
    section: Any = PLAIN
    is_internal: bool = False
    is_code: bool = False

    @property
    def type(self) -> FieldType:
        """What the criteria language takes its values for."""
        return FIELD_TYPES.get(self.kind, FieldType.TEXT)

    @property
    def heading(self) -> Any:
        """Under what it stands where a field is chosen: its section, else what it holds."""
        if self.section is not PLAIN:
            return self.section
        return {Kind.USER: PEOPLE, Kind.DATE: DATES, Kind.MOMENT: DATES, Kind.REFERENCE: RELATED}.get(
            self.kind, PLAIN
        )

    @property
    def operators(self) -> tuple[Op, ...]:
        return self.ops or _OPS.get(self.kind, TEXTUAL)


@dataclass(frozen=True, slots=True)
class Given:
    """A record that got another owner.  name: what it is called.  before: key of the user who had it."""

    record: Any
    name: str
    before: int


# (session, actor, public name, values, version) → writes the change as the object's own edit does.
Edit = Callable[..., Any]
SimpleFilter = Callable[[Session, Actor, Sequence[str]], Condition]
# Keys of rows with how much of each is given → what is read of them beside their cells.
Beside = Callable[[Session, Actor, Sequence[tuple[int, Level]]], Mapping[int, Any]]


@dataclass(frozen=True, slots=True)
class Sight:
    """How lists of an object treat those who see less of it: some fields never, of some records a preview.

    fields: of all the object's fields those that the person's lists have.
    knows: whether there is a filter, or a sort key, of that name for them.
    level: how much must be given of a record for it to be listed, by the names of the fields and filters that
    narrow the list and the sort key: less than the object's own level only if a preview tells all of them.
    shows: whether the field's cell is shown on a preview's row.
    causes: for which reasons alone records are listed under these filters, None for any.
    """

    fields: Callable[[Actor, Mapping[str, ListField]], Mapping[str, ListField]]
    knows: Callable[[Actor, str], bool]
    level: Callable[[Actor, Collection[str], str], Level]
    shows: Callable[[Actor, ListField], bool]
    causes: Callable[[Mapping[str, Sequence[str]]], frozenset[str] | None]


@dataclass(frozen=True, slots=True)
class ListObject:
    """An object that has lists.

    view, edit, export: permissions; create: of making one, `edit` unless named.  prefix: of its public names.  root: endpoint of its list; a record's page
    is the list's address and the public name.
    title: name of the field that leads to the record; note: of one shown beneath it, "" for none.
    simple: further filters of the address by name, that are not fields (`q`, `created_at_from`).
    sorts: key of the address → column that is never null and stands in an index with the key, as the contract
    lists them; `sort` is the page's own order.
    columns: names of the fields shown unless a person chose others.
    quick: fields offered as selects above the list.
    write: the object's edit operation, (session, actor, ref, values, *, version, now).
    give: changes the owner, (session, actor, ref, owner's ref, whether what hangs on it goes along, *, now) → `Given` of
    each record that changed; where it is None the edit operation does.  along: what it asks for, such as "with its
    contacts".  goes_along: (session, actor, select of keys, *, cap) → (owner, how many) of what would go along.
    governs: whether somebody may change the owner of what they have so much of; who may edit where it is None.
    unfit: a person → (condition, reason) of records that they cannot own.  deleting: where many can be deleted at once.
    suggest: (public name, name) of the records that a typed text can mean.
    has_owner: whether its records can be given to somebody.  has_form: whether there is a page that makes one.
    gives_at: endpoint where the owners of ticked rows are changed, where that is an act of its own; may_give: who has
    it.
    left_out: column that is null but for records which lists leave out unless they ask by the filter `left_out`, or
    search.
    sight: for objects that are seen as previews too.  beside: what is read of each row beside its cells, for fields
    that have `of`; aside: fields that rows need though they are no columns.  is_closed: whether a record, by what was read
    beside its row, is changed no more.
    purposes: what an export can be for → (what it is called, condition of the records that it may hold then).
    lasting: filters whose condition follows from their values alone, so that a statement made with it can be kept.
    headings: of the record's page, in its order: fields are chosen under them.
    """

    name: str
    model: Any
    prefix: str
    root: str
    view: Permission
    edit: Permission
    export: Permission
    title: str
    columns: tuple[str, ...]
    sorts: Mapping[str, Any]
    sort: str
    note: str = ""
    simple: Mapping[str, SimpleFilter] = field(default_factory=dict)
    quick: tuple[str, ...] = ()
    write: Edit | None = None
    give: Callable[..., Sequence[Given]] | None = None
    along: Any = ""
    goes_along: Callable[..., Sequence[tuple[int, int]]] | None = None
    governs: Callable[[Actor, Level], bool] | None = None
    unfit: Callable[[Any], Sequence[tuple[Condition, Any]]] | None = None
    deleting: Deleting | None = None
    suggest: Callable[[Session, Actor, str], Sequence[tuple[str, str]]] | None = None
    level: Level = Level.READ
    create: Permission | None = None
    gives_at: str = ""
    may_give: Callable[[Actor], bool] | None = None
    left_out: Any = None
    has_owner: bool = True
    has_form: bool = True
    sight: Sight | None = None
    beside: Beside | None = None
    is_closed: Callable[[Any], bool] | None = None
    aside: tuple[str, ...] = ()
    purposes: Mapping[str, tuple[Any, Condition]] = field(default_factory=dict)
    lasting: frozenset[str] = frozenset()
    headings: tuple[Any, ...] = ()


Provider = Callable[[Session, Actor], Sequence[ListField]]

_objects: dict[str, ListObject] = {}
_fields: dict[str, dict[str, ListField]] = {}
_providers: dict[str, list[Provider]] = {}
_of_all: list[Callable[[ListObject], Sequence[ListField]]] = []


def describe(object_: ListObject) -> None:
    """Let an object have lists."""
    _objects[object_.name] = object_


def add_fields(object_name: str, *fields: ListField) -> None:
    """Let lists of an object have more fields, also those of another room's object."""
    _fields.setdefault(object_name, {}).update({each.name: each for each in fields})


def add_provider(object_name: str, provider: Provider) -> None:
    """Let lists of an object have fields that are read from the database, once for each request."""
    known = _providers.setdefault(object_name, [])
    if provider not in known:
        known.append(provider)


def add_to_all(make: Callable[[ListObject], Sequence[ListField]]) -> None:
    """Let lists of every object have the fields that are made for it."""
    _of_all.append(make)


def objects() -> Mapping[str, ListObject]:
    """The objects that have lists, by name."""
    return _objects


def known_fields(object_name: str) -> Mapping[str, ListField]:
    """The fields of an object that do not depend on who asks or what the database holds."""
    made = {each.name: each for make in _of_all for each in make(_objects[object_name])}
    return {**_fields.get(object_name, {}), **made}


def sorts_of(object_: ListObject, fields: Mapping[str, ListField]) -> Mapping[str, Any]:
    """Key of the address → column, of the object and of those of its fields that have one of their own."""
    own = {each.sort: each.sort_column for each in fields.values() if each.sort_column is not None}
    return {**object_.sorts, **own}


def fields_of(session: Session, actor: Actor, object_name: str) -> Mapping[str, ListField]:
    """The fields of an object that this person's lists have, by name, in the order they are offered."""
    kept: dict[tuple[str, Actor], dict[str, ListField]] = {}
    if has_request_context():
        kept = g.setdefault("list_fields", {})
    found = kept.get((object_name, actor))
    if found is None:
        found = dict(_fields.get(object_name, {}))
        for make in _of_all:
            found.update({each.name: each for each in make(_objects[object_name])})
        for provider in _providers.get(object_name, ()):
            found.update({each.name: each for each in provider(session, actor)})
        if actor.is_partner:
            found = {name: each for name, each in found.items() if not each.is_internal}
        sight = _objects[object_name].sight
        if sight is not None:
            found = dict(sight.fields(actor, found))
        kept[(object_name, actor)] = found
    return found
