"""What a record's page shows of fields that administrators added."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.fields.catalogue import Definition, catalogue
from app.fields.kinds import Kind
from app.fields.values import in_words, names_of_people, people_in
from app.kernel.actor import Actor


@dataclass(frozen=True, slots=True)
class Shown:
    """A field with what the record holds in it.  text: "" for nothing.  url: of a link."""

    field: Definition
    text: str
    url: str = ""


def shown_of(session: Session, actor: Actor, object_: str, custom: Mapping[str, Any]) -> Sequence[Shown]:
    """Those in use that the actor sees, in the order of the form.  At most one statement."""
    return show(session, catalogue(session).seen(actor, object_), custom)


def show(session: Session, fields: Mapping[str, Definition], custom: Mapping[str, Any]) -> Sequence[Shown]:
    """What a record holds in these fields, in their order."""
    people = names_of_people(session, people_in(fields.values(), [custom]))
    return [
        Shown(
            field,
            in_words(field, custom.get(name), people),
            custom.get(name) or "" if field.kind is Kind.LINK else "",
        )
        for name, field in fields.items()
    ]
