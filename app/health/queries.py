"""How the installation is: the worker, the outbox, what failed in the background."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.orm import Session

from app.health.models import Upkeep, WorkerSign
from app.identity.models import Organisation
from app.intake.models import Import, ImportState
from app.kernel.paging import COUNT_CAP
from app.lists.models import JobState, ListJob
from app.notifications.models import Delivery, DeliveryState
from app.reports.models import ReportChange

# What failed longer ago is no news.
LATELY = timedelta(days=7)
_WAITING = (DeliveryState.DUE, DeliveryState.SENDING)


@dataclass(frozen=True, slots=True)
class Health:
    """Counts are at most COUNT_CAP + 1.

    worker_at: its latest sign of life.  mails, oldest_mail_at: what should be out by now and is not.
    held_at: since when nothing is sent.  imports, jobs: that failed in the last days.  uncounted: changes of leads that
    reports have not counted yet.
    """

    worker_at: datetime | None
    mails: int
    oldest_mail_at: datetime | None
    held_at: datetime | None
    imports: int
    jobs: int
    uncounted: int


def read_upkeep(session: Session) -> Mapping[str, Upkeep]:
    """Name of what was done → how it ended last."""
    return {each.name: each for each in session.scalars(select(Upkeep))}


def read_health(session: Session, *, now: datetime) -> Health:
    """All of it in one statement.  For administrators; it names no record."""
    late = (Delivery.state.in_(_WAITING), Delivery.due_at <= now)
    since = now - LATELY
    waiting = select(Delivery.id).where(*late).limit(COUNT_CAP + 1).subquery()
    imports = select(Import.id).where(Import.state == ImportState.FAILED, Import.finished_at >= since)
    jobs = select(ListJob.id).where(ListJob.state == JobState.FAILED, ListJob.finished_at >= since)
    return Health(
        *session.execute(
            select(
                select(func.max(WorkerSign.at)).scalar_subquery().label("worker"),
                select(func.count()).select_from(waiting).scalar_subquery().label("mails"),
                select(Delivery.due_at)
                .where(*late)
                .order_by(Delivery.due_at)
                .limit(1)
                .scalar_subquery()
                .label("oldest"),
                select(Organisation.sending_held_at).scalar_subquery().label("held"),
                _count(imports).label("imports"),
                _count(jobs).label("jobs"),
                _count(select(ReportChange.id)).label("uncounted"),
            )
        ).one()
    )


def _count(rows: Select[Any]) -> ScalarSelect[int]:
    return select(func.count()).select_from(rows.limit(COUNT_CAP + 1).subquery()).scalar_subquery()
