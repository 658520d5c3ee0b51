"""What lists of opportunities can show, filter by, sort by and edit; and what lists of accounts tell of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.list_fields import account_reference, user_field
from app.accounts.models import Account
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.lists.catalogue import (
    RELATED,
    SAME,
    Condition,
    Kind,
    ListField,
    ListObject,
    add_fields,
    describe,
)
from app.opportunities.currencies import choices as currency_choices
from app.opportunities.fields import CATEGORIES, OPPORTUNITY_FIELDS, entry_name
from app.opportunities.filters import OPPORTUNITY_FILTERS, OPPORTUNITY_SORTS, parse_opportunity_query
from app.opportunities.models import Opportunity, StageCategory
from app.opportunities.operations import edit_opportunity
from app.opportunities.queries import list_opportunities, list_outcomes, list_stages, person_for
from app.routing.criteria import Op
from app.sharing.scope import scope

_ENTRIES: Mapping[str, Any] = {"stage": list_stages, "outcome": list_outcomes}


def _entry(name: str, column: InstrumentedAttribute[Any], **more: Any) -> ListField:
    """An entry of a list that the administrator keeps."""
    read = _ENTRIES[name]

    def choices(session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
        return [(entry.key, entry_name(entry)) for entry in read(session)]

    def make(session: Session, _actor: Actor, op: Op, value: Any) -> Condition:
        wanted = value if isinstance(value, tuple) else (value,)
        ids = [entry.id for entry in read(session) if entry.key in wanted]
        if op in (Op.IS_EMPTY, Op.IS_NOT_EMPTY):
            return column.is_(None) if op is Op.IS_EMPTY else column.is_not(None)
        found = column.is_not(None) & column.in_(ids)
        return ~found if op in (Op.NOT_EQUALS, Op.NOT_IN) else found

    def cells(session: Session, _actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
        return {entry.id: entry_name(entry) for entry in read(session) if entry.id in keys}

    ops = SAME[:4] if name == "stage" else SAME
    return ListField(
        name, OPPORTUNITY_FIELDS[name].label, Kind.CHOICE, column, make, ops, choices, resolve=cells, **more
    )


def _stages_in_use(session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
    return [(stage.key, entry_name(stage)) for stage in list_stages(session) if stage.is_active]


def _categories(_session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
    return [(str(key), str(label)) for key, label in CATEGORIES.items()]


def _currencies(_session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
    return currency_choices()


def _known_people(session: Session, actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    """Partner people know nobody outside their company."""
    rows = session.scalars(select(User).where(User.id.in_(list(keys))))
    people = {user.id: person_for(actor, user) for user in rows}
    return {key: person for key, person in people.items() if person is not None}


def _person(name: str, label: Any, column: Any, **more: Any) -> ListField:
    return replace(user_field(name, label, column), resolve=_known_people, **more)


def _fields() -> list[ListField]:
    label = {name: field.label for name, field in OPPORTUNITY_FIELDS.items()}
    record = Opportunity
    return [
        ListField("name", label["name"], Kind.TEXT, record.name, sort="name", edits="name"),
        account_reference("account_id", label["account_id"], record.account_id),
        ListField("amount", label["amount"], Kind.MONEY, record.amount, sort="amount", edits="amount"),
        ListField(
            "currency", label["currency"], Kind.CHOICE, record.currency, choices=_currencies, edits="currency", is_code=True,
        ),
        _entry("stage", record.stage_id, edits="stage", edit_choices=_stages_in_use),
        ListField("category", _l("Outcome"), Kind.CHOICE, record.category, ops=SAME[:4], choices=_categories),
        ListField(
            "probability", label["probability"], Kind.NUMBER, record.probability, edits="probability",
            unit=_l("percent"), sign="%",
        ),
        ListField(
            "close_date", label["close_date"], Kind.DATE, record.close_on, sort="close_date", edits="close_date"
        ),
        _person("owner", label["owner"], record.owner_user_id, edits="owner"),
        replace(account_reference("partner_account_id", label["partner_account_id"], record.partner_account_id), is_internal=True),
        replace(account_reference("source_partner_id", _l("Sourced by"), record.source_partner_id), is_internal=True),
        ListField("campaign", label["campaign"], Kind.TEXT, record.campaign_name, edits="campaign", is_internal=True),
        _entry("outcome", record.outcome_id),
        ListField("outcome_note", label["outcome_note"], Kind.LONG_TEXT, record.outcome_note),
        ListField(
            "description", label["description"], Kind.LONG_TEXT, record.description, edits="description"
        ),
        ListField("external_id", label["external_id"], Kind.TEXT, record.external_id, edits="external_id", is_internal=True),
        ListField("closed_at", _l("Decided"), Kind.MOMENT, record.closed_at),
        ListField("last_activity_at", _l("Last activity"), Kind.MOMENT, record.last_activity_at),
        ListField("created_at", _l("Created"), Kind.MOMENT, record.created_at, sort="created_at"),
        ListField("updated_at", _l("Changed"), Kind.MOMENT, record.updated_at, sort="updated_at"),
        _person("created_by", _l("Created by"), record.created_by_id, is_internal=True),
        _person("updated_by", _l("Changed by"), record.updated_by_id, is_internal=True),
    ]  # fmt: skip


def _open(actor: Actor) -> tuple[Condition, Condition, Condition]:
    return (
        scope(Opportunity, actor, Level.READ),
        Opportunity.deleted_at.is_(None),
        Opportunity.category == StageCategory.OPEN,
    )


def _has_open(_session: Session, actor: Actor, _op: Op, value: Any) -> Condition:
    found = exists().where(Opportunity.account_id == Account.id, *_open(actor))
    found = found.correlate(Account.__table__)
    return found if value else ~found


def _open_cells(session: Session, actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    seen = select(Opportunity.account_id).where(*_open(actor), Opportunity.account_id.in_(list(keys)))
    found = set(session.scalars(seen))
    return {key: key in found for key in keys}


def _says_has(_op: Op, value: str) -> str:
    return _("it has an open opportunity") if value == _("yes") else _("it has no open opportunity")


def _meant(session: Session, actor: Actor, text: str) -> Sequence[tuple[str, str]]:
    query = parse_opportunity_query(session, actor, {"q": [text]})
    found = list_opportunities(session, actor, query, limit=8)
    return [(row.opportunity.ref, row.opportunity.name) for row in found.items]


describe(
    ListObject(
        name="opportunity",
        model=Opportunity,
        prefix=refs.OPPORTUNITY,
        root="opportunities.index",
        view=Permission.OPPORTUNITY_VIEW,
        edit=Permission.OPPORTUNITY_EDIT,
        create=Permission.OPPORTUNITY_CREATE,
        export=Permission.OPPORTUNITY_EXPORT,
        title="name",
        note="account_id",
        columns=("amount", "currency", "stage", "probability", "close_date", "owner"),
        sorts=OPPORTUNITY_SORTS,
        sort="-created_at",
        simple=OPPORTUNITY_FILTERS,
        quick=("owner", "stage", "category"),
        write=edit_opportunity,
        suggest=_meant,
    )
)
add_fields("opportunity", *_fields())
add_fields(
    "account",
    ListField(
        "has_open_opportunity", _l("Open opportunity"), Kind.YES_NO, Account.id, _has_open, resolve=_open_cells,
        says=_says_has, section=RELATED, is_export=False,
    ),
)  # fmt: skip
