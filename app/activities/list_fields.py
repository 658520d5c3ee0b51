"""What lists know of activities: since when nothing has happened, and whether something is planned."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.models import Account, Contact
from app.activities.models import Activity
from app.activities.next_steps import next_steps
from app.activities.told import last_activity_column
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.among import among
from app.kernel.errors import Invalid
from app.leads.models import Lead
from app.lists.catalogue import (
    AT_LEAST,
    RELATED,
    Condition,
    Kind,
    ListField,
    Provider,
    add_fields,
    add_provider,
)
from app.opportunities.models import Opportunity
from app.routing.criteria import Op

MOST_DAYS = 36_500


def _quiet(model: Any) -> ListField:
    """How long nothing has happened; what nothing ever happened with counts as quiet."""

    def make(_session: Session, actor: Actor, _op: Op, value: Any) -> Condition:
        if not 1 <= value <= MOST_DAYS or value != int(value):
            raise Invalid({"no_activity_days": [_l("Give a whole number of days.")]})
        since = clock.now() - timedelta(days=int(value))
        column = last_activity_column(model, actor)
        return or_(column.is_(None), column < since)

    return ListField(
        "no_activity_days", _l("No activity for"), Kind.NUMBER, model.last_activity_at, make, AT_LEAST, says=_says_quiet,
        is_column=False, unit=_l("days"), section=RELATED,
    )  # fmt: skip


def _last(model: Any) -> Provider:
    """The last activity as far as it is told to each."""

    def make(_session: Session, actor: Actor) -> list[ListField]:
        column, label = last_activity_column(model, actor), _l("Last activity")
        if not isinstance(column, InstrumentedAttribute):
            return [ListField("last_activity_at", label, Kind.MOMENT, column)]
        return [
            ListField(
                "last_activity_at", label, Kind.MOMENT, column, sort="last_activity_at", sort_column=column,
                sorts_empty=True,
            )
        ]  # fmt: skip

    return make


def _says_quiet(_op: Op, value: str) -> str:
    number = int("".join(each for each in value if each.isdigit()) or 0)
    return ngettext("nothing has happened for %(num)s day", "nothing has happened for %(num)s days", number)


def _has_open_task(model: Any, column: InstrumentedAttribute[Any]) -> ListField:
    """Whether something is planned on the record itself, which is seen by whoever sees the record."""

    def make(_session: Session, _actor: Actor, _op: Op, value: Any) -> Condition:
        found = exists().where(column == model.id, Activity.is_done.is_(False)).correlate(model.__table__)
        return found if value else ~found

    def cells(session: Session, _actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
        open_ones = select(column).where(among(session, column, keys), Activity.is_done.is_(False))
        found = set(session.scalars(open_ones))
        return {key: key in found for key in keys}

    return ListField(
        "has_open_task", _l("Something planned"), Kind.YES_NO, model.id, make, resolve=cells, says=_says_open,
        section=RELATED, is_export=False,
    )  # fmt: skip


def _next_steps(session: Session, actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    return {key: step.text for key, step in next_steps(session, actor, keys).items()}


def _says_open(_op: Op, value: str) -> str:
    return _("something is planned with it") if value == _("yes") else _("nothing is planned with it")


for _name, _model, _column in (
    ("account", Account, Activity.account_id),
    ("contact", Contact, Activity.contact_id),
):
    add_fields(_name, _quiet(_model), _has_open_task(_model, _column))
    add_provider(_name, _last(_model))
add_provider("opportunity", _last(Opportunity))
add_fields(
    "lead",
    _quiet(Lead),
    _has_open_task(Lead, Activity.lead_id),
    ListField(
        "next_step", _l("Next step"), Kind.TEXT, Lead.id, resolve=_next_steps, is_filter=False, text=str
    ),
)
