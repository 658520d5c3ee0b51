"""Reports read from what is counted beforehand, by who sees every lead."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import String, cast, func, literal, select, union_all
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.lists.query import ListQuery
from app.reports.asked import Asked
from app.reports.changed import since
from app.reports.cuts import QUEUE, Cut, cut_of, find_cut
from app.reports.models import ReportCount
from app.reports.picking import COLUMN_OF, fewest_months, keys_asked
from app.reports.telling import (
    Wanted,
    pack,
)


def read_counts(
    session: Session, actor: Actor, asked: Asked, wanted: Wanted, query: ListQuery
) -> Sequence[Any] | None:
    """None where what is asked for is not counted beforehand."""
    place = _cut_for(asked, wanted)
    if place is None:
        return None
    cut, is_turned, beside = place
    a, b = (ReportCount.b, ReportCount.a) if is_turned else (ReportCount.a, ReportCount.b)
    keys = keys_asked(session, actor, asked)
    # Of owners what people have is counted beforehand, of queues what is filtered by one.
    if beside == "owner" and any(key.startswith(QUEUE) for key in keys["owner"]):
        return None
    which = [ReportCount.cut == cut.name]
    if cut.beside:
        which = [ReportCount.cut.in_([cut.name + key for key in keys[COLUMN_OF[beside]]])]
    elif beside:
        # One value of what stands beside is picked, so that it need not be told apart.
        picked = b if wanted.a not in ("", "month", COLUMN_OF.get(beside)) else a
        which.append(picked.in_(keys[COLUMN_OF[beside]]))
    key_a = cast(ReportCount.month, String) if wanted.a == "month" else (a if wanted.a else literal(""))
    key_b = wanted.key_b(b) if wanted.b else literal("")
    months, signed = fewest_months(session, asked, apart=wanted.a == "month")
    sums = [func.coalesce(func.sum(signed(getattr(ReportCount, name))), 0) for name in wanted.measures]
    told_b = pack(key_b, signed(ReportCount.captured)) if wanted.is_packed else key_b
    counted = (
        select(literal(0), key_a, told_b, *[literal(0)] * 3, *sums)
        .where(*which, *months, *([a.in_(wanted.keys)] if wanted.keys else []))
        .group_by(*({"a": a, "b": key_b, "month": ReportCount.month}[k] for k in _grouped(wanted)))
    )  # fmt: skip
    changed = since(session, actor, asked, wanted, query, keys)
    return session.execute(union_all(counted, *changed)).all()


def _cut_for(asked: Asked, wanted: Wanted) -> tuple[Cut, bool, str] | None:
    """(cut, whether it stands the other way round, the filter that stands beside) of what is counted beforehand."""
    if any(name not in COLUMN_OF for name in asked.given) or len(asked.given) > 1:
        return None
    beside = next(iter(asked.given), "")
    if beside == "queue":  # what it owns nobody else does
        by = "" if wanted.a in ("month", "owner") else wanted.a
        held = find_cut(by, wanted.b, wanted.needs or "held", beside="held")
        return (held, False, beside) if held else None
    other = COLUMN_OF.get(beside, "")
    exact = find_cut(wanted.a, wanted.b, wanted.needs, beside=other)
    if exact is None and wanted.b and other == wanted.a:
        exact = find_cut(wanted.a, wanted.b, wanted.needs)
    if exact is not None or wanted.b or wanted.needs:
        return (exact, False, beside) if exact else None
    by = "" if wanted.a == "month" else wanted.a
    if other == by:
        other = ""
    place = cut_of(by, other) if by else cut_of(other, "")
    if place is None:
        return None
    # Where nothing else is told apart, what is picked stands first.
    return place[0], place[1], beside


def _grouped(wanted: Wanted) -> list[str]:
    found = ["month" if wanted.a == "month" else "a"] if wanted.a else []
    return [*found, *(["b"] if wanted.b and not wanted.is_packed else [])]
