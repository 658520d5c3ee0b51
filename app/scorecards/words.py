"""How scorecards read."""

from datetime import datetime

from flask_babel import format_percent
from flask_babel import gettext as _

from app.opportunities import currencies
from app.scorecards.cards import Card
from app.scorecards.fair import Comparison, Verdict
from app.web.filters import local_datetime, number


def percent(share: float | None) -> str:
    """A share of one, in whole percent."""
    return "–" if share is None else format_percent(share, "#,##0 %")


def won_words(card: Card) -> str:
    """What was won, each currency by itself."""
    return " · ".join(currencies.money(amount, code) for code, amount in card.won.items()) or "–"


def verdict_words(comparison: Comparison | None) -> tuple[str, str]:
    """(what the comparison says, its tone)."""
    if comparison is None:
        return "–", "grey"
    match comparison.verdict:
        case Verdict.TOO_FEW:
            return _("Too few to tell"), "grey"
        case Verdict.ABOVE:
            return _("Better than expected"), "green"
        case Verdict.AS_EXPECTED:
            return _("As expected"), "blue"
        case Verdict.BELOW:
            return _("Below what is expected"), "amber"


def expected_words(comparison: Comparison) -> str:
    """The conversions that were to be expected."""
    return number(comparison.expected, 1)


def basis_words(comparison: Comparison) -> str:
    """What a comparison rests on."""
    said = _(
        "It rests on %(leads)s of its %(received)s, of kinds that others had too.",
        leads=number(comparison.leads), received=number(comparison.received),
    )  # fmt: skip
    return f"{said} {as_of_words(comparison.at)}".rstrip()


def as_of_words(at: datetime | None) -> str:
    """Since when comparisons that are kept have not been made anew; "" where they were made just now."""
    return _("As it was on %(time)s.", time=local_datetime(at)) if at else ""
