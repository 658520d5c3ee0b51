"""How many records what is given to partners comes to: exact to a limit, then "more than"."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Contact
from app.identity.models import Organisation
from app.kernel.actor import Level
from app.sharing.audience import Audience
from app.sharing.consequences import MOST_COUNTED, Count, can_be_seen, count_given
from app.sharing.enabling import Answers, defaults_chosen
from app.sharing.granting import COMPUTING
from app.sharing.models import (
    GrantSet,
    GrantSetState,
    GroupReach,
    Principal,
    SharingGrant,
    SharingRule,
    SharingRuleState,
)
from app.sharing.reaching import Fate, Item, Kind, closed_groups
from app.sharing.scope import scope
from app.sharing.sharing_rules import Written
from app.sharing.subjects import SUBJECTS

# A page waits no longer for rules that are still being built to be counted.
SECONDS = 5.0
# Different companies may be reached through different things; no more combinations than these are counted.
MOST_COMBINATIONS = 60

Counts = Mapping[str, Count]
# Object → sets of grants.
Sets = Mapping[str, Collection[int]]


def count_items(session: Session, items: Sequence[Item]) -> dict[str, Counts]:
    """Item → object → how many records it gives; contacts follow their accounts.  Objects without any are left out."""
    sets = sets_of(session, items)
    found: dict[str, Counts] = {}
    until = time.monotonic() + SECONDS
    for item in items:
        if item.rule is not None:
            left = max(0.0, until - time.monotonic())
            found[item.key] = count_rule(session, item.rule, sets[item.key], seconds=left)
        else:
            found[item.key] = count_sets(session, sets[item.key])
    return found


def count_sets(session: Session, sets: Sets) -> dict[str, Count]:
    """Object → how many records these sets give together; objects without any are left out."""
    counts = {thing: count_in(session, thing, sets) for thing in SUBJECTS}
    return {thing: count for thing, count in counts.items() if not count.is_none}


def count_rule(
    session: Session, rule: SharingRule, sets: Sets, *, seconds: float = SECONDS
) -> dict[str, Count]:
    """The same of a rule with its sets in force; what is still being built is judged record by record."""
    if _is_ready(rule):
        return count_sets(session, sets)
    count = count_given(session, written_of_rule(session, rule), seconds=seconds)
    return {**count_sets(session, sets), **({} if count.is_none else {rule.object: count})}


def sets_of_rule(session: Session, rule: SharingRule) -> dict[str, list[int]]:
    """Object → the set of a rule that is in force."""
    found = session.scalars(
        select(GrantSet.id).where(GrantSet.rule_id == rule.id, GrantSet.state == GrantSetState.ACTIVE)
    )
    return {rule.object: list(found)}


def sets_given_to(session: Session, principal_id: int) -> dict[str, list[int]]:
    """Object → the sets in force that give something to the principal, or to a group that it is in."""
    above = select(GroupReach.group_principal_id).where(GroupReach.member_principal_id == principal_id)
    rows = session.execute(
        select(GrantSet.object, GrantSet.id).where(
            GrantSet.state == GrantSetState.ACTIVE,
            or_(GrantSet.principal_id == principal_id, GrantSet.principal_id.in_(above)),
        )
    )
    found: dict[str, list[int]] = {}
    for object_, set_id in rows:
        found.setdefault(object_, []).append(set_id)
    return found


def sets_of(session: Session, items: Iterable[Item]) -> dict[str, dict[str, list[int]]]:
    """Item → object → the sets in force through which it gives something; a group's are all that are given to it."""
    items = list(items)
    groups = [item.principal_id for item in items if item.kind is Kind.GROUP]
    above: dict[int, set[int]] = {group: {group} for group in groups}
    for member, holder in session.execute(
        select(GroupReach.member_principal_id, GroupReach.group_principal_id).where(
            GroupReach.member_principal_id.in_(groups)
        )
    ):
        above[member].add(holder)
    rows = session.execute(
        select(
            GrantSet.id, GrantSet.object, GrantSet.rule_id, GrantSet.principal_id, GrantSet.is_conversion
        ).where(GrantSet.state == GrantSetState.ACTIVE)
    ).all()
    found: dict[str, dict[str, list[int]]] = {}
    for item in items:
        mine = found.setdefault(item.key, {})
        for set_id, object_, rule_id, principal_id, converted in rows:
            if item.kind is Kind.GROUP:
                belongs = principal_id in above[item.principal_id]
            elif item.rule is not None:
                belongs = rule_id == item.rule.id
            else:
                belongs = rule_id is None and not converted and principal_id == item.principal_id
            if belongs:
                mine.setdefault(object_, []).append(set_id)
    return found


