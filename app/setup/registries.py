"""The entries of the lists of Setup: what they can be given, and what was typed into one."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.accounts.relations.areas import list_areas
from app.accounts.relations.registries import split_values
from app.cases.models import CaseCategory
from app.cases.registry import STATUSES as CASE_STATUSES
from app.kernel.errors import Invalid
from app.leads.models import StatusCategory
from app.opportunities.fields import CATEGORIES as OUTCOME_CATEGORIES
from app.opportunities.registry import OUTCOMES, STAGES
from app.setup.list_pages import ListPage


def area_choices(session: Session) -> list[tuple[str, str]]:
    """(public name, path) of the areas that others can stand below."""
    return [(area.ref, area.path) for area in list_areas(session)]


def category_names(page: ListPage) -> Sequence[tuple[str, str]]:
    """The categories of the list's statuses, in order."""
    if page.registry in (STAGES, OUTCOMES):
        known = [(str(c), str(name)) for c, name in OUTCOME_CATEGORIES.items()]
        return known if page.registry is STAGES else known[1:]
    if page.registry is CASE_STATUSES:
        return [(CaseCategory.OPEN.value, _("Open")), (CaseCategory.CLOSED.value, _("Closed"))]
    names = {
        StatusCategory.NEW: _("New"),
        StatusCategory.WORKING: _("Working"),
        StatusCategory.QUALIFIED: _("Qualified"),
        StatusCategory.UNQUALIFIED: _("Unqualified"),
    }
    return [(str(category), name) for category, name in names.items()]


def given(page: ListPage, form: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed into an entry's row.  Raises Invalid for minutes that are no number."""
    values: dict[str, Any] = {"name": form.get("name", "")}
    text = str(form.get(page.extra, "")).strip() if page.extra else ""
    match page.extra:
        case "category":
            values["category"] = text
        case "stage":
            values["category"] = str(form.get("category", "")).strip()
            percent = str(form.get("probability", "")).strip()
            if percent:
                values["probability"] = percent
        case "inverse" | "parent_id":
            values[page.extra] = text or None
        case "allowed":
            values["allowed"] = split_values(text)
        case "gives_turn_back":
            values["gives_turn_back"] = bool(text)
        case "accept_within_minutes":
            if text and not (text.isascii() and text.isdecimal() and len(text) < 10):
                raise Invalid({"accept_within_minutes": [_("Give whole minutes, or nothing.")]})
            values["accept_within_minutes"] = int(text) if text else None
            hours = str(form.get("touch_within_hours", "")).strip()
            if hours and not (hours.isascii() and hours.isdecimal() and len(hours) < 10):
                raise Invalid({"touch_within_hours": [_("Give whole hours, or nothing.")]})
            values["touch_within_hours"] = int(hours) if hours else None
    return values
