"""The entries of versions of the rules as they were written, with their targets' public names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account
from app.identity.models import User
from app.kernel.actor import Actor
from app.notifications.models import MailTemplate
from app.routing.candidates import PARTNER_ACCOUNT, QUEUE, ROUND_ROBIN, USER
from app.routing.models import Queue, RoundRobin, RuleEntry
from app.sharing.scope import scope

# A version names partner accounts to whoever keeps the rules, whichever accounts they see in their lists.
_NAMING = Actor.system("names of rule targets")


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry.  kind, ref, target_name: of its target.  criteria: as stored; empty matches everything."""

    name: str
    criteria: Mapping[str, Any]
    kind: str
    ref: str
    target_name: str
    fallback_ref: str | None
    notify: bool
    accept_within_minutes: int | None
    template_ref: str | None = None

    def given(self) -> dict[str, Any]:
        """As `create_rules` and `edit_rules` take it."""
        return {
            "name": self.name or None,
            "criteria": dict(self.criteria) or None,
            "target": {"type": self.kind, "id": self.ref},
            "fallback_queue_id": self.fallback_ref,
            "notify": self.notify,
            "template_id": self.template_ref,
            "accept_within_minutes": self.accept_within_minutes,
        }


def entries_of(session: Session, rule_set_ids: Sequence[int]) -> dict[int, list[EntryRow]]:
    """Version's key → entries in their order.  One statement."""
    if not rule_set_ids:
        return {}
    target, fallback = aliased(Queue), aliased(Queue)
    rows = session.execute(
        select(
            RuleEntry, User.ref, User.name, target.ref, target.name, RoundRobin.ref, RoundRobin.name,
            Account.ref, Account.name, fallback.ref, MailTemplate.ref,
        )
        .outerjoin(User, User.id == RuleEntry.target_user_id)
        .outerjoin(target, target.id == RuleEntry.target_queue_id)
        .outerjoin(RoundRobin, RoundRobin.id == RuleEntry.target_round_robin_id)
        .outerjoin(Account, and_(Account.id == RuleEntry.target_account_id, scope(Account, _NAMING)))
        .outerjoin(fallback, fallback.id == RuleEntry.fallback_queue_id)
        .outerjoin(MailTemplate, MailTemplate.id == RuleEntry.template_id)
        .where(RuleEntry.rule_set_id.in_(rule_set_ids))
        .order_by(RuleEntry.rule_set_id, RuleEntry.position)
    )  # fmt: skip
    found: dict[int, list[EntryRow]] = {}
    for entry, *names, fallback_ref, template_ref in rows:
        pairs = zip((USER, QUEUE, ROUND_ROBIN, PARTNER_ACCOUNT), names[::2], names[1::2], strict=True)
        kind, ref, name = next(pair for pair in pairs if pair[1] is not None)
        found.setdefault(entry.rule_set_id, []).append(
            EntryRow(
                entry.name, entry.criteria, kind, ref, name, fallback_ref, entry.notify,
                entry.accept_within_minutes, template_ref,
            )
        )  # fmt: skip
    return found
