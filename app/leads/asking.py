"""Lists of leads asked for by rooms: by filters as an address has them, or by conditions of their own."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level
from app.lists.catalogue import objects
from app.lists.query import ListQuery, Part, parse_list


def parse_lead_query(
    session: Session,
    actor: Actor,
    given: Mapping[str, Sequence[str]],
    sort: str | None = None,
    *,
    default_sort: str = "-created_at",
) -> ListQuery:
    """Filters (name → values, any of which may match; `filter` for what is combined) and sort key of a list.

    Raises Invalid naming the known filters or sort keys.
    """
    return parse_list(session, actor, objects()["lead"], given, sort=sort or default_sort)


def leads_where(*conditions: ColumnElement[bool], level: Level = Level.PREVIEW) -> ListQuery:
    """Leads for which these conditions hold, the newest first, of which so much is given at least."""
    parts = tuple(Part(each, None) for each in conditions)
    return ListQuery(objects()["lead"], {}, parts, "created_at", descending=True, level=level)
