"""What lists of leads can show, filter by, sort by and edit; what a page shows is read as `row_queries` reads it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import case, literal
from sqlalchemy.orm import Session

from app.accounts.consent import may_reach
from app.accounts.list_fields import account_links, accounts_named_by, user_field
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.leads import filters, list_values
from app.leads.choices import status_name
from app.leads.errors import AlreadyConverted
from app.leads.fields import FIELDS, SECTIONS, Field, FieldKind
from app.leads.models import Lead, StatusCategory
from app.leads.operations import delete_lead, edit_lead, restore_lead
from app.leads.queries import get_lead
from app.leads.refusals import refuse_foreign_fields
from app.leads.row_queries import last_activity_of, owners_of, rows_of_keys, touch_due_of
from app.leads.rows import LeadRow
from app.leads.sight import SIGHT
from app.leads.values import read_lead_values, reading_for
from app.lists.catalogue import (
    PLAIN,
    RELATED,
    SAME,
    Deleting,
    Kind,
    ListField,
    ListObject,
    State,
    add_fields,
    add_provider,
    describe,
)
from app.routing.criteria import Op

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
# What a row has by itself, a preview's without what it hides.
_OF_THE_ROW = (
    "company", "email", "industry", "city", "state", "country", "product_interest", "score", "rating", "arrived_at",
)  # fmt: skip
# Computed, or kept as it came.
_NOT_EDITED = frozenset({"score", "arrived_at", "campaign"})
_SORTED = frozenset({"company", "last_name", "score", "arrived_at"})
_CHOICE = SAME[:4]


# Sentences


def _says(yes: Any, no: Any) -> Callable[[Op, str], str]:
    return lambda _op, value: str(yes if value == _("yes") else no)


def _says_age(op: Op, value: str) -> str:
    number = int("".join(each for each in value if each.isdigit()) or 0)
    if op is Op.GTE:
        return ngettext("it came %(num)s day ago or earlier", "it came %(num)s days ago or earlier", number)
    return ngettext("it came in the last %(num)s day", "it came in the last %(num)s days", number)


def _says_stale(_op: Op, value: str) -> str:
    number = int("".join(each for each in value if each.isdigit()) or 0)
    return ngettext(
        "it is open and nobody has touched it for %(num)s day",
        "it is open and nobody has touched it for %(num)s days",
        number,
    )


# Fields


def _attribute(name: str) -> Callable[[LeadRow], Any]:
    return lambda row: getattr(row, name)


def _status(row: LeadRow) -> State | None:
    if row.is_preview:
        return State("", _("Offered"), "offered") if row.is_offered else State("", _("Free to claim"), "free")
    return State("", status_name(row.status), row.category or "") if row.status else None


def _employees(row: LeadRow) -> Any:
    return row.employee_band if row.is_preview else row.employees


def _field(field: Field) -> ListField:
    name, column = field.name, getattr(Lead, field.attribute)
    sort, edits = name if name in _SORTED else "", "" if name in _NOT_EDITED else name
    of = _attribute(name) if name in _OF_THE_ROW else _employees if name == "employees" else None
    if name == "status":
        return ListField(
            name, field.label, Kind.CHOICE, column, filters.has_status, _CHOICE, list_values.statuses,
            resolve=list_values.status_cells, of=_status, text=lambda state: state.key, edits=edits, edit_choices=list_values.statuses_to_give,
        )  # fmt: skip
    if name == "source":
        return ListField(
            name, field.label, Kind.CHOICE, column, filters.has_source, SAME, list_values.sources,
            list_values.source_names, resolve=list_values.source_cells, of=_attribute("source"), text=str, edits=edits,
        )  # fmt: skip
    if name == "unqualified_reason":
        return ListField(
            name, field.label, Kind.CHOICE, column, filters.has_reason, SAME, list_values.reasons,
            resolve=list_values.reason_cells, text=str, edits=edits,
        )  # fmt: skip
    if name == "consent_basis":  # text, for old ones were written in words
        return ListField(
            name, field.label, Kind.TEXT, column, choices=list_values.bases, resolve=list_values.basis_cells,
            text=str, edits=edits,
        )  # fmt: skip
    return ListField(
        name, field.label, _KINDS.get(field.kind, Kind.TEXT), column, of=of, sort=sort, edits=edits
    )


def _about_the_lead() -> list[ListField]:
    owner = ListField(
        "owner", _l("Owner"), Kind.USER, Lead.id, filters.has_owner, _CHOICE, list_values.owners, list_values.names,
        resolve=owners_of, of=_attribute("owner"), text=lambda owner: owner.name,
    )  # fmt: skip
    return [
        ListField(
            "name", _l("Company or person"), Kind.TEXT, Lead.id, resolve=list_values.titles,
            of=_attribute("title"), sort="company", is_filter=False, is_export=False,
        ),
        ListField(
            "person", _l("Person"), Kind.TEXT, Lead.id, of=lambda row: row.person if row.company else None,
            is_column=False, is_filter=False, is_export=False,
        ),
        owner,
        ListField(
            "queue", _l("Queue"), Kind.CHOICE, Lead.owner_queue_id, filters.in_queue, SAME, list_values.queues,
            list_values.names, resolve=list_values.queue_cells, text=str,
        ),
        ListField(
            "partner", _l("Partner"), Kind.REFERENCE, Lead.partner_account_id, filters.has_partner, SAME,
            names=accounts_named_by, picks="account", resolve=account_links, text=lambda link: link.text,
        ),
        ListField(
            "category", _l("Stage"), Kind.CHOICE, None, filters.has_category, _CHOICE, list_values.categories,
            is_column=False, is_export=False,
        ),
        ListField(
            "open", _l("Open"), Kind.YES_NO, Lead.is_open, filters.is_open,
            says=_says(_l("it is open"), _l("it is closed")),
        ),
        ListField(
            "waiting", _l("Waiting in a queue"), Kind.YES_NO,
            case((Lead.owner_queue_id.is_(None), 0), else_=1), filters.is_waiting, is_export=False,
            says=_says(_l("it waits in a queue"), _l("it is with a person")),
        ),
        ListField(
            "needs_owner", _l("Needs an owner"), Kind.YES_NO, None, filters.needs_owner, is_column=False,
            is_export=False, section=RELATED, says=_says(_l("its owner has left"), _l("its owner is there")),
        ),
        ListField(
            "duplicates", _l("Probable duplicate"), Kind.YES_NO, None, filters.is_duplicate, is_column=False,
            is_export=False, section=RELATED,
            says=_says(_l("it is a probable duplicate"), _l("it is like no other")),
        ),
        ListField(
            "import", _l("Imported file"), Kind.CHOICE, None, filters.came_with, SAME, names=list_values.names,
            is_column=False, is_export=False, section=RELATED,
        ),
        ListField(
            "untouched", _l("Not yet touched"), Kind.YES_NO, None, filters.is_untouched, is_column=False,
            is_export=False, section=RELATED, is_internal=True,
            says=_says(_l("whoever has it has done nothing on it"), _l("something was done on it, or nobody has it")),
        ),
        ListField(
            "stale_days", _l("Untouched for"), Kind.NUMBER, None, filters.untouched_for, (Op.GTE,), is_column=False,
            is_export=False, says=_says_stale, unit=_l("days"), section=RELATED,
        ),
        ListField(
            "age_days", _l("Age"), Kind.NUMBER, None, filters.age_in_days, (Op.GTE, Op.LTE), is_column=False,
            is_export=False, says=_says_age, unit=_l("days"),
        ),
    ]  # fmt: skip


def _stamps() -> list[ListField]:
    def moment(name: str, label: Any, sort: str = "") -> ListField:
        return ListField(name, label, Kind.MOMENT, getattr(Lead, name), of=_attribute(name), sort=sort)

    return [
        moment("waiting_since", _l("Waiting since"), "waiting_since"),
        moment("last_activity_at", _l("Last activity")),
        moment("touch_due_at", _l("To be touched by")),
        moment("offer_expires_at", _l("Offer ends")),
        ListField("converted_at", _l("Converted on"), Kind.MOMENT, Lead.converted_at),
        moment("created_at", _l("Added"), "created_at"),
        moment("updated_at", _l("Changed"), "updated_at"),
        user_field("created_by", _l("Created by"), Lead.created_by_id),
        user_field("updated_by", _l("Changed by"), Lead.updated_by_id),
    ]


def _by_side(_session: Session, actor: Actor) -> Sequence[ListField]:
    """Fields that hold something else for partner people: what others did on a lead is not theirs to know.

    When a lead was handed over is the vendor's to know.
    """
    if not actor.is_partner:
        handed_over = ListField(
            "marketing_qualified_at",
            _l("Marketing-qualified since"),
            Kind.MOMENT,
            Lead.marketing_qualified_at,
        )
        return [handed_over]
    own = last_activity_of(literal(actor.company_id))
    return [
        ListField(
            "last_activity_at", _l("Last activity"), Kind.MOMENT, own, of=_attribute("last_activity_at")
        ),
        ListField(
            "touch_due_at",
            _l("To be touched by"),
            Kind.MOMENT,
            touch_due_of(literal(actor.company_id)),
            of=_attribute("touch_due_at"),
        ),
    ]


# Acts


def _write(
    session: Session,
    actor: Actor,
    ref: str,
    values: Mapping[str, Any],
    *,
    version: int | None = None,
    now: datetime,
) -> Lead:
    """Change fields by what is typed.  Raises what `edit_lead` raises, and Invalid for values that do not fit."""
    values = list_values.with_reason(values)
    refuse_foreign_fields(session, actor, values)
    reading = reading_for(session, actor, find_held=lambda: get_lead(session, actor, ref, Level.EDIT))
    read = read_lead_values(values, reading).fields
    began = None if version is None else str(version)
    return edit_lead(session, actor, ref, read, version=began, now=now)


def _may_give(actor: Actor) -> bool:
    return actor.can(Permission.LEAD_ASSIGN) or actor.can(Permission.LEAD_TRANSFER)


def _read(session: Session, actor: Actor, found: Sequence[tuple[int, Level]]) -> Mapping[int, LeadRow]:
    rows = rows_of_keys(session, actor, [(key, level, None) for key, level in found])
    return {row.id: row for row in rows}


describe(
    ListObject(
        name="lead",
        model=Lead,
        prefix=refs.LEAD,
        root="leads.index",
        view=Permission.LEAD_VIEW,
        edit=Permission.LEAD_EDIT,
        export=Permission.LEAD_EXPORT,
        title="name",
        note="person",
        columns=("status", "owner", "product_interest", "score", "created_at", "last_activity_at"),
        sorts=filters.SORT_COLUMNS,
        sort="-created_at",
        simple=filters.FILTERS,
        quick=("status", "owner", "open"),
        write=_write,
        create=Permission.LEAD_CREATE,
        gives_at="owners.change_many",
        may_give=_may_give,
        deleting=Deleting(
            Permission.LEAD_DELETE,
            delete_lead,
            restore_lead,
            unfit=((Lead.converted_at.is_not(None), AlreadyConverted.message),),
        ),
        headings=tuple(SECTIONS.values()),
        sight=SIGHT,
        beside=_read,
        is_closed=lambda row: row.category == StatusCategory.CONVERTED,
        aside=("owner",),
        purposes={
            "mailing": (_l("for mailing"), may_reach(Lead, "email")),
            "calling": (_l("for calling"), may_reach(Lead, "phone")),
        },
        lasting=frozenset(
            {*(filters.FILTERS.keys() - {"q"}), *FIELDS, "owner", "queue", "partner", "category", "open", "waiting", "needs_owner",
             "duplicates", "import", "created_at", "updated_at", "waiting_since"}
        ),
    )
)  # fmt: skip
add_fields(
    "lead",
    *(
        each if each.heading is not PLAIN else replace(each, section=SECTIONS["work"])
        for each in _about_the_lead()
    ),
    *(replace(_field(each), section=SECTIONS[each.section]) for each in FIELDS.values()),
    *_stamps(),
)
add_provider("lead", _by_side)
