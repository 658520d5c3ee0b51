"""How many records a rule would give, before it is saved.  Only reads: nothing is stored, not even a principal."""

import time
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, literal, or_, select, union_all
from sqlalchemy import func as sql
from sqlalchemy.orm import Session

from app.accounts.models import Contact
from app.identity.queries import keys_of_users
from app.kernel.errors import Invalid
from app.routing.criteria import CannotEvaluate, Criteria, parse
from app.sharing.differences import MOST_COUNTED, Count
from app.sharing.granting import BATCH, COMPUTING
from app.sharing.models import (
    GrantSet,
    GrantSetState,
    GroupReach,
    Principal,
    PublicGroup,
    SharingGrant,
    SharingRule,
    SharingRuleKind,
)
from app.sharing.people import principals_of_owners
from app.sharing.scope import scope
from app.sharing.sharing_rules import Written
from app.sharing.subjects import SUBJECTS

__all__ = [
    "MOST_COUNTED",
    "Count",
    "Meeting",
    "can_be_seen",
    "count_given",
    "counts_of_rules",
    "rules_through",
]


def count_given(
    session: Session,
    written: Written,
    *,
    most: int = MOST_COUNTED,
    batch: int = BATCH,
    seconds: float | None = None,
) -> Count:
    """How many live records meet the rule: what its principal would be given through it.

    Exact up to `most`, unless `seconds` end the counting before every record has been looked at.
    """
    subject = SUBJECTS[written.object]
    model: Any = subject.model
    meets = Meeting(session, written)
    until = None if seconds is None else time.monotonic() + seconds
    columns = [model.id, *subject.owner_columns, *subject.columns(meets.names)]
    found, reached = 0, 0
    while True:
        rows = session.execute(
            select(*columns)
            .where(scope(model, COMPUTING), *can_be_seen(model), model.id > reached)
            .order_by(model.id)
            .limit(batch)
        ).all()
        found += len(meets.of(rows))
        if found > most:
            return Count(most, is_more=True)
        if len(rows) < batch:
            return Count(found)
        if until is not None and time.monotonic() > until:
            return Count(found, is_more=True)
        reached = rows[-1].id


def can_be_seen(model: Any) -> list[ColumnElement[bool]]:
    """Without what no rule gives anybody: deleted records, contacts without an account."""
    live = [model.deleted_at.is_(None)]
    return [*live, model.account_id.is_not(None)] if model is Contact else live


class Meeting:
    """Judges records as the builder of grants does, without a stored set."""

    def __init__(self, session: Session, written: Written) -> None:
        self.session = session
        self.owned_by = written.owned_by
        self.criteria: Criteria | None = None
        subject = SUBJECTS[written.object]
        if written.kind is SharingRuleKind.CRITERIA:
            try:
                self.criteria = parse(written.criteria or None, subject.fields)
            except Invalid:
                self.criteria = None
        self.names = sorted(self.criteria.fields) if self.criteria is not None else []
        self.read = subject.reader(session, self.names)

    def of(self, rows: Sequence[Any]) -> list[Any]:
        """Those of the rows that meet it.  rows: with `id`, the owners' columns and those of `names`."""
        if self.owned_by is not None:
            return self._owned(rows, self.owned_by)
        return [row for row in rows if self._matches(row)]

    def _matches(self, row: Any) -> bool:
        try:
            return self.criteria is not None and self.criteria.matches(self.read(row))
        except CannotEvaluate:
            return False

    def _owned(self, rows: Sequence[Any], key: str) -> list[Any]:
        users = {row.owner_user_id for row in rows if row.owner_user_id is not None}
        queues = {queue for row in rows if (queue := getattr(row, "owner_queue_id", None)) is not None}
        owning_users, owning_queues = self.owners(key, users, queues)
        return [
            row
            for row in rows
            if row.owner_user_id in owning_users or getattr(row, "owner_queue_id", None) in owning_queues
        ]

    def owners(
        self, key: str, users: Collection[int], queues: Collection[int]
    ) -> tuple[Collection[int], Collection[int]]:
        """Those of the owners who are the principal."""
        stored = self.session.scalar(select(Principal.id).where(Principal.key == key))
        if stored is None:  # nobody has referred to it yet, so that no group holds it
            by_user = keys_of_users(self.session, users) if users else {}
            return (
                {user for user, keys in by_user.items() if key in keys},
                {queue for queue in queues if key == f"queue:{queue}"},
            )
        of_users, of_queues = principals_of_owners(self.session, users, queues)
        return (
            {user for user, principals in of_users.items() if stored in principals},
            {queue for queue, principals in of_queues.items() if stored in principals},
        )


def rules_through(session: Session, group: PublicGroup) -> Sequence[SharingRule]:
    """The rules that give something to whoever is in the group, directly or through groups that hold it."""
    holding = select(GroupReach.group_principal_id).where(
        GroupReach.member_principal_id == group.principal_id
    )
    return session.scalars(
        select(SharingRule)
        .where(
            SharingRule.deleted_at.is_(None),
            or_(SharingRule.share_with_id == group.principal_id, SharingRule.share_with_id.in_(holding)),
        )
        .order_by(SharingRule.id)
    ).all()


def counts_of_rules(
    session: Session, rule_ids: Sequence[int], *, most: int = MOST_COUNTED
) -> dict[int, Count]:
    """Rule's key → how many records it gives now.  Rules that are not in force yet are absent.  Two statements."""
    sets = session.execute(
        select(GrantSet.rule_id, GrantSet.id, GrantSet.object).where(
            GrantSet.rule_id.in_(rule_ids), GrantSet.state == GrantSetState.ACTIVE
        )
    ).all()
    if not sets:
        return {}
    parts = []
    for rule_id, set_id, object_ in sets:
        model = SUBJECTS[object_].model
        some = (
            select(SharingGrant.record_id)
            .join(model, model.id == SharingGrant.record_id)
            .where(scope(model, COMPUTING), *can_be_seen(model), SharingGrant.set_id == set_id)
            .limit(most + 1)
            .subquery()
        )
        parts.append(select(literal(rule_id), sql.count()).select_from(some))
    found: list[Any] = list(session.execute(union_all(*parts)))
    return {rule_id: Count(min(number, most), is_more=number > most) for rule_id, number in found}
