"""Whom a new lead can be given to: only people who can take it are offered; how many are not is said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.kernel import labels
from app.kernel.actor import Actor, Permission
from app.routing.candidates import QUEUE, USER, Candidate
from app.routing.eligibility import Wanted, take_snapshot


@dataclass(frozen=True, slots=True)
class Offered:
    """groups: (title, [(kind, public name, name)]).  left_out: people who cannot be given it now."""

    groups: Sequence[tuple[str, Sequence[tuple[str, str, str]]]]
    left_out: int


def offered_owners(session: Session, actor: Actor, *, now: datetime) -> Offered:
    """Colleagues, assignable partner users and queues, for those who may assign.  One statement."""
    if not actor.can(Permission.LEAD_ASSIGN):
        return Offered([], 0)
    snapshot = take_snapshot(session, Wanted.of(USER), Wanted.of(QUEUE), now=now)
    everybody = sorted(
        snapshot.by_principal.values(), key=lambda c: (c.company_name.casefold(), c.name.casefold())
    )
    free = [c for c in everybody if c.blocked is None and snapshot.full(c) is None and c.id != _own(actor, c)]
    groups = [
        (_("Colleagues"), [c for c in free if c.kind == USER and c.company_id is None]),
        (labels.many("partner_user", title=True), [c for c in free if c.is_partner_user]),
        (labels.many("queue", title=True), [c for c in free if c.kind == QUEUE]),
    ]
    people = sum(c.kind == USER for c in everybody) - 1
    offered = sum(c.kind == USER for c in free)
    return Offered(
        [(title, [(c.kind, c.ref, _name(c)) for c in members]) for title, members in groups if members],
        max(0, people - offered),
    )


def _own(actor: Actor, candidate: Candidate) -> int | None:
    return actor.user_id if candidate.kind == USER else None


def _name(candidate: Candidate) -> str:
    return f"{candidate.company_name} · {candidate.name}" if candidate.is_partner_user else candidate.name
