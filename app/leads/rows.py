"""What lists show of a lead: plain values, with a preview's hidden fields already absent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from app.kernel.actor import Level


@dataclass(frozen=True, slots=True)
class OwnerLink:
    """Who owns a record, as shown: kind is "user", "partner" (a partner user) or "queue"."""

    kind: str
    ref: str
    name: str
    company: str | None = None
    company_ref: str | None = None
    is_me: bool = False

    @property
    def company_name(self) -> str:
        """The partner user's company where it may be told, "" otherwise; `owner_tag` shows it."""
        return self.company or ""


@dataclass(frozen=True, slots=True)
class LeadRow:
    """One line of a list.  Fields that the actor may not see, or not yet, are None; `is_preview` says so.

    employee_band: the size as text, what previews show.  sort_value: for the cursor.
    touch_due_at: until when its owner is to do something on it; to partner people of their own company's alone.
    more: of a preview, what an administrator shows beyond that, by field; `phone` is one of two numbers.
    """

    id: int
    ref: str
    given: Level
    sort_value: Any
    title: str
    company: str | None
    person: str | None
    email: str | None
    phone: str | None
    status: str | None
    category: str | None
    source: str | None
    industry: str | None
    employees: int | None
    employee_band: str | None
    city: str | None
    state: str | None
    country: str | None
    product_interest: str | None
    score: int | None
    rating: str | None
    arrived_at: datetime
    created_at: datetime
    updated_at: datetime | None
    waiting_since: datetime
    offer_expires_at: datetime | None
    last_activity_at: datetime | None
    owner: OwnerLink
    more: Mapping[str, Any] = field(default_factory=dict)
    touch_due_at: datetime | None = None

    @property
    def is_preview(self) -> bool:
        return self.given < Level.READ

    @property
    def is_offered(self) -> bool:
        return self.offer_expires_at is not None

    @property
    def is_waiting(self) -> bool:
        return self.owner.kind == "queue"


def preview_words() -> tuple[str, str]:
    """What `preview_title` says in the reader's language: for a lead of no industry, and with a size."""
    return _("Lead"), _("%(industry)s, %(band)s people")


def preview_title(
    words: tuple[str, str], industry: str | None, band: str | None, city: str | None, country: str | None
) -> str:
    """What a lead is called where nothing names it, as before a claim: "Manufacturing, 50–199 people · Girona, ES".

    words: `preview_words`, looked up once for a whole list.
    """
    what = industry or words[0]
    if band:
        what = words[1] % {"industry": what, "band": band}
    where = f"{city}, {country}" if city and country else city or country
    return f"{what} · {where}" if where else what
