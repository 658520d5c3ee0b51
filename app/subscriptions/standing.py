"""Whether a report that was asked for can still be told as it was asked for.

A filter on a field that its reader does not have any more would otherwise drop out, and the mail would tell of more
than was asked.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.kernel.errors import DomainError
from app.reports.asked import FILTERS, filters_for, read_asked
from app.reports.sheets import REPORTS, Report
from app.subscriptions.models import ReportSubscription
from app.subscriptions.weeks import args_of


def still_stands(session: Session, actor: Actor, report: Report, args: Mapping[str, Sequence[str]]) -> bool:
    """Whether the reader still has each filter and the grouping that the address names."""
    by = next(iter(args.get("by", ())), "")
    if by and by not in report.groups(session, actor):
        return False
    if not report.filters:
        return True
    try:
        read_asked(session, actor, args)
    except DomainError:
        return False
    return {name for name in FILTERS if args.get(name)} <= set(filters_for(session, actor))


def needs_attention(session: Session, actor: Actor, subscription: ReportSubscription) -> bool:
    """Whether no mail is sent of it until its reader has chosen its filters anew."""
    report = REPORTS.get(subscription.report)
    return report is not None and not still_stands(session, actor, report, args_of(subscription.query))
