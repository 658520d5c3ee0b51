"""What a report is asked for: months of arrival and filters, as its address says them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote_plus
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.lists.catalogue import fields_of
from app.lists.filter_text import write_filter
from app.reports.counting import zone_of

# Fields of leads that every report of leads is filtered by, of those that the reader's lists have.
FILTERS = ("partner", "source", "campaign_id", "country", "product_interest", "queue", "owner")
EARLIEST, LATEST = 190_001, 299_912
_MONTH = re.compile(r"(\d{4})-(\d{2})\Z")
Criteria = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which leads a report counts.

    first, last: months in which they arrived where the organisation is, as 202611, both inclusive; None for no end.
    given: filter of the list of leads → values of which any will do.  zone: of the organisation.
    """

    zone: str
    first: int | None = None
    last: int | None = None
    given: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def criteria(self) -> list[Criteria]:
        """The same as parts of a combined filter of the list of leads."""
        found = [_one_of(name, values) for name, values in self.given.items()]
        return [*found, *self.period(self.first, self.last)]

    def period(self, first: int | None, last: int | None) -> list[Criteria]:
        """Months of arrival as parts of a filter; moments, for the reader may work in another zone."""
        found: list[Criteria] = []
        if first is not None:
            found.append({"field": "arrived_at", "op": "gte", "value": self._begin(first)})
        if last is not None:
            found.append({"field": "arrived_at", "op": "lt", "value": self._begin(next_month(last))})
        return found

    def _begin(self, month: int) -> str:
        return begin_of(month, self.zone).isoformat().replace("+00:00", "Z")

    def narrowed(self, name: str, values: Sequence[str]) -> "Asked":
        """The same with one filter more."""
        return replace(self, given={**self.given, name: values})

    def leads(self, *further: Criteria) -> str:
        """The address of the list of the leads that are counted, and meet these criteria."""
        return self.lists_of(further)()

    def lists_of(self, criteria: Sequence[Criteria]) -> Callable[..., str]:
        """What makes the addresses of the lists of leads that meet these criteria, and further ones each is given.

        A lead that one does not read in full is not counted: the step `captured` keeps previews out of the list.
        """
        parts = [write_filter(part) for part in (*self.criteria, *criteria)]
        begin = "/leads?filter=" + quote_plus("all(" + "".join(f"{part}," for part in parts))

        def url(*further: Criteria) -> str:
            more = further if any(part["field"] == "reached" for part in further) else (*further, _ALL)
            return begin + quote_plus(",".join(map(write_filter, more)) + ")") + "&count=all"

        return url


def came_to(step: str) -> Criteria:
    """That a lead came to this step or further, as criteria."""
    return {"field": "reached", "op": "equals", "value": step}


_ALL = came_to("captured")


def _one_of(name: str, values: Sequence[str]) -> Criteria:
    if len(values) == 1:
        return {"field": name, "op": "equals", "value": values[0]}
    return {"field": name, "op": "in", "value": list(values)}


def next_month(month: int) -> int:
    """The month after, as 202701."""
    return month + 1 if month % 100 < 12 else month + 89


def month_before(month: int, count: int) -> int:
    """The month that is so many before."""
    years, place = divmod(month // 100 * 12 + month % 100 - 1 - count, 12)
    return years * 100 + place + 1


def begin_of(month: int, zone: str) -> datetime:
    """When a month begins in a zone, in UTC."""
    return datetime(month // 100, month % 100, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def month_of(now: datetime, zone: str) -> int:
    """The month that it is."""
    day = now.astimezone(ZoneInfo(zone)).date()
    return day.year * 100 + day.month


def first_day(month: int) -> date:
    """The first day of a month."""
    return date(month // 100, month % 100, 1)


def last_months(session: Session, count: int, now: datetime, **given: Sequence[str]) -> Asked:
    """What arrived in this month and in those before it, so many in all."""
    zone = zone_of(session)
    last = month_of(now, zone)
    return Asked(zone, month_before(last, count - 1), last, given)


def read_asked(session: Session, actor: Actor, args: Mapping[str, Sequence[str]]) -> Asked:
    """What an address asks for.  args: `from` and `to` as 2026-11, filters by name; empty ones count as absent.

    Raises Invalid.
    """
    errors: dict[str, list[Any]] = {}
    ends: dict[str, int | None] = {}
    for name in ("from", "to"):
        text = next((value.strip() for value in args.get(name, ()) if value.strip()), "")
        ends[name] = read_month(text)
        if text and ends[name] is None:
            errors[name] = [_l("This must be a month such as 2026-03.")]
    first, last = ends["from"], ends["to"]
    if first is not None and last is not None and first > last:
        errors["to"] = [_l("The last month must not be before the first one.")]
    if errors:
        raise Invalid(errors)
    known = filters_for(session, actor)
    given = {name: [v.strip() for v in args.get(name, ()) if v.strip()] for name in known}
    return Asked(zone_of(session), first, last, {name: values for name, values in given.items() if values})


def read_month(text: str) -> int | None:
    """A month as it is typed, 2026-11; None for anything else."""
    found = _MONTH.match(text)
    if found is None:
        return None
    month = int(found[1]) * 100 + int(found[2])
    return month if 1 <= month % 100 <= 12 and EARLIEST <= month <= LATEST else None


def write_month(month: int) -> str:
    """As `read_month` reads it."""
    return f"{month // 100}-{month % 100:02}"


def filters_for(session: Session, actor: Actor) -> list[str]:
    """The filters that this person's reports of leads have."""
    fields = fields_of(session, actor, "lead")
    return [name for name in FILTERS if name in fields and fields[name].is_filter]
