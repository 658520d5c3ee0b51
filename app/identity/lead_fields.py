"""What partners see of a lead's fields, and when: the setting of all partners, what a level sees otherwise.

What the choices mean, and what they come to for one person, is `leads.visibility`'s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.events.operations import record
from app.fields.catalogue import Definition, catalogue
from app.identity.models import Organisation, User, UserState
from app.identity.organisation import SUBJECT, lock_organisation
from app.identity.queries import get_organisation
from app.kernel.actor import Actor, Permission
from app.kernel.db import is_sqlite
from app.kernel.errors import Invalid, Stale
from app.leads.visibility import NEVER_HIDDEN, SETTABLE, Visibility, reveals, visibility_of
from app.partners.models import PartnerAccount, PartnerLevel, PartnerState

# Stands for all partners where a level could be named.
EVERYONE = "all"
# Column ("all" or the public name of a level) → field → when; None lets a level see it as all do.
Wanted = Mapping[str, Mapping[str, str | None]]


@dataclass(frozen=True, slots=True)
class LevelFields:
    """A partner level.  people: partner users at it who may sign in.  own: what they see otherwise, by field."""

    ref: str
    name: str
    people: int
    own: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LeadFields:
    """The whole setting.  everyone: every settable field; people: partner users of all levels and of none."""

    version: int
    everyone: Mapping[str, Visibility]
    people: int
    levels: Sequence[LevelFields]

    def chosen(self, column: str, name: str) -> str | None:
        """What stands in a column for a field; None where a level has it as all do."""
        if column == EVERYONE:
            return self.everyone[name]
        return next((level.own.get(name) for level in self.levels if level.ref == column), None)

    def comes_to(self, column: str, name: str) -> str:
        """When partners of a column see a field."""
        return self.chosen(column, name) or self.everyone[name]


def read_lead_fields(session: Session) -> LeadFields:
    """The setting as it is.  Three statements."""
    organisation = get_organisation(session)
    counted = session.execute(
        select(PartnerAccount.level_id, func.count())
        .join(User, User.partner_account_id == PartnerAccount.account_id)
        .where(User.state == UserState.ACTIVE, PartnerAccount.state == PartnerState.ACTIVE)
        .group_by(PartnerAccount.level_id)
    )
    people = {level_id: number for level_id, number in counted}  # noqa: C416 - rows are no pairs to mypy
    levels = session.scalars(select(PartnerLevel).order_by(PartnerLevel.position, PartnerLevel.id))
    return LeadFields(
        organisation.version,
        _of_everyone(organisation, settable_names(session)),
        sum(people.values()),
        [LevelFields(level.ref, level.name, people.get(level.id, 0), level.lead_fields) for level in levels],
    )


def set_lead_fields(
    session: Session,
    actor: Actor,
    wanted: Wanted,
    *,
    version: int | None = None,
    knowingly: bool = False,
    now: datetime,
) -> bool:
    """Change when partners see fields; what is not named stays.  False when nothing changes.

    knowingly: that whoever sees a field which tells whom to call could go round the claim is accepted.
    Writes an event for all partners and one for each level that changes; does not commit.
    Raises NotAllowed, Invalid (by "lead_fields.<column>.<field>"), Stale.
    """
    actor.require(Permission.SETTING_MANAGE)
    organisation = lock_organisation(session)
    query = select(PartnerLevel).execution_options(populate_existing=True)
    found = session.scalars(query if is_sqlite(session) else query.with_for_update())
    levels = {level.ref: level for level in found}
    names = settable_names(session)
    _refuse_wrong(wanted, levels, names)
    everyone = _of_everyone(organisation, names)
    before: dict[str, Mapping[str, str]] = {EVERYONE: everyone}
    before |= {ref: level.lead_fields for ref, level in levels.items()}
    changes = {
        column: {name: (before[column].get(name), when) for name, when in fields.items()}
        for column, fields in wanted.items()
    }
    changes = {
        column: {name: (old, new) for name, (old, new) in fields.items() if old != new}
        for column, fields in changes.items()
    }
    changes = {column: fields for column, fields in changes.items() if fields}
    if not changes:
        return False
    if version is not None and version != organisation.version:
        raise Stale(current={column: {n: old for n, (old, _) in f.items()} for column, f in changes.items()})
    if not knowingly:
        _refuse_revealing(changes, catalogue(session).all("lead"))
    for column, fields in changes.items():
        if column == EVERYONE:
            _write_everyone(
                organisation, {**everyone, **{name: str(new) for name, (_, new) in fields.items()}}
            )
            record(session, actor, verb="lead_fields_changed", subject=SUBJECT, at=now, changes=fields)
            continue
        level = levels[column]
        own = {**level.lead_fields, **{name: new for name, (_, new) in fields.items()}}
        level.lead_fields = {name: when for name, when in own.items() if when is not None}
        detail = {"name": level.name}
        record(
            session, actor, verb="lead_fields_changed", subject=level, at=now, changes=fields, detail=detail
        )
    organisation.version += 1
    return True


def show_lead_field(session: Session, actor: Actor, name: str, when: str, *, now: datetime) -> bool:
    """Say when all partners see a field that an administrator added; False when nothing changes.

    Raises NotAllowed, Invalid (by "visibility"): what may tell whom to call is not shown before the claim from here.
    """
    try:
        return set_lead_fields(session, actor, {EVERYONE: {name: when}}, now=now)
    except Invalid as error:
        message = _l("It may tell whom to call. Say so under What partners see, where it is asked about.")
        raise Invalid({"visibility": [message]}) from error


def forget_lead_field(session: Session, name: str) -> None:
    """Hide a field for good that an administrator deletes: what is on record of it is told to no partner either."""
    organisation = lock_organisation(session)
    organisation.preview_fields = [each for each in organisation.preview_fields if each != name]
    organisation.hidden_fields = [*(each for each in organisation.hidden_fields if each != name), name]
    for level in session.scalars(select(PartnerLevel)):
        if name in level.lead_fields:
            level.lead_fields = {each: when for each, when in level.lead_fields.items() if each != name}


def settable_names(session: Session) -> tuple[str, ...]:
    """The fields whose visibility is chosen, those that administrators added too; what names people is always hidden."""
    known, people = catalogue(session), catalogue(session).of_people("lead")
    return (*SETTABLE, *(name for name in known.all("lead") if name not in people))


def _of_everyone(organisation: Organisation, names: Sequence[str]) -> dict[str, Visibility]:
    preview, hidden = organisation.preview_fields, organisation.hidden_fields
    return {name: visibility_of(name, preview, hidden) for name in names}


def _write_everyone(organisation: Organisation, when: Mapping[str, str]) -> None:
    # What is hidden and not chosen any more was deleted, and stays so.
    gone = [name for name in organisation.hidden_fields if name not in when]
    organisation.preview_fields = [name for name in when if when[name] == Visibility.PREVIEW]
    organisation.hidden_fields = [*(name for name in when if when[name] == Visibility.HIDDEN), *gone]


def _refuse_wrong(wanted: Wanted, levels: Mapping[str, PartnerLevel], names: Sequence[str]) -> None:
    errors: dict[str, list[Any]] = {}
    for column, fields in wanted.items():
        if column != EVERYONE and column not in levels:
            errors[f"lead_fields.{column}"] = [_l("There is no such partner level any more.")]
            continue
        for name, when in fields.items():
            if name not in names:
                errors[f"lead_fields.{column}.{name}"] = [_l("There is no such field.")]
            elif when not in set(Visibility) and (when is not None or column == EVERYONE):
                errors[f"lead_fields.{column}.{name}"] = [_l("Choose one of those listed.")]
            elif when == Visibility.HIDDEN and name in NEVER_HIDDEN:
                message = _l("This cannot be hidden from those who work on it.")
                errors[f"lead_fields.{column}.{name}"] = [message]
    if errors:
        raise Invalid(errors)


def _refuse_revealing(
    changes: Mapping[str, Mapping[str, tuple[str | None, str | None]]], added: Mapping[str, Definition]
) -> None:
    """Raises Invalid at what would newly be shown before the claim and tells whom to call."""
    message = _l("Every rival could call without claiming. Say that you want it.")
    errors = {
        f"lead_fields.{column}.{name}": [message]
        for column, fields in changes.items()
        for name, (_old, new) in fields.items()
        if new == Visibility.PREVIEW and reveals(name, added.get(name))
    }
    if errors:
        raise Invalid(errors)
