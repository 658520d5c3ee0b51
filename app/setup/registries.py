"""The lists of Setup as one page shows them: which there are, and what each asks beside a name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.accounts.relations.areas import list_areas
from app.accounts.relations.registries import (
    CHARACTERISTIC_TYPES,
    INTEREST_AREAS,
    RELATIONSHIP_REASONS,
    RESPONSIBLE_ROLES,
    split_values,
)
from app.cases.models import CaseCategory
from app.cases.registry import STATUSES as CASE_STATUSES
from app.kernel import labels
from app.kernel.errors import Invalid, NotFound
from app.leads.models import StatusCategory
from app.leads.registries import REASONS, SOURCES, STATUSES, UNQUALIFIED_REASONS
from app.opportunities.fields import CATEGORIES as OUTCOME_CATEGORIES
from app.opportunities.registry import OUTCOMES, STAGES
from app.partners.levels import LEVELS
from app.registries.operations import Registry


@dataclass(frozen=True, slots=True)
class ListPage:
    """name: in the address.  extra: what an entry has beside its name: category, gives_turn_back, minutes, inverse… or "".

    extra_label: the head of its column.  one: what an entry is called.
    paste: how a pasted list is written, "" where none can be.  is_tree: entries stand below others.
    """

    name: str
    registry: Registry
    title: str
    help: str
    one: str
    extra: str = ""
    extra_label: str = ""
    paste: str = ""
    is_tree: bool = False


def list_page(name: str) -> ListPage:
    """The page of that name.  Raises NotFound."""
    match name:
        case "statuses":
            return ListPage(
                name,
                STATUSES,
                _("Statuses"),
                _(
                    "Each belongs to a category, which says what it means to Canal: only “unqualified” closes."
                ),
                _("status"),
                "category",
                _("Category"),
            )
        case "case-statuses":
            return ListPage(
                name,
                CASE_STATUSES,
                _("Statuses of %(cases)s", cases=labels.many("case")),
                _("Each is open or closed. A closed one ends the work; it can be taken up again."),
                _("status"),
                "category",
                _("Category"),
            )
        case "opportunity-stages":
            return ListPage(
                name,
                STAGES,
                _("Stages of %(opportunities)s", opportunities=labels.many("opportunity")),
                _("The way to winning, in its order. What comes to a stage has its probability."),
                _("stage"),
                "stage",
                _("Category and probability"),
            )
        case "outcome-reasons":
            return ListPage(
                name,
                OUTCOMES,
                _("Reasons of winning and losing"),
                _("What is asked when something is won or lost, so that you learn from it."),
                _("reason"),
                "category",
                _("Category"),
            )
        case "sources":
            text = _(
                "How %(leads)s come to you. Imports add those they do not know.", leads=labels.many("lead")
            )
            return ListPage(name, SOURCES, _("Sources"), text, _("source"))
        case "decline-reasons":
            return ListPage(
                name,
                REASONS,
                _("Reasons to decline"),
                _(
                    "What a partner says who declines or gives back. Some are no fault of theirs: they give the turn back."
                ),
                _("reason"),
                "gives_turn_back",
                _("Gives the turn back"),
            )
        case "unqualified-reasons":
            text = _("What is chosen when a %(lead)s is not worth more work.", lead=labels.one("lead"))
            return ListPage(name, UNQUALIFIED_REASONS, _("Reasons not to qualify"), text, _("reason"))
        case "levels":
            return ListPage(
                name,
                LEVELS,
                labels.many("partner_level", title=True),
                _(
                    "From the lowest to the highest. Minutes say how long a partner has to answer an offer, hours how "
                    "long to do something on what they took before it goes back."
                ),
                _("level"),
                "accept_within_minutes",
                _("Minutes to answer, hours to begin"),
            )
        case _ if name in _RELATIONS:
            return _RELATIONS[name](name)
    raise NotFound("registry", name)


def _reasons(name: str) -> ListPage:
    return ListPage(
        name,
        RELATIONSHIP_REASONS,
        _("Reasons of relationships"),
        _(
            "How it reads from one account, and from the other. Leave the other side empty where it reads the same."
        ),
        _("reason"),
        "inverse",
        _("From the other side"),
        _("One a line, with the other side after a bar: Supplier of | Supplied by"),
    )


def _types(name: str) -> ListPage:
    return ListPage(
        name,
        CHARACTERISTIC_TYPES,
        _("Types of characteristics"),
        _(
            "What can be said of %(accounts)s beyond their fields. With values to choose from, or any text.",
            accounts=labels.many("account"),
        ),
        _("type"),
        "allowed",
        _("Values to choose from"),
        _("One a line, with its values after a bar: Fleet | small, medium, large"),
    )


def _areas(name: str) -> ListPage:
    return ListPage(
        name,
        INTEREST_AREAS,
        _("Areas of interest"),
        _("Your market and product areas. An interest in an area counts for all above it."),
        _("area"),
        "parent_id",
        _("Below"),
        _("One a line, indented below its area, or as a path: Bikes > Road bikes > Gravel"),
        is_tree=True,
    )


def _roles(name: str) -> ListPage:
    return ListPage(
        name,
        RESPONSIBLE_ROLES,
        _("Roles of people responsible"),
        _(
            "What is offered when somebody is made responsible for an %(account)s; any other text will do too.",
            account=labels.one("account"),
        ),
        _("role"),
        paste=_("One a line."),
    )


_RELATIONS: dict[str, Callable[[str], ListPage]] = {
    "relationship-reasons": _reasons,
    "characteristic-types": _types,
    "interest-areas": _areas,
    "responsible-roles": _roles,
}


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
