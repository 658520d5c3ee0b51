"""Reading the rows of lists: the statements behind `LeadRow`, and from their columns to it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Case, Label, ScalarSelect, Select, and_, bindparam, case, func, null, select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.activities.models import Activity
from app.fields.kinds import is_custom
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Level
from app.kernel.bands import employee_band
from app.kernel.db import planned_once
from app.leads.fields import FIELDS
from app.leads.models import Lead, LeadSource, LeadStatus, UnqualifiedReason
from app.leads.rows import LeadRow, OwnerLink, preview_title, preview_words
from app.routing.models import Queue
from app.sharing.scope import scope

# Names of owners and their companies stand beside a lead that is scoped itself.
_NAMES = Actor.system("owner names")
# Stands for an owner whom the reader is not to know.
NOBODY = f"{refs.USER}_{'0' * 22}"
_LEVELS = {int(level): level for level in Level}
_NAMING = ("company", "first_name", "last_name", "email", "phone", "mobile")
# Fields that stand in a row as they are, and as they are shown before a claim.
_ROW_HAS = frozenset(
    {"company", "email", "source", "industry", "employees", "city", "state", "country", "product_interest",
     "score", "rating"}
)  # fmt: skip
_OWNER_COLUMNS = 7


def read_rows(
    session: Session, actor: Actor, ids: Select[*tuple[Any, ...]], given: Mapping[str, Any] | None = None
) -> list[LeadRow]:
    """The rows of a select of (id, given, sort_value), in its order: whole ones and previews by a statement each.

    given: values of its bound parameters.
    """
    return rows_of_keys(session, actor, [tuple(row) for row in session.execute(ids, given or {})])


def rows_of_keys(session: Session, actor: Actor, found: Sequence[tuple[Any, ...]]) -> list[LeadRow]:
    """The rows of (key, how much is given, sort value), in that order.

    found: of a statement with the actor's scope, in the same transaction.
    """
    read: dict[int, Any] = {}
    for is_preview in (False, True):
        wanted = [key for key, level, _ in found if (level < Level.READ) is is_preview]
        if wanted:
            preview = actor.preview_fields if is_preview else None
            statement = _columns(preview, actor.hidden_fields, actor.is_partner)
            values = {"ids": wanted, "company_id": actor.company_id}
            read.update((row[0], row) for row in session.execute(statement, values))
    words = preview_words()
    return [_row(actor, words, read[key], level, value) for key, level, value in found if key in read]


@lru_cache(maxsize=64)
def _columns(
    preview: tuple[str, ...] | None, hidden: tuple[str, ...], by_partner: bool
) -> Select[*tuple[Any, ...]]:
    """The statement that reads rows by `ids`, made once: building it costs more than running it.

    preview: the fields that previews show, None for whole rows, which show all but the hidden ones.  What is
    not shown is not read at all.  by_partner: the last activity is that of the company `company_id`, a parameter.
    """

    def hide(column: Any, field: str = "") -> Any:
        seen = field in preview if preview is not None else field not in hidden
        return column if seen else null().label(column.key)

    return planned_once(
        select(
            Lead.id,
            Lead.ref,
            *(hide(getattr(Lead, name), name) for name in _NAMING),
            hide(LeadStatus.name, "status").label("status"),
            hide(LeadStatus.category, "status"),
            hide(LeadSource.name, "source").label("source"),
            hide(Lead.industry, "industry"),
            hide(Lead.employees, "employees"),
            hide(Lead.city, "city"),
            hide(Lead.state, "state"),
            hide(Lead.country, "country"),
            hide(Lead.product_interest, "product_interest"),
            hide(Lead.score, "score"),
            hide(Lead.rating, "rating"),
            Lead.arrived_at,
            Lead.created_at,
            hide(Lead.updated_at),
            Lead.waiting_since,
            Lead.offer_expires_at,
            hide(_own_last_activity() if by_partner else Lead.last_activity_at),
            hide(
                touch_due_of(bindparam("company_id")).label("touch_due_at")
                if by_partner
                else Lead.touch_due_at
            ),
            Lead.owner_user_id,
            User.ref.label("user_ref"),
            User.name.label("user_name"),
            Queue.ref.label("queue_ref"),
            Queue.name.label("queue_name"),
            Account.ref.label("company_ref"),
            Account.name.label("company_name"),
            *(_more_column(name) for name in _more(preview)),
        )
        .join(LeadStatus, LeadStatus.id == Lead.status_id)
        .outerjoin(LeadSource, LeadSource.id == Lead.source_id)
        .outerjoin(User, User.id == Lead.owner_user_id)
        .outerjoin(Queue, Queue.id == Lead.owner_queue_id)
        .outerjoin(Account, and_(Account.id == Lead.partner_account_id, scope(Account, _NAMES)))
        # The keys come from a statement with the actor's own scope, in the same transaction.
        .where(scope(Lead, _NAMES), Lead.id.in_(bindparam("ids", expanding=True)))
    )


@cache
def _more(preview: tuple[str, ...] | None) -> tuple[str, ...]:
    """Preview fields that a row has no attribute of its own for."""
    return tuple(n for n in preview or () if (n in FIELDS or is_custom(n)) and n not in _ROW_HAS)


def _more_column(name: str) -> Any:
    if is_custom(name):
        return Lead.custom[name].label(f"more_{name}")
    if name == "unqualified_reason":
        reason = select(UnqualifiedReason.name).where(UnqualifiedReason.id == Lead.unqualified_reason_id)
        return reason.scalar_subquery().label(f"more_{name}")
    return (LeadStatus.key if name == "status" else getattr(Lead, FIELDS[name].attribute)).label(
        f"more_{name}"
    )


def last_activity_of(company_id: Any) -> ScalarSelect[datetime]:
    """SQL for when a partner company last did something on the lead at hand; what others did is not theirs."""
    return (
        select(func.max(Activity.at))
        .where(Activity.lead_id == Lead.id, Activity.company_id == company_id, Activity.is_done)
        .correlate(Lead)
        .scalar_subquery()
    )


def touch_due_of(company_id: Any) -> Case[datetime | None]:
    """SQL for until when a partner company is to do something on the lead at hand; of others' leads nothing."""
    return case((Lead.partner_account_id == company_id, Lead.touch_due_at))


