"""Lists of the API that are lists of pages too: what they can be narrowed to and sorted by."""

from pydantic import BaseModel, Field, create_model

from app.api.schemas.common import list_query
from app.lists.catalogue import known_fields, objects
from app.lists.query import ends_of

FILTER = (
    "What is combined, as the address of the object's page has it: `all(owner.equals:me,any(industry.in:Retail;Wine,"
    "employees.gte:500))`, or criteria as JSON. Days may be `today`, `-30d`, `+7d`."
)


def listed_query(name: str, object_name: str) -> type[BaseModel]:
    """The parameters of the list of an object that `lists.catalogue` knows.

    Fields that administrators add are filters too; they are not known yet when this is made.
    """
    object_, fields = objects()[object_name], known_fields(object_name)
    named = {field.name: None for field in fields.values() if field.is_filter}
    filters = dict.fromkeys([*object_.simple, *named, *ends_of(fields)])
    plain = list_query(name, filters, object_.sorts, default="-created_at")
    return create_model(name, __base__=plain, filter=(str | None, Field(default=None, description=FILTER)))
