"""Keeping the assignment rules: drafts, versions, which one is in force.

What was once active is never rewritten: a change of it is a new version.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.events.operations import record
from app.fields.catalogue import catalogue
from app.fields.criteria_words import with_own_values
from app.identity.models import Organisation
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.db import is_sqlite
from app.kernel.errors import Conflict, Invalid, NotFound
from app.kernel.text import clean_text
from app.leads.errors import NotAssignable
from app.notifications.models import MailTemplate
from app.notifications.texts.queries import find_template_id
from app.routing.candidates import PARTNER_ACCOUNT, QUEUE, ROUND_ROBIN, USER
from app.routing.criteria import parse
from app.routing.edits import LONGEST_NAME, clean_minutes, require_version
from app.routing.models import Queue, RoundRobin, RuleEntry, RuleSet, RuleState
from app.routing.rules import criteria_fields, target_of
from app.routing.targets import find_target

MOST_ENTRIES = 200
_TARGET_COLUMNS = {
    USER: "target_user_id",
    QUEUE: "target_queue_id",
    ROUND_ROBIN: "target_round_robin_id",
    PARTNER_ACCOUNT: "target_account_id",
}
_KNOWN = frozenset(
    {"name", "criteria", "target", "fallback_queue_id", "notify", "template_id", "accept_within_minutes"}
)


def get_rules(session: Session, ref: str) -> RuleSet:
    """A version of the rules.  Raises NotFound."""
    found = session.scalar(
        select(RuleSet).where(RuleSet.ref == ref).execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound("rule", ref)
    return found


def create_rules(
    session: Session, actor: Actor, *, name: object, entries: Sequence[Mapping[str, Any]], now: datetime
) -> RuleSet:
    """A new version of the rules, as a draft.

    entries: in order, each `{"name"?, "criteria"?, "target": {"type", "id"}, "fallback_queue_id"?,
    "notify"?, "template_id"?, "accept_within_minutes"?}`.  Writes an event; does not commit.

    Raises NotAllowed, Invalid with every fault under its path ("entries[0].criteria.all[1].value").
    """
    actor.require(Permission.ROUTING_MANAGE)
    text, columns = _clean(session, actor, name, entries)
    _alone(session)
    rules = RuleSet(
        ref=refs.new_ref(refs.RULE),
        name=text,
        number=(session.scalar(select(func.max(RuleSet.number))) or 0) + 1,
        state=RuleState.DRAFT,
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
    )
    session.add(rules)
    session.flush()  # its id goes into the entries
    _write_entries(session, rules, columns)
    record(session, actor, verb="created", subject=rules, at=now, detail={"entries": len(columns)})
    return rules


def edit_rules(
    session: Session,
    actor: Actor,
    ref: str,
    *,
    name: object,
    entries: Sequence[Mapping[str, Any]],
    version: int | None = None,
    now: datetime,
) -> RuleSet:
    """Change a draft in place; of a version that is or was in force, make the next one, as a draft.

    Raises NotAllowed, NotFound, Invalid, Stale.
    """
    actor.require(Permission.ROUTING_MANAGE)
    rules = get_rules(session, ref)
    if rules.state is not RuleState.DRAFT:
        return create_rules(session, actor, name=name, entries=entries, now=now)
    text, columns = _clean(session, actor, name, entries)
    _alone(session)
    rules = get_rules(session, ref)
    if rules.state is not RuleState.DRAFT:
        raise Conflict(_l("It has just been activated. Edit it again to make the next version."))
    require_version(rules, version)
    session.execute(delete(RuleEntry).where(RuleEntry.rule_set_id == rules.id))
    _write_entries(session, rules, columns)
    rules.name = text
    rules.stamp(actor, now)
    record(session, actor, verb="edited", subject=rules, at=now, detail={"entries": len(columns)})
    return rules


def activate_rules(session: Session, actor: Actor, ref: str, *, now: datetime) -> RuleSet:
    """Put a version in force; the one that was is retired.  An active one stays as it is.

    Raises NotAllowed, NotFound, Invalid (an entry leads to something that is gone).
    """
    actor.require(Permission.ROUTING_MANAGE)
    _alone(session)
    rules = get_rules(session, ref)
    if rules.state is RuleState.ACTIVE:
        return rules
    _require_targets(session, rules)
    before = session.scalar(select(RuleSet).where(RuleSet.state == RuleState.ACTIVE))
    if before is not None:
        _retire(session, actor, before, now)
        session.flush()  # at most one is active, at every moment
    rules.state, rules.activated_at, rules.retired_at = RuleState.ACTIVE, now, None
    rules.stamp(actor, now)
    record(session, actor, verb="activated", subject=rules, at=now, detail={"number": rules.number})
    return rules


def deactivate_rules(session: Session, actor: Actor, ref: str, *, now: datetime) -> RuleSet:
    """Put the active version out of force: from now on new leads go to the default queue.

    One that is not active stays as it is.  Raises NotAllowed, NotFound.
    """
    actor.require(Permission.ROUTING_MANAGE)
    _alone(session)
    rules = get_rules(session, ref)
    if rules.state is RuleState.ACTIVE:
        _retire(session, actor, rules, now)
    return rules


def delete_rules(session: Session, actor: Actor, ref: str, *, now: datetime) -> None:
    """Throw a draft away.  Raises NotAllowed, NotFound, Conflict (it is or was in force)."""
    actor.require(Permission.ROUTING_MANAGE)
    _alone(session)
    rules = get_rules(session, ref)
    if rules.state is not RuleState.DRAFT:
        raise Conflict(_l("A version that was in force stays on record. Deactivate it instead."))
    record(session, actor, verb="deleted", subject=rules, at=now, detail={"number": rules.number})
    session.execute(delete(RuleEntry).where(RuleEntry.rule_set_id == rules.id))
    session.delete(rules)


def _alone(session: Session) -> None:
    """One change of the rules at a time: numbers and the one active version depend on the others."""
    if not is_sqlite(session):
        session.execute(select(Organisation.id).with_for_update())


def _retire(session: Session, actor: Actor, rules: RuleSet, now: datetime) -> None:
    rules.state, rules.retired_at = RuleState.RETIRED, now
    rules.stamp(actor, now)
    record(session, actor, verb="deactivated", subject=rules, at=now, detail={"number": rules.number})


def _write_entries(session: Session, rules: RuleSet, columns: Sequence[Mapping[str, Any]]) -> None:
    session.add_all(
        RuleEntry(ref=refs.new_ref(refs.ITEM), rule_set_id=rules.id, position=position, **values)
        for position, values in enumerate(columns, start=1)
    )
    session.flush()


def _clean(
    session: Session, actor: Actor, name: object, entries: Sequence[Mapping[str, Any]]
) -> tuple[str, list[dict[str, Any]]]:
    """The name and the columns of the entries.  Raises Invalid with every fault found."""
    errors: dict[str, list[Any]] = {}
    text = _catch(errors, "name", lambda: clean_text(name, max_length=LONGEST_NAME, field="name"))
    if text is None and "name" not in errors:
        errors["name"] = [_l("Give it a name.")]
    if len(entries) > MOST_ENTRIES:
        errors["entries"] = [_l("At most %(most)s entries fit in a version.", most=MOST_ENTRIES)]
        raise Invalid(errors)
    columns = [
        _clean_entry(session, actor, entry, f"entries[{i}]", errors) for i, entry in enumerate(entries)
    ]
    if errors:
        raise Invalid(errors)
    return text or "", columns


def _clean_entry(
    session: Session, actor: Actor, entry: Any, path: str, errors: dict[str, list[Any]]
) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    if not isinstance(entry, Mapping):
        errors[path] = [_l("This must be an object.")]
        return columns
    for key in sorted(set(entry) - _KNOWN):
        errors[f"{path}.{key}"] = [_l("There is no such field.")]
    template_id = find_template_id(session, entry.get("template_id"))
    if entry.get("template_id") and template_id is None:
        errors[f"{path}.template_id"] = [_l("There is no such template.")]
    label = _catch(errors, f"{path}.name", lambda: clean_text(entry.get("name"), max_length=LONGEST_NAME))
    added = catalogue(session).active("lead")
    criteria = _catch(
        errors,
        "",
        lambda: parse(
            with_own_values(entry.get("criteria"), added, f"{path}.criteria"),
            criteria_fields(session),
            path=f"{path}.criteria",
        ),
    )
    minutes = _catch(
        errors, f"{path}.accept_within_minutes", lambda: clean_minutes(entry.get("accept_within_minutes"))
    )
    notify = entry.get("notify", True)
    if not isinstance(notify, bool):
        errors[f"{path}.notify"] = [_l("This must be true or false.")]
    columns.update(
        name=label or "",
        criteria=criteria.to_json() if criteria else {},
        accept_within_minutes=minutes,
        notify=bool(notify),
        template_id=template_id,
        fallback_queue_id=_fallback(session, entry.get("fallback_queue_id"), path, errors),
    )
    wanted = entry.get("target")
    wanted = wanted if isinstance(wanted, Mapping) else {}
    try:
        target = find_target(session, actor, wanted.get("type"), wanted.get("id"))
        columns[_TARGET_COLUMNS[target.kind]] = target.id
    except NotAssignable:
        errors[f"{path}.target"] = [_l("Choose a user, queue, round robin or partner account that exists.")]
    return columns


def _catch(errors: dict[str, list[Any]], path: str, clean: Any) -> Any:
    """What `clean` answers; its complaints are kept under the path, or under their own where it is empty."""
    try:
        return clean()
    except Invalid as error:
        for key, messages in error.errors.items():
            errors.setdefault(path or key, []).extend(messages)
    return None


def _fallback(session: Session, ref: object, path: str, errors: dict[str, list[Any]]) -> int | None:
    if ref is None or ref == "":
        return None
    found = None
    if isinstance(ref, str):
        found = session.scalar(select(Queue.id).where(Queue.ref == ref, Queue.deleted_at.is_(None)))
    if found is None:
        errors[f"{path}.fallback_queue_id"] = [_l("There is no such queue.")]
    return found


def _require_targets(session: Session, rules: RuleSet) -> None:
    """That every entry leads to something that has not been deleted.  Raises Invalid."""
    entries = session.scalars(select(RuleEntry).where(RuleEntry.rule_set_id == rules.id)).all()
    gone = set(session.scalars(select(Queue.id).where(Queue.deleted_at.is_not(None))))
    gone_groups = set(session.scalars(select(RoundRobin.id).where(RoundRobin.deleted_at.is_not(None))))
    gone_texts = set(session.scalars(select(MailTemplate.id).where(MailTemplate.deleted_at.is_not(None))))
    errors: dict[str, list[Any]] = {}
    for entry in entries:
        kind, key = target_of(entry)
        missing = (kind == QUEUE and key in gone) or (kind == ROUND_ROBIN and key in gone_groups)
        if missing or entry.fallback_queue_id in gone:
            path = f"entries[{entry.position - 1}].target"
            errors[path] = [_l("Rule %(position)s leads to something deleted.", position=entry.position)]
        if entry.template_id in gone_texts:
            path = f"entries[{entry.position - 1}].template_id"
            errors[path] = [
                _l("Rule %(position)s chooses a mail text that was deleted.", position=entry.position)
            ]
    if errors:
        raise Invalid(errors)
