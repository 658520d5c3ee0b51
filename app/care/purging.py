"""What was deleted a month ago is removed for good, with all that hung on it; the worker does it, some at a time.

Events, deliveries, turns, assignments and offers stay, by the key that the record had.  What else names a record
and is to stay names nothing from then on.  Each batch is a transaction of its own: broken off, it is done again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.activities.models import Activity, Participant
from app.cases.models import Case
from app.documents.models import Document
from app.events.operations import record_many
from app.kernel.actor import Actor
from app.kernel.db import Base, is_sqlite, reading, transaction
from app.kernel.records import RESTORABLE
from app.leads.models import Lead
from app.notifications.models import Delivery, Notification
from app.opportunities.models import Opportunity
from app.search.words import kinds_of
from app.sharing.rules import SHARED_TABLES
from app.sharing.scope import scope

# Whoever restores one at the last moment is not disturbed.
GRACE = timedelta(hours=1)
AT_ONCE = 50
_PURGING = Actor.system("removing deleted records")
_QUIETLY = {"synchronize_session": False}

# What hangs on others before these: an opportunity keeps its account and the lead that it came from.
MODELS: tuple[Any, ...] = (Opportunity, Lead, Case, Contact, Account)
# What names a record in a table of its own: removed with it, made to name nothing, or in its way for good.
REMOVED = frozenset(
    {
        "lead_refusal.lead_id", "activity.lead_id", "activity.account_id", "activity.contact_id", "activity.case_id",
        "activity_participant.contact_id", "account_characteristic.account_id", "account_interest.account_id",
        "account_relationship.account_id", "account_relationship.other_id", "account_responsible.account_id",
        "opportunity_contact.contact_id", "campaign_member.lead_id", "campaign_member.contact_id",
        "activity.opportunity_id", "opportunity_contact.opportunity_id",
    }
)  # fmt: skip
CLEARED = frozenset(
    {
        "account.parent_id", "contact.account_id", "contact.reports_to_id", "case.account_id", "case.contact_id",
        "document.lead_id", "document.account_id", "document.contact_id", "document.case_id",
        "activity.of_account_id", "user.contact_id", "conversion.contact_id", "opportunity.source_lead_id",
        "document.opportunity_id", "conversion.opportunity_id",
    }
)  # fmt: skip
# A partner is never deleted; what was converted or sold stays what it was.  What went into a record goes with it.
IN_THE_WAY = frozenset(
    {
        "conversion.lead_id", "conversion.account_id", "opportunity.account_id", "opportunity.partner_account_id",
        "opportunity.source_partner_id", "user.partner_account_id", "queue.partner_account_id", "lead.partner_account_id",
        "partner_account.account_id", "partner_target.account_id", "queue_member.account_id", "lead_refusal.company_id", "offer.company_id",
        "round_robin_member.account_id", "rule_entry.target_account_id", "activity.company_id", "activity.shared_with_id", "document.company_id",
        "document_word.holder_id",
    }
)  # fmt: skip
FOLLOWING = frozenset({"account.merged_into_id", "contact.merged_into_id"})
# Tables that name records by kind and key: the column of the kind, those of the key, and whether the rows go.
BY_KIND: Mapping[str, tuple[str, tuple[str, ...], bool]] = {
    "record_tag": ("kind", ("record_id",), True),
    "recent_record": ("kind", ("record_id",), True),
    "manual_share": ("object", ("record_id",), True),
    "sharing_grant": ("object", ("record_id",), True),
    "duplicate_check": ("kind", ("record_id",), True),
    "duplicate_pair": ("kind", ("one_id", "other_id"), True),
    "search_entry": ("kind", ("record_id",), True),
    "notification": ("record_kind", ("record_id",), False),  # see `_end_notices`
    "event": ("record_kind", ("record_id",), False),
    "conversion_grant": ("object", ("record_id",), True),
    "list_job_change": ("kind", ("record_id",), True),
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A column that holds the key of a record of that kind."""

    table: Table
    column: Any

    @property
    def name(self) -> str:
        return f"{self.table.name}.{self.column.name}"


def purge_some(*, now: datetime) -> int:
    """Remove a batch of each kind of record that was deleted long enough ago; how many.  For the worker.

    Opens its transactions; no lock is asked for where there is nothing to do.
    """
    return sum(_purge(model, now) for model in MODELS)


def references(kind: str) -> list[Reference]:
    """The columns of all tables that name a record of the kind."""
    return [
        Reference(table, column)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if any(key.target_fullname == f"{kind}.id" for key in column.foreign_keys)
    ]


