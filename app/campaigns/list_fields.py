"""What lists of campaigns can show, filter by, sort by and edit; what lists of other records tell of campaigns."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext
from sqlalchemy import ColumnElement, and_, case, func, not_, select
from sqlalchemy.orm import Session

from app.accounts.list_fields import user_field
from app.accounts.models import Contact
from app.campaigns.fields import CAMPAIGN_FIELDS, STATUSES, TYPES
from app.campaigns.models import Campaign
from app.campaigns.operations import edit_campaign
from app.campaigns.queries import is_member
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.fold import fold
from app.kernel.prefix import starts_with
from app.leads.models import Lead, LeadSource
from app.lists.catalogue import (
    RELATED,
    SAME,
    Kind,
    ListField,
    ListObject,
    MakeCondition,
    add_fields,
    describe,
)
from app.opportunities import currencies
from app.opportunities.models import Opportunity
from app.routing.criteria import Op
from app.search.narrowing import found_by
from app.sharing.scope import scope

Condition = ColumnElement[bool]
_EMPTY = (Op.IS_EMPTY, Op.IS_NOT_EMPTY)


def _search(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
    return and_(*(found_by(session, actor, Campaign, value.strip()) for value in values))


def _owner(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
    wanted = [actor.ref if value == "me" else value for value in values]
    return Campaign.owner_user_id.in_(session.scalars(select(User.id).where(User.ref.in_(wanted))).all())


def _left_out(_session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
    return (
        Campaign.archived_at.is_not(None)
        if values[0] in ("yes", "true", "1")
        else Campaign.archived_at.is_(None)
    )


SORTS = {
    "created_at": Campaign.created_at,
    "updated_at": Campaign.updated_at,
    "name": Campaign.name_fold,
    "start_date": Campaign.starts_order,
}


def _choices(known: Mapping[str, Any]) -> Callable[[Session, Actor], Sequence[tuple[str, str]]]:
    return lambda _session, _actor: [(str(key), str(label)) for key, label in known.items()]


def _sources(session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
    names = session.scalars(select(LeadSource.name).where(LeadSource.is_active).order_by(LeadSource.position))
    return [(name, name) for name in names]


def _has_source(_session: Session, _actor: Actor, op: Op, value: Any) -> Condition:
    if op in _EMPTY:
        return Campaign.source_id.is_(None) if op is Op.IS_EMPTY else Campaign.source_id.is_not(None)
    wanted = [fold(each, 80) for each in (value if isinstance(value, tuple) else (value,))]
    found = select(LeadSource.id).where(LeadSource.name_fold.in_(wanted))
    has = func.coalesce(Campaign.source_id, 0).in_(found)
    return not_(has) if op in (Op.NOT_EQUALS, Op.NOT_IN) else has


def _source_cells(session: Session, _actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    rows = session.execute(select(LeadSource.id, LeadSource.name).where(LeadSource.id.in_(keys)))
    return {row.id: row.name for row in rows}


def _fields() -> list[ListField]:
    label = {name: field.label for name, field in CAMPAIGN_FIELDS.items()}
    record = Campaign
    return [
        ListField("name", label["name"], Kind.TEXT, record.name, sort="name", edits="name"),
        ListField("status", label["status"], Kind.CHOICE, record.status, ops=SAME[:4], choices=_choices(STATUSES), edits="status"),
        ListField("type", label["type"], Kind.CHOICE, record.type, choices=_choices(TYPES), edits="type"),
        ListField(
            "source", label["source"], Kind.CHOICE, record.source_id, _has_source, SAME, _sources,
            resolve=_source_cells, text=str, edits="source",
        ),
        ListField("start_date", label["start_date"], Kind.DATE, record.starts_on, sort="start_date", edits="start_date"),
        ListField("end_date", label["end_date"], Kind.DATE, record.ends_on, edits="end_date"),
        ListField("budgeted_cost", label["budgeted_cost"], Kind.MONEY, record.budgeted_cost, edits="budgeted_cost"),
        ListField("actual_cost", label["actual_cost"], Kind.MONEY, record.actual_cost, edits="actual_cost"),
        ListField(
            "currency", label["currency"], Kind.CHOICE, record.currency,
            choices=lambda _session, _actor: currencies.choices(), edits="currency", is_code=True,
        ),
        user_field("owner", label["owner"], record.owner_user_id, edits="owner"),
        ListField("description", label["description"], Kind.LONG_TEXT, record.description, edits="description"),
        ListField("external_id", label["external_id"], Kind.TEXT, record.external_id, edits="external_id"),
        ListField(
            "left_out", lazy_pgettext("campaign", "Archived"), Kind.YES_NO, case((record.archived_at.is_(None), 0), else_=1),
            lambda session, actor, _op, value: _left_out(session, actor, ["yes" if value else "no"]), is_export=False,
        ),
        ListField("created_at", _l("Created"), Kind.MOMENT, record.created_at, sort="created_at"),
        ListField("updated_at", _l("Changed"), Kind.MOMENT, record.updated_at, sort="updated_at"),
        user_field("created_by", _l("Created by"), record.created_by_id),
        user_field("updated_by", _l("Changed by"), record.updated_by_id),
    ]  # fmt: skip


def _named(session: Session, actor: Actor, values: Collection[str]) -> Mapping[str, str]:
    found = session.execute(
        select(Campaign.ref, Campaign.name).where(
            scope(Campaign, actor, Level.READ), Campaign.ref.in_(list(values))
        )
    )
    return {ref: name for ref, name in found}  # noqa: C416 - rows are no pairs to mypy


def _offered(session: Session, actor: Actor) -> Sequence[tuple[str, str]]:
    rows = session.execute(
        select(Campaign.ref, Campaign.name)
        .where(scope(Campaign, actor, Level.READ), Campaign.archived_at.is_(None))
        .order_by(Campaign.name_fold)
        .limit(200)
    )
    return [(ref, name) for ref, name in rows]


def _keys(actor: Actor, value: Any) -> Any:
    wanted = value if isinstance(value, tuple) else (value,)
    return select(Campaign.id).where(scope(Campaign, actor, Level.READ), Campaign.ref.in_(wanted))


def _of(column: Any) -> MakeCondition:
    """That a record came by one of the campaigns."""

    def make(_session: Session, actor: Actor, op: Op, value: Any) -> Condition:
        given: Any = column
        if op in _EMPTY:
            is_empty: Condition = given.is_(None)
            return is_empty if op is Op.IS_EMPTY else not_(is_empty)
        if op in (Op.NOT_EQUALS, Op.NOT_IN):
            return func.coalesce(given, 0).not_in(_keys(actor, value))
        found: Condition = given.in_(_keys(actor, value))
        return found

    return make


def _member_of(model: Any) -> MakeCondition:
    def make(_session: Session, actor: Actor, op: Op, value: Any) -> Condition:
        has = is_member(model, _keys(actor, value))
        return not_(has) if op in (Op.NOT_EQUALS, Op.NOT_IN) else has

    return make


def _meant(session: Session, actor: Actor, text: str) -> Sequence[tuple[str, str]]:
    if not text.strip():
        return []
    rows = session.execute(
        select(Campaign.ref, Campaign.name)
        .where(scope(Campaign, actor, Level.READ), starts_with(session, Campaign.name_fold, fold(text, 120)))
        .order_by(Campaign.name_fold)
        .limit(8)
    )
    return [(ref, name) for ref, name in rows]


describe(
    ListObject(
        name="campaign",
        model=Campaign,
        prefix=refs.CAMPAIGN,
        root="campaigns.index",
        view=Permission.CAMPAIGN_VIEW,
        edit=Permission.CAMPAIGN_EDIT,
        export=Permission.CAMPAIGN_EXPORT,
        title="name",
        columns=(
            "status",
            "type",
            "source",
            "start_date",
            "end_date",
            "budgeted_cost",
            "actual_cost",
            "currency",
            "owner",
        ),
        sorts=SORTS,
        sort="-created_at",
        simple={"q": _search, "owner": _owner, "left_out": _left_out},
        quick=("status", "type", "owner"),
        write=edit_campaign,
        suggest=_meant,
        left_out=Campaign.archived_at,
    )
)
add_fields("campaign", *_fields())
for model in (Lead, Opportunity):
    add_fields(
        model.__tablename__,
        ListField(
            "campaign_id", _l("Came by campaign"), Kind.CHOICE, None, _of(model.campaign_id), SAME, _offered, _named,
            is_column=False, is_export=False, section=RELATED, is_internal=True,
        ),
    )  # fmt: skip
for people in (Lead, Contact):
    add_fields(
        people.__tablename__,
        ListField(
            "member_of", _l("Member of campaign"), Kind.CHOICE, None, _member_of(people), SAME[:4], _offered, _named,
            is_column=False, is_export=False, section=RELATED, is_internal=True,
        ),
    )  # fmt: skip
