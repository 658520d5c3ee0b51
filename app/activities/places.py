"""The kinds of record that activities are on: the one list of them.

A new kind is a column of `activity` (and its part of the check that there is exactly one), a line here, the
routes `of_<kind>` and `log_on_<kind>` in `views`, and the three of the API.  Everything else asks this list.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.models import Account, Contact
from app.activities.models import Activity
from app.cases.models import Case
from app.conversion.models import Conversion
from app.kernel.actor import Actor, Level
from app.leads.models import Lead
from app.opportunities.models import Opportunity
from app.sharing.scope import scope

Record = Lead | Account | Contact | Opportunity | Case


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of record that activities are on.

    column: of `activity`, with the record's key.  name: what the record is called for a reader.
    account_id: key of the account on whose page its activities are shown as well, None for none.
    is_closed: whether nothing may be written to it any more.
    """

    model: type[Any]
    column: InstrumentedAttribute[int | None]
    name: Callable[[Any, Actor], str]
    account_id: Callable[[Any], int | None]
    is_closed: Callable[[Any], bool] = lambda _record: False

    @property
    def kind(self) -> str:
        """The name of its table, which its routes are called after: `leads.show` with `lead_ref`."""
        return str(self.model.__tablename__)


def _account_of_contact(contact: Any) -> int | None:
    return None if contact.deleted_at is not None else contact.account_id


PLACES: tuple[Place, ...] = (
    Place(
        Lead,
        Activity.lead_id,
        name=lambda lead, actor: lead.title_for(actor),
        account_id=lambda _lead: None,
        is_closed=lambda lead: lead.converted_at is not None,
    ),
    Place(
        Account,
        Activity.account_id,
        name=lambda account, _actor: account.name,
        account_id=lambda account: account.id,
    ),
    Place(
        Contact,
        Activity.contact_id,
        name=lambda contact, _actor: contact.full_name,
        account_id=_account_of_contact,
    ),
    Place(
        Opportunity,
        Activity.opportunity_id,
        name=lambda opportunity, _actor: opportunity.name,
        account_id=lambda opportunity: None if opportunity.deleted_at is not None else opportunity.account_id,
    ),
    Place(
        Case,
        Activity.case_id,
        name=lambda case, _actor: case.title,
        account_id=lambda case: None if case.deleted_at is not None else case.account_id,
    ),
)
_BY_MODEL = {place.model: place for place in PLACES}


def place_of(record: Any) -> Place:
    """The kind of a loaded record."""
    return _BY_MODEL[type(record)]


def place_of_activity(activity: Activity) -> tuple[Place, int]:
    """The kind and the key of the record that an activity is on."""
    for place in PLACES:
        key = getattr(activity, place.column.key)
        if key is not None:
            return place, int(key)
    raise LookupError(f"activity {activity.id} is on no record")  # the table's check forbids it


def is_on(record: Any) -> ColumnElement[bool]:
    """That an activity is on this record."""
    condition: ColumnElement[bool] = place_of(record).column == record.id
    return condition


def is_readable(actor: Actor) -> ColumnElement[bool]:
    """That the actor may read the record which an activity is on, or what the lead became that it is on."""
    readable = [
        exists().where(place.model.id == place.column, scope(place.model, actor, Level.READ))
        for place in PLACES
    ]
    # Beside each other rather than one in the other: SQLite reads conditions to a certain depth only.
    became = [
        exists().where(
            Conversion.lead_id == Activity.lead_id, model.id == column, scope(model, actor, Level.READ)
        )
        for model, column in _RESULTS.items()
    ]
    return or_(*readable, and_(Activity.lead_id.is_not(None), or_(*became)))


_RESULTS: Mapping[Any, Any] = {
    Account: Conversion.account_id,
    Contact: Conversion.contact_id,
    Opportunity: Conversion.opportunity_id,
}


def leads_of(record: Any) -> Select[int]:
    """Keys of the leads that became a record; what was done on them shows on its page."""
    return select(Conversion.lead_id).where(_RESULTS[type(record)] == record.id)


def results_of(lead_id: int) -> Mapping[Any, Select[Any]]:
    """Model → select of the key of what a lead became."""
    return {
        model: select(column).where(Conversion.lead_id == lead_id, column.is_not(None))
        for model, column in reversed(list(_RESULTS.items()))
    }


@dataclass(frozen=True, slots=True)
class PlaceName:
    """A record that an activity is on, as its reader knows it."""

    kind: str
    ref: str
    name: str


def names_of_places(
    session: Session, actor: Actor, activities: Iterable[Activity]
) -> Mapping[int, PlaceName]:
    """Activity's key → its record, where the actor may read that.  One statement for each kind."""
    wanted: dict[Place, dict[int, list[int]]] = {}
    for activity in activities:
        place, key = place_of_activity(activity)
        wanted.setdefault(place, {}).setdefault(key, []).append(activity.id)
    found: dict[int, PlaceName] = {}
    for place, keys in wanted.items():
        model = place.model
        rows = session.scalars(select(model).where(scope(model, actor, Level.READ), model.id.in_(keys)))
        for record in rows:
            name = PlaceName(place.kind, record.ref, place.name(record, actor))
            found.update(dict.fromkeys(keys[record.id], name))
    return found
