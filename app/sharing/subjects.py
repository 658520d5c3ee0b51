"""The objects that rules share: which fields criteria may name, and how these are read from stored records."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.accounts.fields import ACCOUNT_FIELDS, CONTACT_FIELDS
from app.accounts.fields import FieldKind as CrmKind
from app.accounts.models import Account, Contact
from app.cases.fields import CASE_FIELDS
from app.cases.models import Case, CaseStatus
from app.fields.catalogue import catalogue
from app.fields.kinds import is_custom
from app.fields.values import for_criteria
from app.kernel.db import db
from app.leads.fields import FIELDS
from app.leads.models import Lead, LeadSource, LeadStatus, UnqualifiedReason
from app.opportunities.fields import OPPORTUNITY_FIELDS
from app.opportunities.models import Opportunity, OpportunityStage, OutcomeReason
from app.routing.criteria import FieldType
from app.routing.rules import CRITERIA_FIELDS

_TYPES = {
    CrmKind.NUMBER: FieldType.NUMBER,
    CrmKind.MONEY: FieldType.NUMBER,
    CrmKind.COUNTRY: FieldType.COUNTRY,
    CrmKind.CHOICE: FieldType.CHOICE,
    CrmKind.DATE: FieldType.DATE,
}


@dataclass(frozen=True, slots=True)
class Subject:
    """One object.  standard: the fields that criteria may name, with their types, without those that administrators
    added.  attributes: field → attribute of the model.
    """

    object: str
    model: Any
    standard: Mapping[str, FieldType]
    attributes: Mapping[str, str]

    @property
    def fields(self) -> Mapping[str, FieldType]:
        """Those that criteria may name, with their types."""
        return {**self.standard, **catalogue(db.session()).types(self.object)}

    @property
    def owner_columns(self) -> list[ColumnElement[Any]]:
        """The owning user, and the owning queue where the object can have one."""
        columns = [self.model.owner_user_id]
        return [*columns, self.model.owner_queue_id] if self.object == "lead" else columns

    def columns(self, names: Sequence[str]) -> list[ColumnElement[Any]]:
        """What is to be selected to judge those fields."""
        plain = [name for name in names if not is_custom(name)]
        columns = [getattr(self.model, self.attributes[name]).label(f"f_{name}") for name in plain]
        return columns if len(plain) == len(names) else [*columns, self.model.custom.label("f_custom")]

    def reader(self, session: Session, names: Sequence[str]) -> Callable[[Any], dict[str, Any]]:
        """Makes of a row that has `columns(names)` the record that criteria are matched with."""
        lists = _names_in_lists(session, self.object, names)
        plain = [name for name in names if not is_custom(name)]
        known = catalogue(session).active(self.object)
        own = [known[name] for name in names if name in known]

        def read(row: Any) -> dict[str, Any]:
            record = {each.name: for_criteria(each, row.f_custom.get(each.name)) for each in own}
            for name in plain:
                value = getattr(row, f"f_{name}")
                record[name] = lists[name].get(value) if name in lists and value is not None else value
            return record

        return read


def _names_in_lists(session: Session, object_: str, names: Sequence[str]) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    statuses: Any = {"lead": LeadStatus, "case": CaseStatus}.get(object_)
    if "status" in names and statuses is not None:
        found["status"] = {s.id: s.key for s in session.scalars(select(statuses))}
    if "source" in names and object_ == "lead":
        found["source"] = {s.id: s.name for s in session.scalars(select(LeadSource))}
    if "unqualified_reason" in names and object_ == "lead":
        found["unqualified_reason"] = {r.id: r.key for r in session.scalars(select(UnqualifiedReason))}
    if object_ == "opportunity":
        entries: dict[str, Any] = {"stage": OpportunityStage, "outcome": OutcomeReason}
        for name, model in entries.items():
            if name in names:
                found[name] = {row.id: row.key for row in session.scalars(select(model))}
    return found


def _crm(object_: str, model: Any, fields: Mapping[str, Any]) -> Subject:
    plain = {name: field for name, field in fields.items() if not field.is_reference}
    return Subject(
        object_,
        model,
        {name: _TYPES.get(field.kind, FieldType.TEXT) for name, field in plain.items()},
        {name: field.attribute for name, field in plain.items()},
    )


def _lead() -> Subject:
    return Subject("lead", Lead, CRITERIA_FIELDS, {name: FIELDS[name].attribute for name in CRITERIA_FIELDS})


SUBJECTS: Mapping[str, Subject] = {
    "lead": _lead(),
    "account": _crm("account", Account, ACCOUNT_FIELDS),
    "contact": _crm("contact", Contact, CONTACT_FIELDS),
    "opportunity": _crm("opportunity", Opportunity, OPPORTUNITY_FIELDS),
    "case": _crm("case", Case, CASE_FIELDS),
}
