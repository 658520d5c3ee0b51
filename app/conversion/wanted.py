"""What somebody asks for who converts a lead, and whether a conversion that is there answers it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Invalid
from app.opportunities.values import clean_values

OPPORTUNITY_FIELDS = ("name", "amount", "currency", "close_date")


@dataclass(frozen=True, slots=True)
class Wanted:
    """account, contact: public names of records that are there, None to find or make them.

    is_person: the account is the person.  opportunity: its fields, cleaned, None for none.
    declined: public names of records that were offered and that it is not.
    """

    account: str | None = None
    contact: str | None = None
    is_person: bool = False
    opportunity: Mapping[str, Any] | None = None
    declined: frozenset[str] = field(default_factory=frozenset)

    def as_kept(self) -> dict[str, Any]:
        """As it is stored with the conversion."""
        return {
            "account": self.account,
            "contact": self.contact,
            "is_person": self.is_person,
            "opportunity": None
            if self.opportunity is None
            else {name: _plain(value) for name, value in self.opportunity.items()},
        }


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return format(value.normalize(), "f") if isinstance(value, Decimal) else value


def read_wanted(
    account: str | None = None,
    contact: str | None = None,
    is_person: bool = False,
    opportunity: Mapping[str, Any] | None = None,
    declined: frozenset[str] = frozenset(),
) -> Wanted:
    """What was given.  Raises Invalid, the opportunity's fields filed under `opportunity.…`."""
    if is_person and contact is not None:
        raise Invalid({"contact_id": [_l("A person account is the person; it has no contacts.")]})
    cleaned = None
    if opportunity is not None:
        try:
            unknown = {
                name: [_l("There is no such field.")]
                for name in opportunity
                if name not in OPPORTUNITY_FIELDS
            }
            if unknown:
                raise Invalid(unknown)
            given = {name: value for name, value in opportunity.items() if value is not None}
            cleaned = clean_values({**given, "account_id": "-"}, is_new=True)
            del cleaned["account_id"]
        except Invalid as error:
            raise Invalid(
                {f"opportunity.{name}": messages for name, messages in error.errors.items()}
            ) from error
    return Wanted(account or None, contact or None, is_person, cleaned, declined)


def is_answered(
    wanted: Wanted,
    asked: Mapping[str, Any],
    account: str,
    contact: str | None,
    is_person: bool,
    has_opportunity: bool,
) -> bool:
    """Whether what the lead became is what is asked for now: the same again, or its results by name."""
    again = wanted.as_kept()
    if again == dict(asked):
        return True
    fits = wanted.account in (None, account) and wanted.contact in (None, contact)
    if not fits or not wanted.declined.isdisjoint((account, contact)) or (wanted.is_person and not is_person):
        return False
    return wanted.opportunity is None or (has_opportunity and again["opportunity"] == asked["opportunity"])
