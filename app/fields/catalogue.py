"""The fields that administrators added, as everything else asks for them: read once, kept until they change.

The organisation's row, which every request reads anyway, says by its `fields_key` which edition of them is in
force; an edition is kept by that key, which is never used for two.  So they cost no statement.
"""

import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask_babel import get_locale
from flask_babel.speaklater import LazyString
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.conversion.models import FieldMapping
from app.fields.kinds import OBJECTS, TYPES, Kind, is_custom
from app.fields.models import CustomField, FormLayout
from app.identity.models import Organisation
from app.kernel.actor import Actor
from app.routing.criteria import FieldType

_KEPT = 20
_HELD = "fields_organisation"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a list.  key: what records hold, whatever it is called.  names: language → name."""

    key: str
    name: str
    names: Mapping[str, str]
    is_retired: bool = False

    @property
    def label(self) -> str:
        """Its name in the reader's language."""
        return self.names.get(_language()) or self.name


@dataclass(frozen=True, slots=True)
class Definition:
    """A field.  Its label is said in the language of whoever reads it, when they do.

    is_indexed: lists can filter and sort by `slot`.  slot is there from the moment that records begin to get it.
    from_lead: the fields of leads that are written into it when one is converted.
    section, max_length, by_partner…: as standard fields have them (`leads.fields`, `accounts.fields`).
    """

    id: int
    ref: str
    object: str
    name: str
    kind: Kind
    own_label: str
    labels: Mapping[str, str]
    help: str
    description: str
    choices: tuple[Choice, ...]
    first_value: str
    is_required: bool
    is_internal: bool
    by_partner: bool
    slot: int | None
    is_indexed: bool
    is_retired: bool
    section: str = "custom"
    only_for: str = ""
    max_length: int = 255
    is_reference: bool = False
    from_lead: tuple[str, ...] = ()

    @property
    def label(self) -> Any:
        return LazyString(self._label)

    def _label(self) -> str:
        return self.labels.get(_language()) or self.own_label

    @property
    def column(self) -> str:
        """The column it is indexed in."""
        return f"custom_{self.slot}"

    @property
    def type(self) -> FieldType:
        """What criteria take its values for."""
        return TYPES[self.kind]

    @property
    def offered(self) -> list[Choice]:
        """The choices that a form offers."""
        return [choice for choice in self.choices if not choice.is_retired]

    def choice(self, key: str) -> Choice | None:
        return next((choice for choice in self.choices if choice.key == key), None)

    def all_labels(self) -> list[str]:
        """What it is called in any language."""
        return list(dict.fromkeys([self.own_label, *self.labels.values()]))


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """One edition.  fields: object → name → definition, retired ones too, in the order of the forms."""

    key: str = ""
    fields: Mapping[str, Mapping[str, Definition]] = field(default_factory=dict)
    layouts: Mapping[str, Sequence[tuple[str, Sequence[str]]]] = field(default_factory=dict)

    def all(self, object_: str) -> Mapping[str, Definition]:
        """Those of an object, retired ones too."""
        return self.fields.get(object_, {})

    def active(self, object_: str) -> dict[str, Definition]:
        """Those in use."""
        return {name: each for name, each in self.all(object_).items() if not each.is_retired}

    def seen(self, actor: Actor, object_: str) -> dict[str, Definition]:
        """Those in use that the actor sees on a record which they may read."""
        if not actor.is_partner:
            return self.active(object_)
        active = {n: each for n, each in self.active(object_).items() if each.kind is not Kind.USER}
        if object_ == "lead":
            return {n: each for n, each in active.items() if n not in actor.hidden_fields}
        # Whoever is not to read a field of leads does not read it in what they became either.
        hidden = set(actor.hidden_fields)
        return {
            name: each
            for name, each in active.items()
            if not each.is_internal and hidden.isdisjoint(each.from_lead)
        }

    def of_people(self, object_: str) -> list[str]:
        """Names of those that hold one of the vendor's people: partner people read none of their names beside a record."""
        return [name for name, each in self.all(object_).items() if each.kind is Kind.USER]

    def in_slots(self, object_: str) -> list[Definition]:
        """Those that records keep a column for, full or being filled."""
        return [each for each in self.all(object_).values() if each.slot is not None]

    def types(self, object_: str) -> dict[str, FieldType]:
        """Those that criteria may name, with their types."""
        return {name: each.type for name, each in self.active(object_).items()}

    def label(self, object_: str, name: str) -> str | None:
        """What a field is called; None for one that is nowhere any more."""
        known = self.all(object_).get(name)
        return None if known is None else str(known.label)


