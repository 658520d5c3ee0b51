"""The lists of Setup as one page shows them: which there are, and what each asks beside a name."""

from collections.abc import Callable
from dataclasses import dataclass

from flask_babel import gettext as _

from app.accounts.relations.registries import (
    CHARACTERISTIC_TYPES,
    INTEREST_AREAS,
    RELATIONSHIP_REASONS,
    RESPONSIBLE_ROLES,
)
from app.cases.registry import STATUSES as CASE_STATUSES
from app.kernel import labels
from app.kernel.errors import NotFound
from app.leads.registries import REASONS, SOURCES, STATUSES, UNQUALIFIED_REASONS
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


def _statuses(name: str) -> ListPage:
    return ListPage(
        name,
        STATUSES,
        _("Statuses"),
        _("Each belongs to a category, which says what it means to Canal: only “unqualified” closes."),
        _("status"),
        "category",
        _("Category"),
    )


def _case_statuses(name: str) -> ListPage:
    return ListPage(
        name,
        CASE_STATUSES,
        _("Statuses of %(cases)s", cases=labels.many("case")),
        _("Each is open or closed. A closed one ends the work; it can be taken up again."),
        _("status"),
        "category",
        _("Category"),
    )


def _stages(name: str) -> ListPage:
    return ListPage(
        name,
        STAGES,
        _("Stages of %(opportunities)s", opportunities=labels.many("opportunity")),
        _("The way to winning, in its order. What comes to a stage has its probability."),
        _("stage"),
        "stage",
        _("Category and probability"),
    )


def _outcomes(name: str) -> ListPage:
    return ListPage(
        name,
        OUTCOMES,
        _("Reasons of winning and losing"),
        _("What is asked when something is won or lost, so that you learn from it."),
        _("reason"),
        "category",
        _("Category"),
    )


def _sources(name: str) -> ListPage:
    text = _("How %(leads)s come to you. Imports add those they do not know.", leads=labels.many("lead"))
    return ListPage(name, SOURCES, _("Sources"), text, _("source"))


def _decline_reasons(name: str) -> ListPage:
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


def _unqualified_reasons(name: str) -> ListPage:
    text = _("What is chosen when a %(lead)s is not worth more work.", lead=labels.one("lead"))
    return ListPage(name, UNQUALIFIED_REASONS, _("Reasons not to qualify"), text, _("reason"))


def _levels(name: str) -> ListPage:
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


_PAGES: dict[str, Callable[[str], ListPage]] = {
    "statuses": _statuses,
    "case-statuses": _case_statuses,
    "opportunity-stages": _stages,
    "outcome-reasons": _outcomes,
    "sources": _sources,
    "decline-reasons": _decline_reasons,
    "unqualified-reasons": _unqualified_reasons,
    "levels": _levels,
    "relationship-reasons": _reasons,
    "characteristic-types": _types,
    "interest-areas": _areas,
    "responsible-roles": _roles,
}


def list_page(name: str) -> ListPage:
    """The page of that name.  Raises NotFound."""
    if name not in _PAGES:
        raise NotFound("registry", name)
    return _PAGES[name](name)