def count_in(session: Session, thing: str, sets: Sets, *, most: int = MOST_COUNTED) -> Count:
    """How many live records of the object these sets give together; contacts those of given accounts too."""
    model: Any = SUBJECTS[thing].model
    ways = [model.id.in_(_granted(sets[thing]))] if sets.get(thing) else []
    if model is Contact and sets.get("account"):
        ways.append(Contact.account_id.in_(_granted(sets["account"])))
    if not ways:
        return Count(0)
    return _count(session, model, most, or_(*ways))


def count_all(session: Session, thing: str, *, most: int = MOST_COUNTED) -> Count:
    """How many live records of the object there are that a default or rule may give."""
    return _count(session, SUBJECTS[thing].model, most)


def _granted(sets: Collection[int]) -> Any:
    return select(SharingGrant.record_id).where(
        SharingGrant.set_id.in_(list(sets)),
        or_(SharingGrant.until.is_(None), SharingGrant.until > func.now()),
    )


def _count(session: Session, model: Any, most: int, *conditions: Any) -> Count:
    some = select(model.id).where(scope(model, COMPUTING), *can_be_seen(model), *conditions).limit(most + 1)
    number = session.scalar(select(func.count()).select_from(some.subquery())) or 0
    return Count(min(number, most), is_more=number > most)


def written_of_rule(session: Session, rule: SharingRule) -> Written:
    """A stored rule as it is counted."""
    ids = {key for key in (rule.owned_by_id, rule.share_with_id) if key is not None}
    keys = {
        row.id: row.key for row in session.execute(select(Principal).where(Principal.id.in_(ids))).scalars()
    }
    return Written(
        rule.object,
        rule.name,
        rule.kind,
        keys[rule.owned_by_id] if rule.owned_by_id is not None else None,
        rule.criteria or {},
        keys[rule.share_with_id],
        Level(rule.level),
    )


@dataclass(frozen=True, slots=True)
class Together:
    """Companies that come to see the same, through the same things.  counts: None where nobody counted any more."""

    companies: Sequence[str]
    through: Sequence[Item]
    counts: Counts | None


def count_companies(
    session: Session, audience: Audience, items: Sequence[Item], answers: Answers, organisation: Organisation
) -> list[Together]:
    """What each partner account comes to see if these answers are applied, beside its own leads and queues.

    Those that see the same stand together, those that see most things first.
    """
    opened = {
        thing
        for thing, levels in defaults_chosen(organisation, answers).items()
        if thing in SUBJECTS and levels["external"] != "private"
    }
    closed = closed_groups(items, {item.key: answers.fate_of(item) for item in items})
    kept = [item for item in items if item.kind is not Kind.GROUP and answers.fate_of(item) is Fate.KEEP]
    through: dict[int, list[Item]] = {}
    for item in kept:
        for company in audience.companies_of(item.whom.key, closed):
            through.setdefault(company, []).append(item)
    together: dict[tuple[str, ...], list[int]] = {}
    for company in audience.companies:
        keys = tuple(item.key for item in through.get(company, ()))
        if keys or opened:
            together.setdefault(keys, []).append(company)
    sets, every = sets_of(session, kept), {thing: count_all(session, thing) for thing in opened}
    by_key = {item.key: item for item in kept}
    found = []
    for number, (keys, companies) in enumerate(sorted(together.items(), key=lambda pair: -len(pair[0]))):
        names = [audience.companies[company].name for company in companies]
        together_through = [by_key[key] for key in keys]
        counts = None
        if number < MOST_COMBINATIONS:
            counts = _counts(session, together_through, [sets[key] for key in keys], every)
        found.append(Together(names, together_through, counts))
    return found


def _counts(session: Session, through: Sequence[Item], several: Sequence[Sets], every: Counts) -> Counts:
    """Object → how many records all of them give together.  every: of the objects of which all are seen.

    What a rule gives that is still being built is not known yet: there may be more.
    """
    merged = {thing: [each for sets in several for each in sets.get(thing, ())] for thing in SUBJECTS}
    unknown = {item.rule.object for item in through if item.rule and not _is_ready(item.rule)}
    found = {}
    for thing in SUBJECTS:
        count = every[thing] if thing in every else count_in(session, thing, merged)
        if thing in unknown and thing not in every:
            count = Count(count.number, is_more=True)
        if not count.is_none:
            found[thing] = count
    return found


def _is_ready(rule: SharingRule) -> bool:
    return rule.state is SharingRuleState.ACTIVE
