"""What names a field: rules, sharing rules, saved views; and what becomes of rules when it is retired or restored."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.fields.models import CustomField
from app.lists.models import SavedView
from app.routing.criteria import named_fields
from app.routing.models import RuleEntry, RuleSet, RuleState
from app.sharing.models import SharingRuleState


@dataclass(frozen=True, slots=True)
class Use:
    """Something that names the field.  kind: rules, sharing_rule or view; is_live: it works with it now."""

    kind: str
    ref: str
    name: str
    is_live: bool


def uses_of(session: Session, field: CustomField) -> list[Use]:
    """Everything that names it, what is in force first."""
    found = [*_rule_sets(session, field), *_sharing_rules(session, field), *_views(session, field)]
    return sorted(found, key=lambda use: not use.is_live)


def _rule_sets(session: Session, field: CustomField) -> list[Use]:
    if field.object != "lead":
        return []
    rows = session.execute(
        select(RuleSet.id, RuleSet.ref, RuleSet.name, RuleSet.number, RuleSet.state, RuleEntry.criteria)
        .join(RuleEntry, RuleEntry.rule_set_id == RuleSet.id)
        .where(RuleSet.state.in_((RuleState.ACTIVE, RuleState.DRAFT)))
        .order_by(RuleSet.number)
    )
    found: dict[str, Use] = {}
    for _key, ref, name, number, state, criteria in rows:
        if field.name in named_fields(criteria):
            title = _("version %(number)s", number=number)
            found[ref] = Use("rules", ref, f"{name} · {title}" if name else title, state is RuleState.ACTIVE)
    return list(found.values())


def _sharing_rules(session: Session, field: CustomField) -> list[Use]:
    from app.sharing.building import naming_field

    rules = naming_field(session, field.object, field.name)
    return [Use("sharing_rule", rule.ref, rule.name, True) for rule in rules]


def _views(session: Session, field: CustomField) -> list[Use]:
    rows: Sequence[Any] = session.scalars(select(SavedView).where(SavedView.object == field.object)).all()
    return [Use("view", row.ref, row.name, True) for row in rows if names_field(row, field.name)]


def names_field(row: Any, name: str) -> bool:
    """Whether one of a saved view's columns, filters or sort keys is the field."""
    told = json.dumps([row.query, row.columns])
    return re.search(rf"(?<![a-z0-9_]){re.escape(name)}(_from|_to)?(?![a-z0-9_])", told) is not None


def close_what_names(session: Session, field: CustomField, *, now: datetime) -> None:
    """Let sharing rules that name the field give nothing from the commit on, with an alert each.  Does not commit."""
    from app.routing.alerts import Alert, raise_alerts
    from app.sharing.building import close_rule, naming_field

    for rule in naming_field(session, field.object, field.name):
        close_rule(
            session, rule, _("It compares the field “%(field)s”, which is not in use.", field=field.label)
        )
        detail = {"name": rule.name, "field": field.label}
        raise_alerts(session, [Alert("field_gone", rule.ref, detail)], now=now)


def open_what_names(session: Session, field: CustomField, *, now: datetime) -> None:
    """Build sharing rules anew that were closed because of the field.  Does not commit."""
    from app.sharing.building import begin_set, naming_field

    for rule in naming_field(session, field.object, field.name):
        if rule.state is SharingRuleState.FAILED:
            begin_set(session, rule, now=now)