EMPTY = Catalogue()
_editions: OrderedDict[str, Catalogue] = OrderedDict()


def catalogue(session: Session) -> Catalogue:
    """The edition in force, as the transaction sees it."""
    organisation = session.info.get(_HELD)
    if organisation is None:
        # Held, or else it would be read each time that somebody asks and nobody else holds it.
        organisation = session.info[_HELD] = session.get(Organisation, 1)
    key = organisation.fields_key if organisation is not None else ""
    if not key:
        return EMPTY
    found = _editions.get(key)
    if found is None:
        found = _editions[key] = _read(session, key)
        while len(_editions) > _KEPT:
            _editions.popitem(last=False)
    return found


def new_key() -> str:
    """The key of another edition; by chance and never by a seed, for none may mean two."""
    return secrets.token_hex(16)


def let_go_of_edition(session: Session) -> None:
    """Listener of the end of a transaction: the next one asks anew which edition is in force."""
    session.info.pop(_HELD, None)


def _read(session: Session, key: str) -> Catalogue:
    rows = session.scalars(
        select(CustomField)
        .where(CustomField.deleted_at.is_(None))
        .order_by(CustomField.object, CustomField.created_at, CustomField.id)
    )
    found: dict[str, dict[str, Definition]] = {name: {} for name in OBJECTS}
    sources: dict[tuple[str, str], tuple[str, ...]] = {}
    for mapping in session.scalars(select(FieldMapping)):
        at = mapping.object, mapping.field
        sources[at] = (*sources.get(at, ()), mapping.lead_field)
    for row in rows:
        definition = definition_of(row)
        found[row.object][row.name] = replace(definition, from_lead=sources.get((row.object, row.name), ()))
    layouts = {
        row.object: [(section, list(names)) for section, names in row.sections]
        for row in session.scalars(select(FormLayout))
    }
    for object_, sections in layouts.items():
        order = [name for _section, names in sections for name in names if is_custom(name)]
        own = found.get(object_, {})
        found[object_] = {
            **{name: own[name] for name in order if name in own},
            **{name: each for name, each in own.items() if name not in order},
        }
    return Catalogue(key, found, layouts)


def types_ever(session: Session, object_: str) -> dict[str, FieldType]:
    """What criteria took the fields for that there are, or were before they were deleted."""
    rows = session.execute(select(CustomField.name, CustomField.kind).where(CustomField.object == object_))
    return {name: TYPES[Kind(kind)] for name, kind in rows}


def definition_of(row: CustomField) -> Definition:
    """A row as everybody else knows it."""
    return Definition(
        id=row.id,
        ref=row.ref,
        object=row.object,
        name=row.name,
        kind=Kind(row.kind),
        own_label=row.label,
        labels=dict(row.labels),
        help=row.help,
        description=row.description,
        choices=tuple(
            Choice(each["key"], each["name"], each.get("names") or {}, bool(each.get("retired")))
            for each in row.choices
        ),
        first_value=row.first_value,
        is_required=row.is_required,
        is_internal=row.is_internal,
        # Whoever could write one could try out who the vendor's people are.
        by_partner=row.by_partner and Kind(row.kind) is not Kind.USER,
        slot=row.slot,
        is_indexed=row.slot is not None and row.slot_is_ready and row.retired_at is None,
        is_retired=row.retired_at is not None,
    )


def _language() -> str:
    return str(get_locale() or "en")[:2]
