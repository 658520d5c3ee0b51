"""What lists of cases can show, filter by, sort by and edit; and what lists of accounts and contacts tell of cases."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.list_fields import account_reference, contact_reference, user_field
from app.accounts.models import Account, Contact
from app.cases.fields import CASE_FIELDS, CHOICES, status_name
from app.cases.filters import CASE_FILTERS, CASE_SORTS, parse_case_query
from app.cases.models import Case
from app.cases.operations import edit_case
from app.cases.queries import list_cases, list_statuses, may_govern
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.among import among
from app.lists.catalogue import RELATED, SAME, Condition, Kind, ListField, ListObject, add_fields, describe
from app.routing.criteria import Op
from app.sharing.scope import scope


def _statuses(session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
    return [(status.key, status_name(status)) for status in list_statuses(session)]


def _has_status(session: Session, _actor: Actor, op: Op, value: Any) -> Condition:
    wanted = value if isinstance(value, tuple) else (value,)
    found = Case.status_id.in_([status.id for status in list_statuses(session) if status.key in wanted])
    return ~found if op in (Op.NOT_EQUALS, Op.NOT_IN) else found


def _status_cells(session: Session, _actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    return {status.id: status_name(status) for status in list_statuses(session) if status.id in keys}


def _choice(name: str, **more: Any) -> ListField:
    """One of the choices that are the same everywhere."""
    column = getattr(Case, name)

    def choices(_session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
        return [(str(key), str(label)) for key, label in CHOICES[name].items()]

    return ListField(name, CASE_FIELDS[name].label, Kind.CHOICE, column, choices=choices, edits=name, **more)


def _is_open(_session: Session, _actor: Actor, _op: Op, value: Any) -> Condition:
    return Case.is_open.is_(bool(value))


def _says_open(_op: Op, value: str) -> str:
    return _("it is open") if value == _("yes") else _("it is closed")


def _fields() -> list[ListField]:
    label = {name: field.label for name, field in CASE_FIELDS.items()}
    return [
        ListField("subject", label["subject"], Kind.TEXT, Case.subject, sort="subject", edits="subject"),
        ListField("number", _l("Number"), Kind.TEXT, Case.number, sort="number"),
        ListField(
            "status", label["status"], Kind.CHOICE, Case.status_id, _has_status, SAME[:4], _statuses,
            resolve=_status_cells,
        ),
        ListField("open", _l("Open"), Kind.YES_NO, Case.is_open, _is_open, says=_says_open),
        _choice("priority", sort="priority"),
        _choice("type"),
        _choice("origin"),
        account_reference("account_id", label["account_id"], Case.account_id),
        contact_reference("contact_id", label["contact_id"], Case.contact_id),
        user_field("owner", label["owner"], Case.owner_user_id, edits="owner"),
        ListField("opened_at", _l("Opened"), Kind.MOMENT, Case.opened_at, sort="created_at"),
        ListField("closed_at", _l("Closed"), Kind.MOMENT, Case.closed_at),
        ListField("resolution", _l("What came of it"), Kind.LONG_TEXT, Case.resolution),
        ListField(
            "description", label["description"], Kind.LONG_TEXT, Case.description, edits="description"
        ),
        ListField("external_id", label["external_id"], Kind.TEXT, Case.external_id, edits="external_id"),
        ListField("last_activity_at", _l("Last activity"), Kind.MOMENT, Case.last_activity_at),
        ListField(
            "created_at", _l("Created"), Kind.MOMENT, Case.created_at, is_column=False, is_export=False
        ),
        ListField("updated_at", _l("Changed"), Kind.MOMENT, Case.updated_at, sort="updated_at"),
        user_field("created_by", _l("Created by"), Case.created_by_id),
        user_field("updated_by", _l("Changed by"), Case.updated_by_id),
    ]  # fmt: skip


def _open(actor: Actor) -> tuple[Condition, Condition, Condition]:
    """Of open cases that the reader sees; live ones, said once more for the databases to see that indexes fit."""
    return scope(Case, actor, Level.READ), Case.deleted_at.is_(None), Case.is_open.is_(True)


def _open_cases(model: Any, column: InstrumentedAttribute[Any]) -> ListField:
    """Whether an account or a contact has an open case, as far as the reader may see it."""

    def make(_session: Session, actor: Actor, _op: Op, value: Any) -> Condition:
        found = exists().where(column == model.id, *_open(actor))
        return found.correlate(model.__table__) if value else ~found.correlate(model.__table__)

    def cells(session: Session, actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
        seen = select(column).where(*_open(actor), among(session, column, keys))
        found = set(session.scalars(seen))
        return {key: key in found for key in keys}

    return ListField(
        "has_open_case", _l("Open case"), Kind.YES_NO, model.id, make, resolve=cells, says=_says_has, section=RELATED,
        is_export=False,
    )  # fmt: skip


def _says_has(_op: Op, value: str) -> str:
    return _("it has an open case") if value == _("yes") else _("it has no open case")


def _meant(session: Session, actor: Actor, text: str) -> Sequence[tuple[str, str]]:
    found = list_cases(session, actor, parse_case_query(session, actor, {"q": [text]}), limit=8)
    return [(row.case.ref, row.case.title) for row in found.items]


describe(
    ListObject(
        name="case",
        model=Case,
        prefix=refs.CASE,
        root="cases.index",
        view=Permission.CASE_VIEW,
        edit=Permission.CASE_EDIT,
        export=Permission.CASE_EXPORT,
        title="subject",
        note="number",
        columns=("status", "priority", "account_id", "contact_id", "owner", "opened_at"),
        sorts=CASE_SORTS,
        sort="-created_at",
        simple=CASE_FILTERS,
        quick=("owner", "open", "status", "priority", "type"),
        write=edit_case,
        governs=may_govern,
        suggest=_meant,
    )
)
add_fields("case", *_fields())
add_fields("account", _open_cases(Account, Case.account_id))
add_fields("contact", _open_cases(Contact, Case.contact_id))
