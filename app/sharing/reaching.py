"""What would reach partners when they are let in: public groups, sharing rules, records shared by hand."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.sharing.audience import Audience
from app.sharing.models import ManualShare, Principal, PublicGroup, SharingRule
from app.sharing.principals import GROUP, Known, names_of_keys


class Fate(StrEnum):
    """What becomes of it.

    narrow: internal people keep what it gives them, partners get nothing; a group loses its partners.
    """

    KEEP = "keep"
    NARROW = "narrow"
    REMOVE = "remove"


class Kind(StrEnum):
    GROUP = "group"
    RULE = "rule"
    SHARES = "shares"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to be decided.

    key: what forms and drafts call it.  whom: the principal that is given something, or the group itself.
    shares: object → number of records shared by hand with `whom`.  companies: the partner accounts that are
    reached now.  can_narrow: internal people are in it too.  mark: changes when what is said of it does.
    """

    key: str
    kind: Kind
    name: str
    whom: Known
    principal_id: int
    companies: frozenset[int]
    can_narrow: bool
    mark: str
    rule: SharingRule | None = None
    group: PublicGroup | None = None
    shares: Mapping[str, int] | None = None

    @property
    def safe(self) -> Fate:
        """What lets nothing reach partners and takes from nobody else; a group by itself gives nothing."""
        if self.kind is Kind.GROUP:
            return Fate.KEEP
        return Fate.NARROW if self.can_narrow else Fate.REMOVE

    @property
    def fates(self) -> Sequence[Fate]:
        """What can be chosen."""
        return [fate for fate in Fate if fate is not Fate.NARROW or self.can_narrow]


def what_reaches_partners(session: Session, audience: Audience) -> list[Item]:
    """All of them: groups, then rules, then shares by hand, each oldest first."""
    groups = session.scalars(select(PublicGroup).order_by(PublicGroup.id)).all()
    rules = session.scalars(
        select(SharingRule).where(SharingRule.deleted_at.is_(None)).order_by(SharingRule.id)
    ).all()
    shares = _shares(session)
    ids = {group.principal_id for group in groups} | {rule.share_with_id for rule in rules} | set(shares)
    rows = session.execute(select(Principal.id, Principal.key).where(Principal.id.in_(ids)))
    keys = {row.id: row.key for row in rows if audience.reaches(row.key)}
    names = names_of_keys(session, keys)
    make = _Maker(audience, keys, names)
    return [
        *(make.of_group(group) for group in groups if group.principal_id in keys),
        *(make.of_rule(rule) for rule in rules if rule.share_with_id in keys),
        *(make.of_shares(key, held) for key, held in shares.items() if key in keys),
    ]


def _shares(session: Session) -> dict[int, dict[str, tuple[Any, ...]]]:
    """Principal → object → (number, and what changes with one that changes) of the shares that stand."""
    found: dict[int, dict[str, tuple[Any, ...]]] = {}
    rows = session.execute(
        select(
            ManualShare.principal_id,
            ManualShare.object,
            func.count(),
            func.max(ManualShare.id),
            func.sum(ManualShare.level),
            func.count(ManualShare.until),
            func.max(ManualShare.until),
        )
        .where(ManualShare.ended_at.is_(None))
        .group_by(ManualShare.principal_id, ManualShare.object)
        .order_by(ManualShare.principal_id, ManualShare.object)
    )
    for principal, object_, *held in rows:
        found.setdefault(principal, {})[object_] = tuple(held)
    return found


class _Maker:
    def __init__(self, audience: Audience, keys: Mapping[int, str], names: Mapping[int, Known]) -> None:
        self.audience, self.keys, self.names = audience, keys, names

    def of_group(self, group: PublicGroup) -> Item:
        members = list(self.audience.members_of(self.keys[group.principal_id]))
        key, whom = f"{Kind.GROUP}-{group.ref}", self.names[group.principal_id]
        return self._item(key, Kind.GROUP, group.name, whom, group.principal_id, members, group=group)

    def of_rule(self, rule: SharingRule) -> Item:
        said = [rule.object, rule.kind, rule.owned_by_id, rule.criteria, rule.share_with_id, rule.level]
        key, whom = f"{Kind.RULE}-{rule.ref}", self.names[rule.share_with_id]
        return self._item(key, Kind.RULE, rule.name, whom, rule.share_with_id, said, rule=rule)

    def of_shares(self, principal_id: int, held: Mapping[str, tuple[Any, ...]]) -> Item:
        whom = self.names[principal_id]
        parts = [Kind.SHARES.value, whom.type, whom.ref, whom.role.value if whom.role else None]
        numbers = {thing: number for thing, (number, *_marks) in held.items()}
        key = "-".join(part for part in parts if part)
        return self._item(key, Kind.SHARES, whom.name, whom, principal_id, list(held.items()), shares=numbers)

    def _item(
        self, key: str, kind: Kind, name: str, whom: Known, principal_id: int, said: Any, **more: Any
    ) -> Item:
        stored = self.keys[principal_id]
        companies = self.audience.companies_of(stored)
        inside = self.audience.internal_part(stored)
        mark = mark_of([name, said, sorted(companies), sorted(inside)])
        return Item(key, kind, name, whom, principal_id, companies, bool(inside), mark, **more)


def mark_of(said: Any) -> str:
    """A short digest."""
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:12]


def closed_groups(items: Collection[Item], fates: Mapping[str, Fate]) -> frozenset[str]:
    """Keys of the groups that no partner will be in."""
    return frozenset(
        item.whom.key
        for item in items
        if item.kind is Kind.GROUP and fates.get(item.key, item.safe) is not Fate.KEEP
    )


def is_of_group(item: Item) -> bool:
    """Whether something is given to a group, not to somebody in particular."""
    return item.kind is not Kind.GROUP and item.whom.type == GROUP
