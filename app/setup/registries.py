"""The lists of Setup as one page shows them: which there are, and what each asks beside a name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from app.kernel import labels
from app.kernel.errors import Invalid, NotFound
from app.leads.models import StatusCategory
from app.leads.registries import REASONS, SOURCES, STATUSES, Registry
from app.partners.levels import LEVELS


@dataclass(frozen=True, slots=True)
class ListPage:
    """name: in the address.  extra: what an entry has beside its name: category, gives_turn_back, minutes or "".

    extra_label: the head of its column.  one: what an entry is called.
    """

    name: str
    registry: Registry
    title: str
    help: str
    one: str
    extra: str = ""
    extra_label: str = ""


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
        case "levels":
            return ListPage(
                name,
                LEVELS,
                labels.many("partner_level", title=True),
                _("From the lowest to the highest. Minutes say how long a partner has to answer an offer."),
                _("level"),
                "accept_within_minutes",
                _("Minutes to answer"),
            )
    raise NotFound("registry", name)


def category_names() -> Sequence[tuple[str, str]]:
    """The four categories of statuses, in order."""
    names = {
        StatusCategory.NEW: _("New"),
        StatusCategory.WORKING: _("Working"),
        StatusCategory.QUALIFIED: _("Qualified"),
        StatusCategory.UNQUALIFIED: _("Unqualified"),
    }
    return [(category.value, names[category]) for category in StatusCategory]


def given(page: ListPage, form: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed into an entry's row.  Raises Invalid for minutes that are no number."""
    values: dict[str, Any] = {"name": form.get("name", "")}
    text = str(form.get(page.extra, "")).strip() if page.extra else ""
    match page.extra:
        case "category":
            values["category"] = text
        case "gives_turn_back":
            values["gives_turn_back"] = bool(text)
        case "accept_within_minutes":
            if text and not (text.isascii() and text.isdecimal() and len(text) < 10):
                raise Invalid({"accept_within_minutes": [_("Give whole minutes, or nothing.")]})
            values["accept_within_minutes"] = int(text) if text else None
    return values