def _purge(model: Any, now: datetime) -> int:
    wanted = _wanted(model, now)
    with reading() as session:
        if session.scalar(select(model.id).where(*wanted).limit(1)) is None:
            return 0
    with transaction() as session:
        statement = select(model).where(*wanted).order_by(model.deleted_at, model.id).limit(AT_ONCE)
        if not is_sqlite(session):
            statement = statement.with_for_update(skip_locked=True)
        found = list(session.scalars(statement))
        gone = [*found, *_merged_into(session, model, found)]
        record_many(
            session,
            _PURGING,
            [("purged", each, {}, {"deleted_at": each.deleted_at}) for each in gone],
            at=now,
        )
        _remove(session, model, [each.id for each in gone], now)
        for each in gone:  # whose rows were removed past the session
            session.expunge(each)
        session.expire_all()
    return len(found)


def _wanted(model: Any, now: datetime) -> list[ColumnElement[bool]]:
    """What is to go: deleted long ago, not part of another record, and nothing in the way."""
    conditions = [scope(model, _PURGING), model.deleted_at < now - RESTORABLE - GRACE]
    if model in (Account, Contact):
        conditions.append(model.merged_into_id.is_(None))
    conditions += [
        ~exists().where(*_scoped(held.table), held.column == model.id).correlate(model)
        for held in references(model.__tablename__)
        if held.name in IN_THE_WAY
    ]
    return conditions


def _merged_into(session: Session, model: Any, found: Sequence[Any]) -> list[Any]:
    """What became part of these: its address led to them."""
    if model not in (Account, Contact) or not found:
        return []
    keys = [each.id for each in found]
    return list(session.scalars(select(model).where(scope(model, _PURGING), model.merged_into_id.in_(keys))))


def _remove(session: Session, model: Any, keys: Sequence[int], now: datetime) -> None:
    """Take away all that names the records, then the records.  Does not commit."""
    kind = model.__tablename__
    _remove_activities(session, model, keys)
    own = Document.__table__.c[f"{kind}_id"]
    # Removed with their contents as those are that somebody deleted a month ago: see `documents.collecting`.
    session.execute(
        update(Document)
        .where(scope(Document, _PURGING), own.in_(keys))
        .values(deleted_at=now - RESTORABLE - GRACE),
        execution_options=_QUIETLY,
    )
    for held in references(kind):
        here = (*_scoped(held.table), held.column.in_(keys))
        if held.name in CLEARED | FOLLOWING:
            session.execute(
                update(held.table).where(*here).values({held.column.name: None}), execution_options=_QUIETLY
            )
        elif held.name in REMOVED:
            session.execute(delete(held.table).where(*here), execution_options=_QUIETLY)
    for name, (of_kind, columns, goes) in BY_KIND.items():
        if goes and name in Base.metadata.tables:
            table = Base.metadata.tables[name]
            # Entries of search say the kind by numbers.
            known = kinds_of(kind) if name == "search_entry" else (kind,)
            named = or_(*(table.c[column].in_(keys) for column in columns))
            session.execute(delete(table).where(table.c[of_kind].in_(known), named))
    _end_notices(session, kind, keys, now)
    session.execute(
        delete(model.__table__).where(scope(model, _PURGING), model.__table__.c.id.in_(keys)),
        execution_options=_QUIETLY,
    )


def _remove_activities(session: Session, model: Any, keys: Sequence[int]) -> None:
    here = select(Activity.id).where(Activity.__table__.c[f"{model.__tablename__}_id"].in_(keys))
    activities = list(session.scalars(here))
    _end_notices(session, "activity", activities, None)
    session.execute(delete(Participant).where(Participant.activity_id.in_(activities)))


def _end_notices(session: Session, kind: str, keys: Sequence[int], now: datetime | None) -> None:
    """Notices of the records go; one that was mailed stays for its delivery, with nothing of the record in it."""
    about = (Notification.record_kind == kind, Notification.record_id.in_(keys))
    mailed = exists().where(Delivery.notification_id == Notification.id)
    session.execute(delete(Notification).where(*about, ~mailed), execution_options=_QUIETLY)
    session.execute(
        update(Notification).where(*about).values(detail={}, read_at=Notification.created_at),
        execution_options=_QUIETLY,
    )


def _scoped(table: Table) -> Iterator[ColumnElement[bool]]:
    if table.name in SHARED_TABLES:
        models = {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}  # type: ignore[attr-defined]
        yield scope(models[table.name], _PURGING)
