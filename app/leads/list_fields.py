"""What exports of leads hold and can be narrowed to.

The list of leads has a page of its own, with previews; here are leads that somebody reads in full, for people inside.
"""

from collections.abc import Collection, Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.leads.fields import FIELDS, Field, FieldKind
from app.leads.filters import FILTERS, SORT_COLUMNS
from app.leads.models import Lead, LeadSource, LeadStatus, UnqualifiedReason
from app.lists.catalogue import Kind, ListField, ListObject, add_fields, describe
from app.lists.people import colleague_choices, user_names, users_by_key
from app.routing.models import Queue

_KINDS = {
    FieldKind.LONG_TEXT: Kind.LONG_TEXT,
    FieldKind.EMAIL: Kind.EMAIL,
    FieldKind.PHONE: Kind.PHONE,
    FieldKind.URL: Kind.URL,
    FieldKind.NUMBER: Kind.NUMBER,
    FieldKind.MONEY: Kind.MONEY,
    FieldKind.COUNTRY: Kind.COUNTRY,
    FieldKind.DATETIME: Kind.MOMENT,
    FieldKind.BOOLEAN: Kind.YES_NO,
}


def _named(model: Any, column: Any) -> Any:
    def names(session: Session, _actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
        rows = session.execute(select(model.id, column).where(model.id.in_(keys)))
        return {row[0]: row[1] for row in rows}

    return names


_RESOLVED = {
    "status": _named(LeadStatus, LeadStatus.key),
    "source": _named(LeadSource, LeadSource.name),
    "unqualified_reason": _named(UnqualifiedReason, UnqualifiedReason.name),
}


def _field(field: Field) -> ListField:
    column, resolve = getattr(Lead, field.attribute), _RESOLVED.get(field.name)
    kind = _KINDS.get(field.kind, Kind.TEXT)
    # What is kept as the key of an entry of a list is narrowed to by the filter of its name alone.
    return ListField(
        field.name, field.label, kind, column, resolve=resolve, text=str if resolve else None,
        is_filter=resolve is None,
    )  # fmt: skip


def _simple(name: str) -> Any:
    return lambda _session, actor, values: FILTERS[name](actor, values)


describe(
    ListObject(
        name="lead",
        model=Lead,
        prefix=refs.LEAD,
        root="leads.index",
        view=Permission.LEAD_VIEW,
        edit=Permission.LEAD_EDIT,
        export=Permission.LEAD_EXPORT,
        title="last_name",
        columns=("company",),
        sorts={name: column for name, column in SORT_COLUMNS.items() if name != "waiting_since"},
        sort="-created_at",
        simple={name: _simple(name) for name in FILTERS if name != "box"},
        level=Level.READ,
        has_page=False,
    )
)
add_fields(
    "lead",
    *(_field(field) for field in FIELDS.values()),
    ListField(
        "owner", _l("Owner"), Kind.USER, Lead.owner_user_id, choices=colleague_choices,
        names=user_names, resolve=users_by_key, text=lambda person: person.name,
    ),
    ListField("queue", _l("Queue"), Kind.TEXT, Lead.owner_queue_id, resolve=_named(Queue, Queue.name), text=str, is_filter=False),
    ListField("created_at", _l("Created"), Kind.MOMENT, Lead.created_at),
    ListField("updated_at", _l("Changed"), Kind.MOMENT, Lead.updated_at),
)  # fmt: skip
