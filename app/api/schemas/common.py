"""What the API's models have in common: strict values, people and places, problems.

pydantic is lenient where JSON Schema is not (`false` for an integer), and its strict mode is stricter
(refuses `3.0`); the types here agree with the document that is served.
"""

import math
from collections.abc import Iterable
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    StrictBool,
    StrictStr,
    create_model,
)
from pydantic_core import PydanticCustomError

from app.kernel.paging import LARGEST_PAGE, PAGE_SIZE

T = TypeVar("T")

LARGEST = 2**53  # beyond it JSON's own numbers are not exact


def whole(value: Any) -> Any:
    """A whole number as JSON Schema has it: `3.0` too, but no boolean."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("whole_number", "must be a whole number")
    if isinstance(value, float) and not (math.isfinite(value) and value.is_integer()):
        raise PydanticCustomError("whole_number", "must be a whole number")
    if abs(value) > LARGEST:
        raise PydanticCustomError("whole_number", "is too large")
    return int(value)


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("number", "must be a number")
    try:
        if not math.isfinite(value):
            raise PydanticCustomError("number", "must be a number")
        return float(value)
    except OverflowError as error:
        raise PydanticCustomError("number", "must be a number") from error


Whole = Annotated[int, BeforeValidator(whole)]
Number = Annotated[float, BeforeValidator(_number)]
Minutes = Annotated[int, Field(ge=1, le=60 * 24 * 60), BeforeValidator(whole)]
Hours = Annotated[int, Field(ge=1, le=24 * 365), BeforeValidator(whole)]
Text = StrictStr | None
YesNo = StrictBool | None

Custom = Annotated[
    dict[StrictStr, Any] | None,
    Field(
        description="Fields that an administrator added, name → value; null empties one. Those left out stay."
        " Text, links, days (2026-03-01), keys of choices and ids of colleagues are text."
    ),
]

# What answers hold.
Id = Annotated[str, Field(description="Opaque; compare it, never parse it.", examples=["lead_0QZ…"])]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="UTC.")]


def _no_titles(schema: dict[str, Any]) -> None:
    """The names of fields are title enough."""
    for value in schema.get("properties", {}).values():
        value.pop("title", None)


class Body(BaseModel):
    """A JSON object whose unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_no_titles, defer_build=True)


class Answer(BaseModel):
    """A JSON object that an answer holds; it has the fields named and no others."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_no_titles, defer_build=True)


class OneOf(RootModel[T], Generic[T]):
    """An answer that is one model or another."""

    model_config = ConfigDict(defer_build=True)


class Nothing(Body):
    """An empty object; the body may be left out."""


# People and places


class Person(Answer):
    """A user."""

    type: Literal["user"]
    id: Id
    name: str


class Owner(Answer):
    """A user or a queue."""

    type: Literal["user", "queue"]
    id: Id
    name: str


class TargetIn(Body):
    """Whom to give a lead to."""

    type: Literal["user", "queue", "partner_account", "round_robin"]
    id: StrictStr


class SuccessorIn(Body):
    """Who gets what somebody leaves."""

    owner: TargetIn


class PrincipalIn(Body):
    """A user, a partner account (from a role on, where one is named) or a queue."""

    type: Literal["user", "partner_account", "queue"]
    id: StrictStr
    role: Literal["user", "manager", "executive"] | None = None


class Principal(Answer):
    """Somebody who is given something."""

    type: Literal[
        "user", "internal_role", "partner_account", "account_team", "partner_level", "queue", "group",
        "all_internal", "all_partners",
    ]  # fmt: skip
    id: str = Field(default="", description="Absent for all_internal and all_partners.")
    role: Literal["user", "manager", "executive"] = Field(
        default="user", description="Beside a partner account that is narrowed to that role and above."
    )


class RecordRef(Answer):
    """A record, by kind and id."""

    type: str
    id: str


class OnlyId(Answer):
    """What is left to say of a record that the caller does not see any more."""

    id: Id


class Problem(BaseModel):
    """What went wrong, as RFC 9457 says it."""

    model_config = ConfigDict(json_schema_extra=_no_titles, defer_build=True)

    type: str = Field(description="An address that ends in the slug, such as …/already-claimed.")
    title: str
    status: int
    detail: str
    errors: dict[str, list[str]] = Field(default={}, description="Field → messages, where fields are wrong.")
    current: dict[str, Any] = Field(default={}, description="The record as it is now, for stale.")
    matches: list[dict[str, Any]] = Field(default=[], description="Records, for probable-duplicate.")
    uses: list[str] = Field(default=[], description="What uses it, for in-use.")


# Lists

FILTER = "Any of these."


def list_of(item: type[Answer], name: str = "") -> type[Answer]:
    """The model of a page of a list."""
    return create_model(
        name or f"{item.__name__}List",
        __base__=Answer,
        __doc__=f"A page of a list of {item.__name__}.",
        items=(list[item], ...),  # type: ignore[valid-type]
        next_cursor=(str | None, Field(description="For `cursor`; null at the end.")),
    )


def list_query(
    name: str, filters: Iterable[str] = (), sorts: Iterable[str] = (), *, default: str = ""
) -> type[BaseModel]:
    """The parameters of a list: limit, cursor, sort and its filters, each repeatable for any-of."""
    fields: dict[str, Any] = {
        "limit": (int, Field(default=PAGE_SIZE, ge=1, le=LARGEST_PAGE)),
        "cursor": (str | None, Field(default=None, description="`next_cursor` of the page before.")),
    }
    keys = list(sorts)
    if keys:
        both = [key for pair in ((key, f"-{key}") for key in keys) for key in pair]
        schema: dict[str, Any] = {"enum": both}
        words = f"`-` in front for descending; {default} unless given."
        fields["sort"] = (str | None, Field(default=None, description=words, json_schema_extra=schema))
    for filter_name in filters:
        words = {"q": "Searches."}.get(filter_name, FILTER)
        fields[filter_name] = (list[str] | None, Field(default=None, description=words))
    return create_model(name, __config__=ConfigDict(json_schema_extra=_no_titles, defer_build=True), **fields)
