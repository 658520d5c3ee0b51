"""Letting partners in, once and for good: what was answered in the wizard, applied in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.identity.models import Organisation
from app.identity.organisation import defaults_with_partners, lock_organisation, switch_prm_on
from app.kernel.actor import Actor, Permission
from app.kernel.db import is_sqlite
from app.kernel.errors import Invalid, Stale
from app.sharing.audience import Audience
from app.sharing.groups import delete_group, take_out
from app.sharing.models import EnablingDraft, GroupMember, PublicGroup, SharingRule
from app.sharing.narrowing import Narrower, shares_with
from app.sharing.reaching import Fate, Item, Kind, mark_of, what_reaches_partners
from app.sharing.shares import end_share
from app.sharing.sharing_rules import delete_rule

DEFAULTS = "defaults"
Defaults = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Answers:
    """What becomes of each item, by its key, and the defaults; safe where nothing was said.

    Safe: partners have nothing by default, and nothing that would reach them does.
    """

    fates: Mapping[str, Fate] = field(default_factory=dict)
    defaults: Defaults = field(default_factory=dict)

    def fate_of(self, item: Item) -> Fate:
        said = self.fates.get(item.key)
        return said if said is not None and said in item.fates else item.safe


SAFE = Answers()


def enable_prm(
    session: Session,
    actor: Actor,
    answers: Answers = SAFE,
    *,
    shown: Mapping[str, str] | None = None,
    now: datetime,
) -> bool:
    """Switch partner management on, for good; False when it was on already.  Nothing switches it off again.

    shown: marks of what was shown before this was confirmed; None asks nothing.  Whatever it names or does not
    name must still be so.  Writes an event for everything that changes; does not commit.
    Raises NotAllowed, Invalid (what is removed is used by what stays; defaults), Stale with the differences.
    """
    actor.require(Permission.PRM_ENABLE)
    organisation = lock_organisation(session)
    if organisation.prm_enabled_at is not None:
        return False
    audience = Audience(session)
    items = what_reaches_partners(session, audience)
    if shown is not None and (told := differences(session, shown, items, organisation)):
        raise Stale(_l("Something was changed meanwhile."), current={"changed": told})
    refuse_contradictions(session, items, answers)
    _apply(session, actor, audience, items, answers, now)
    told_of = {fate.value: _names(items, answers, fate) for fate in Fate}
    switch_prm_on(session, actor, answers.defaults, detail={k: v for k, v in told_of.items() if v}, now=now)
    session.execute(delete(EnablingDraft))
    return True


def _names(items: Sequence[Item], answers: Answers, fate: Fate) -> list[str]:
    return [item.name for item in items if answers.fate_of(item) is fate]


def _apply(
    session: Session, actor: Actor, audience: Audience, items: Sequence[Item], answers: Answers, now: datetime
) -> None:
    """Groups lose their partners first: what is given to them then reaches nobody outside any more."""
    by_fate = {(kind, fate): [] for kind in Kind for fate in Fate}  # type: dict[tuple[Kind, Fate], list[Item]]
    for item in items:
        by_fate[item.kind, answers.fate_of(item)].append(item)
    groups = {item.whom.key: answers.fate_of(item) for item in items if item.kind is Kind.GROUP}
    narrower = Narrower(session, actor, audience, groups, now)
    for item in by_fate[Kind.RULE, Fate.REMOVE]:
        if item.rule is not None:
            delete_rule(session, actor, item.rule.ref, now=now)
    for item in by_fate[Kind.SHARES, Fate.REMOVE]:
        for share in shares_with(session, item.principal_id):
            end_share(session, actor, share, now=now)
    for item in by_fate[Kind.RULE, Fate.NARROW]:
        if groups.get(item.whom.key) is not Fate.NARROW:
            narrower.narrow_rule(item)
    for item in by_fate[Kind.SHARES, Fate.NARROW]:
        if groups.get(item.whom.key) is not Fate.NARROW:
            narrower.narrow_shares(item)
    for item in by_fate[Kind.GROUP, Fate.NARROW]:
        narrower.narrow_group(item)
    _remove_groups(
        session, actor, [item.group for item in by_fate[Kind.GROUP, Fate.REMOVE] if item.group], now
    )


def _remove_groups(session: Session, actor: Actor, groups: Sequence[PublicGroup], now: datetime) -> None:
    """They leave the groups that hold them first."""
    principals = [group.principal_id for group in groups]
    rows = session.execute(
        select(GroupMember, PublicGroup)
        .join(PublicGroup, PublicGroup.id == GroupMember.group_id)
        .where(GroupMember.principal_id.in_(principals))
        .order_by(GroupMember.id)
    ).all()
    for member, holder in rows:
        take_out(session, actor, holder, member, now=now)
    for group in groups:
        delete_group(session, actor, group.ref, now=now)


def refuse_contradictions(session: Session, items: Sequence[Item], answers: Answers) -> None:
    """Raises Invalid, by the keys of groups that are to be removed although something that stays needs them."""
    errors: dict[str, list[Any]] = {}
    removed = {
        item.principal_id: item
        for item in items
        if item.kind is Kind.GROUP and answers.fate_of(item) is Fate.REMOVE
    }
    for item in items:
        holder = removed.get(item.principal_id)
        if item.kind is not Kind.GROUP and holder is not None and answers.fate_of(item) is Fate.KEEP:
            text = _(
                "“%(name)s” is kept and given to this group: remove that too, or keep the group.",
                name=item.name,
            )
            if item.kind is Kind.SHARES:
                text = _("Records shared with this group by hand are kept: end that too, or keep the group.")
            errors.setdefault(holder.key, []).append(text)
    gone = {item.rule.id for item in items if item.rule is not None and answers.fate_of(item) is Fate.REMOVE}
    for rule in session.scalars(
        select(SharingRule)
        .where(SharingRule.deleted_at.is_(None), SharingRule.owned_by_id.in_(removed))
        .order_by(SharingRule.id)
    ):
        if rule.id not in gone:
            text = _(
                "The rule “%(name)s” gives what this group owns, and stays: keep the group.", name=rule.name
            )
            errors.setdefault(removed[rule.owned_by_id or 0].key, []).append(text)
    if errors:
        raise Invalid(errors)


# What was shown, and what is now


def marks_of(items: Sequence[Item], organisation: Organisation) -> dict[str, str]:
    """Item → mark, and that of the defaults: what is shown to whoever is asked."""
    marks = {item.key: item.mark for item in items}
    return {**marks, DEFAULTS: mark_of(organisation.defaults)}


def differences(
    session: Session, shown: Mapping[str, str], items: Sequence[Item], organisation: Organisation
) -> list[str]:
    """What is not any more as it was shown, in sentences; nothing where all is."""
    told = []
    if shown.get(DEFAULTS) != mark_of(organisation.defaults):
        told.append(_("The organisation-wide defaults were changed."))
    for item in items:
        if item.key not in shown:
            told.append(_new(item))
        elif shown[item.key] != item.mark:
            told.append(_changed(item))
    present = {item.key for item in items}
    return told + [_gone(session, key) for key in sorted(shown) if key != DEFAULTS and key not in present]


def _new(item: Item) -> str:
    if item.kind is Kind.RULE:
        return _("The rule “%(name)s” has come to reach partners.", name=item.name)
    if item.kind is Kind.GROUP:
        return _("The group “%(name)s” has come to hold partners.", name=item.name)
    return _("Records were shared by hand with “%(name)s”.", name=item.name)


def _changed(item: Item) -> str:
    if item.kind is Kind.RULE:
        return _("The rule “%(name)s”, or who is reached through it, was changed.", name=item.name)
    if item.kind is Kind.GROUP:
        return _("The group “%(name)s”, or who is in it, was changed.", name=item.name)
    return _("What is shared by hand with “%(name)s”, or who that is, was changed.", name=item.name)


def _gone(session: Session, key: str) -> str:
    kind, _sep, ref = key.partition("-")
    table: Any = {Kind.RULE: SharingRule, Kind.GROUP: PublicGroup}.get(kind)  # type: ignore[call-overload]
    name = session.scalar(select(table.name).where(table.ref == ref)) if table is not None else None
    if kind == Kind.RULE:
        return _("The rule “%(name)s” is gone, or reaches partners no longer.", name=name or "?")
    if kind == Kind.GROUP and name:
        return _("The group “%(name)s” holds partners no longer.", name=name)
    if kind == Kind.GROUP:
        return _("A public group that held partners is gone.")
    return _("A share by hand with partners has ended.")


# The draft


def find_draft(session: Session, actor: Actor, *, for_update: bool = False) -> EnablingDraft | None:
    """What the person has answered so far; None where they have not begun.  for_update: held until the end."""
    statement = select(EnablingDraft).where(EnablingDraft.user_id == actor.user_id)
    if for_update and not is_sqlite(session):
        statement = statement.with_for_update()
    return session.scalar(statement.execution_options(populate_existing=for_update))


def begin_draft(session: Session, actor: Actor) -> EnablingDraft:
    """Their draft, made where there is none.  Does not commit.  Raises NotAllowed."""
    actor.require(Permission.PRM_ENABLE)
    draft = find_draft(session, actor)
    if draft is None:
        seen = marks_of((), lock_organisation(session))
        draft = EnablingDraft(user_id=actor.user_id, answers={}, seen=seen)
        session.add(draft)
        session.flush()
    return draft


def drop_draft(session: Session, actor: Actor) -> None:
    """Forget what was answered.  Does not commit."""
    session.execute(delete(EnablingDraft).where(EnablingDraft.user_id == actor.user_id))


def answer(
    draft: EnablingDraft,
    *,
    defaults: Defaults | None = None,
    fates: Mapping[str, str] | None = None,
    seen: Mapping[str, str] | None = None,
) -> None:
    """Note what a step was answered with, beside what others were.  seen: marks of what that step showed."""
    said = {"defaults": {}, "items": {}, **draft.answers}
    said["defaults"] = {**said["defaults"], **(defaults or {})}
    said["items"] = {**said["items"], **(fates or {})}
    if said != draft.answers or (seen or {}) != draft.seen:
        draft.answers, draft.seen = said, {**draft.seen, **(seen or {})}
        draft.version += 1


def answers_of(draft: EnablingDraft | None) -> Answers:
    """What the draft says, without what nobody could have answered."""
    said = draft.answers if draft is not None else {}
    fates = {key: Fate(fate) for key, fate in said.get("items", {}).items() if fate in set(Fate)}
    return Answers(fates, said.get("defaults", {}))


def defaults_chosen(organisation: Organisation, answers: Answers) -> dict[str, dict[str, str]]:
    """All defaults as they are going to be.  Raises Invalid."""
    return defaults_with_partners(organisation.defaults, answers.defaults)