def _own_last_activity() -> Label[datetime]:
    return last_activity_of(bindparam("company_id")).label("last_activity_at")


def _row(actor: Actor, words: tuple[str, str], row: Any, given: int, sort_value: Any) -> LeadRow:
    (
        key, ref, company, first_name, last_name, email, phone, mobile, status, category, source, industry,
        employees, city, state, country, product_interest, score, rating, arrived_at, created_at, updated_at,
        waiting_since, offer_expires_at, last_activity_at, touch_due_at, *rest,
    ) = row  # fmt: skip
    owner, more = rest[:_OWNER_COLUMNS], rest[_OWNER_COLUMNS:]
    is_preview = given < Level.READ
    band = employee_band(employees)
    person = f"{first_name} {last_name}" if first_name and last_name else first_name or last_name
    if is_preview:
        title = company or person or preview_title(words, industry, band, city, country)
    else:
        title = company or person or email or phone or mobile or ref
    return LeadRow(
        key, ref, _LEVELS[given], sort_value, title, company, person or None, email, phone or mobile, status,
        category, source, industry, None if is_preview else employees, band, city, state, country,
        product_interest, score, rating, arrived_at, created_at, updated_at, waiting_since, offer_expires_at,
        last_activity_at, owner_link(actor, *owner),
        dict(zip(_more(actor.preview_fields), more, strict=True)) if more else {},
        touch_due_at,
    )  # fmt: skip


def owners_of(session: Session, actor: Actor, keys: Collection[int]) -> Mapping[int, OwnerLink]:
    """Lead → its owner as the actor may know them; of leads that they see."""
    rows = session.execute(
        select(
            Lead.id, Lead.owner_user_id, User.ref, User.name, Queue.ref, Queue.name, Account.ref, Account.name
        )
        .outerjoin(User, User.id == Lead.owner_user_id)
        .outerjoin(Queue, Queue.id == Lead.owner_queue_id)
        .outerjoin(Account, and_(Account.id == Lead.partner_account_id, scope(Account, _NAMES)))
        .where(scope(Lead, actor), Lead.id.in_(keys))
    )
    return {row[0]: owner_link(actor, *row[1:]) for row in rows}


def owner_link(
    actor: Actor,
    user_id: int | None,
    user_ref: str | None,
    user_name: str | None,
    queue_ref: str | None,
    queue_name: str | None,
    company_ref: str | None,
    company_name: str | None,
) -> OwnerLink:
    """The owner as the actor may know them; names of companies are the vendor's people's to read.

    Partner people to whom a lead of somebody else's is shared are not told whose it is.
    """
    if actor.is_partner and user_id != actor.user_id:
        is_of_ours = company_name == actor.company_name
        if not is_of_ours and (user_id is not None or company_name):
            return OwnerLink("user", NOBODY, _("Somebody else"))
    if user_id is None:
        return OwnerLink("queue", queue_ref or "", queue_name or "")
    kind = "partner" if company_name else "user"
    return OwnerLink(
        kind,
        user_ref or "",
        user_name or "",
        company=company_name if actor.is_internal else None,
        company_ref=company_ref if actor.is_internal else None,
        is_me=user_id == actor.user_id,
    )
