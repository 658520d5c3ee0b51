"""Values that criteria compare fields with which administrators added, in words: choices and people by their names."""

from collections.abc import Callable, Mapping

from app.fields.catalogue import Definition
from app.fields.kinds import Kind
from app.fields.values import names_of_people
from app.kernel.db import db
from app.routing.criteria import Leaf, Scalar
from app.routing.criteria_words import Gettext, standard


def shows_values(
    fields: Mapping[str, Definition], gettext: Gettext, language: str
) -> Callable[[Leaf, Scalar], str]:
    """What `routing.criteria_words.describe` is to say values with."""

    def show(leaf: Leaf, value: Scalar) -> str:
        field = fields.get(leaf.field)
        if field is not None and isinstance(value, str):
            choice = next((c for c in field.choices if c.key.casefold() == value.casefold()), None)
            if choice is not None:
                return choice.label
            if field.kind is Kind.USER:
                return names_of_people(db.session(), [value]).get(value, value)
        return standard(leaf, value, gettext, language)

    return show
