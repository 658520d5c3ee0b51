"""Sharing rules: make, change, delete.  What they give is built in the background (`building`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.events.operations import record
from app.fields.catalogue import catalogue
from app.fields.criteria_words import with_own_values
from app.identity.organisation import hold_organisation
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import is_sqlite
from app.kernel.errors import Invalid, NotFound, Stale
from app.kernel.text import clean_text
from app.routing.criteria import parse
from app.sharing.building import begin_set
from app.sharing.grant_sets import forget_known
from app.sharing.models import GrantSet, GrantSetState, SharingRule, SharingRuleKind
from app.sharing.principals import find_principal, keep_principal, names_of
from app.sharing.subjects import SUBJECTS

LONGEST_NAME = 120
LEVELS: Mapping[str, Level] = {"read": Level.READ, "edit": Level.EDIT}


@dataclass(frozen=True, slots=True)
class Written:
    """A rule as it is to be, checked.  owned_by, share_with: keys of principals."""

    object: str
    name: str
    kind: SharingRuleKind
    owned_by: str | None
    criteria: dict[str, Any]
    share_with: str
    level: Level


def read_rule(session: Session, given: Mapping[str, Any]) -> Written:
    """A rule as the contract writes it: object, kind, owned_by or criteria, share_with, level, name.

    Raises Invalid with every fault found.
    """
    errors: dict[str, list[Any]] = {}
    object_, kind = given.get("object"), given.get("kind")
    if object_ not in SUBJECTS:
        errors["object"] = [_l("Known: %(known)s.", known=", ".join(SUBJECTS))]
    if kind not in set(SharingRuleKind):
        errors["kind"] = [_l("Known: %(known)s.", known=", ".join(SharingRuleKind))]
    if given.get("level") not in LEVELS:
        errors["level"] = [_l("Known: %(known)s.", known=", ".join(LEVELS))]
    name = clean_text(given.get("name"), max_length=LONGEST_NAME, field="name")
    share_with = _principal(session, given.get("share_with"), "share_with", errors)
    owned_by, criteria = None, None
    if kind == SharingRuleKind.OWNER:
        owned_by = _principal(session, given.get("owned_by"), "owned_by", errors)
        if given.get("criteria"):
            errors["criteria"] = [_l("A rule by owner has no criteria.")]
    elif kind == SharingRuleKind.CRITERIA and isinstance(object_, str) and object_ in SUBJECTS:
        if given.get("owned_by"):
            errors["owned_by"] = [_l("A rule by criteria has no owner.")]
        try:
            own = with_own_values(given.get("criteria"), catalogue(session).active(object_))
            criteria = parse(own, SUBJECTS[object_].fields)
        except Invalid as error:
            errors.update(error.errors)
    if errors or share_with is None:
        raise Invalid(errors)
    return Written(
        str(object_),
        name or f"{object_} → {share_with[1]}",
        SharingRuleKind(str(kind)),
        owned_by[0] if owned_by else None,
        criteria.to_json() if criteria is not None else {},
        share_with[0],
        LEVELS[given["level"]],
    )


def _principal(
    session: Session, given: object, field: str, errors: dict[str, list[Any]]
) -> tuple[str, str] | None:
    """(key, name); a fault goes to errors."""
    try:
        known = find_principal(session, given, field=field)
    except Invalid as error:
        errors.update(error.errors)
        return None
    return known.key, known.name


def create_rule(session: Session, actor: Actor, written: Written, *, now: datetime) -> SharingRule:
    """A rule that begins to be built.  Writes an event; does not commit.  Raises NotAllowed."""
    actor.require(Permission.SHARING_MANAGE)
    hold_organisation(session)
    rule = SharingRule(
        ref=refs.new_ref(refs.SHARING_RULE),
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
    )
    _write(session, rule, written)
    session.add(rule)
    session.flush()
    begin_set(session, rule, now=now)
    record(session, actor, verb="created", subject=rule, at=now, detail=_told(written))
    return rule


def get_rule(session: Session, ref: str, *, for_update: bool = False) -> SharingRule:
    """A rule that has not been deleted.  Raises NotFound."""
    statement = select(SharingRule).where(SharingRule.ref == ref, SharingRule.deleted_at.is_(None))
    if for_update and not is_sqlite(session):
        hold_organisation(session)
        statement = statement.with_for_update()
    rule = session.scalar(statement.execution_options(populate_existing=True))
    if rule is None:
        raise NotFound("sharing rule", ref)
    return rule


def edit_rule(
    session: Session, actor: Actor, ref: str, written: Written, *, version: int | None = None, now: datetime
) -> SharingRule:
    """Change a rule; what it gave stays in force until the new is built.  A name alone builds nothing.

    Raises NotAllowed, NotFound, Stale, Invalid (another object).
    """
    actor.require(Permission.SHARING_MANAGE)
    rule = get_rule(session, ref, for_update=True)
    if version is not None and version != rule.version:
        raise Stale(
            _l("Somebody changed this while you were editing. Reload to see it as it is now."),
            current={"version": rule.version},
        )
    if written.object != rule.object:
        raise Invalid({"object": [_l("A rule stays with its object. Make another rule.")]})
    before, name = _meaning(rule), rule.name
    _write(session, rule, written)
    if before == _meaning(rule) and name == rule.name:
        return rule
    rule.stamp(actor, now)
    if before != _meaning(rule):
        begin_set(session, rule, now=now)
    changes = {"name": (name, rule.name)} if name != rule.name else {}
    record(session, actor, verb="edited", subject=rule, at=now, changes=changes, detail=_told(written))
    return rule


def delete_rule(session: Session, actor: Actor, ref: str, *, now: datetime) -> None:
    """Take a rule away: from the commit on nobody sees anything through it.  Raises NotAllowed, NotFound."""
    actor.require(Permission.SHARING_MANAGE)
    rule = get_rule(session, ref, for_update=True)
    rule.deleted_at = rule.updated_at = now
    session.execute(
        update(GrantSet)
        .where(GrantSet.rule_id == rule.id)
        .values(state=GrantSetState.ENDED)
        .execution_options(synchronize_session="fetch")
    )
    forget_known()
    record(session, actor, verb="deleted", subject=rule, at=now, detail={"name": rule.name})


def _write(session: Session, rule: SharingRule, written: Written) -> None:
    # Looked up first: looking up writes what has been changed so far, and half a rule cannot be stored.
    owned_by = keep_principal(session, written.owned_by) if written.owned_by else None
    share_with = keep_principal(session, written.share_with)
    rule.object, rule.name, rule.kind = written.object, written.name, written.kind
    rule.owned_by_id, rule.share_with_id = owned_by, share_with
    rule.criteria, rule.level = written.criteria, int(written.level)


def _meaning(rule: SharingRule) -> tuple[Any, ...]:
    return rule.kind, rule.owned_by_id, rule.criteria, rule.share_with_id, rule.level


def _told(written: Written) -> dict[str, Any]:
    return {
        "object": written.object,
        "kind": written.kind,
        "owned_by": written.owned_by,
        "criteria": written.criteria,
        "share_with": written.share_with,
        "level": written.level.name.lower(),
    }


def rule_json(session: Session, rules: list[SharingRule]) -> list[dict[str, Any]]:
    """Rules as the contract writes them, with the names of their principals looked up together."""
    ids = {key for rule in rules for key in (rule.owned_by_id, rule.share_with_id) if key is not None}
    names = names_of(session, ids)
    return [
        {
            "object": rule.object,
            "kind": rule.kind.value,
            "owned_by": names[rule.owned_by_id].to_json() if rule.owned_by_id else None,
            "criteria": rule.criteria or None,
            "share_with": names[rule.share_with_id].to_json(),
            "level": Level(rule.level).name.lower(),
        }
        for rule in rules
    ]
