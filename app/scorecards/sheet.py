"""Scorecards of all partners as a report: with its filters, its files, and its weekly mail."""

from collections.abc import Callable
from datetime import datetime
from functools import cache, partial

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import pgettext
from sqlalchemy.orm import Session

from app.kernel import labels
from app.kernel.actor import Actor, Permission
from app.reports.asked import Asked
from app.reports.later import Later
from app.reports.reading import sees_all
from app.reports.sheets import Cell, Head, Report, Sheet, add_report
from app.reports.telling import TooMany
from app.reports.times import TimesRow
from app.reports.words import within
from app.scorecards.cards import Card, read_cards, with_months
from app.scorecards.queries import counted_at
from app.scorecards.words import as_of_words, expected_words, percent, verdict_words, won_words
from app.web.filters import number


def _read(session: Session, actor: Actor, asked: Asked, _by: str, now: datetime) -> Sheet | TooMany:
    asked = with_months(session, asked, now)
    cards = read_cards(session, actor, asked)
    if isinstance(cards, TooMany):
        return cards
    at = counted_at(session) if sees_all(actor) else None
    # There are few limits and many rows.
    return Sheet(_heads(as_of_words(at)), Later(partial(_cells, cache(within)), cards))


def _heads(as_of: str) -> list[Head]:
    expected = _(
        "So many conversions were to be expected, had each lead fared as those of the same source, country and "
        "product do with all others."
    )
    return [
        Head(labels.one("partner", title=True), is_number=False),
        Head(_("Received"), _("Leads that came in these months and are with it now, or were closed there.")),
        Head(_("Accepted"), _("Of the offers that it answered or let lapse.")),
        Head(_("Touched"), _("Of what it took, on which something was done before it was taken back.")),
        Head(pgettext("many leads", "Converted")),
        Head(_("Conversion"), _("Of the received ones.")),
        Head(pgettext("amount", "Won"), _("Amounts won in these months.")),
        Head(_("Expected"), f"{expected} {as_of}".rstrip()),
        Head(
            _("Compared"),
            _(
                "Better or below only where chance does not explain it. With fewer than 20 comparable leads or 3 expected conversions it is too few to tell."
            ),
            is_number=False,
        ),
        Head(_("Time to take"), _("Half of them were taken in that time."), is_number=False),
        Head(_("First touch"), _("Half of them were touched in that time."), is_number=False),
    ]


def _cells(duration: Callable[[int | None], str], card: Card) -> list[Cell]:
    comparison = card.comparison
    verdict, _tone = verdict_words(comparison)
    expected = (
        Cell(expected_words(comparison), round(comparison.expected, 2)) if comparison else Cell("–", "")
    )
    return [
        Cell(card.name, card.name, f"/scorecards/{card.ref}"),
        _count(card, "captured"),
        _share(card.accepted_share),
        _share(card.touched_share),
        _count(card, "converted"),
        _share(card.converted_share),
        Cell(won_words(card), won_words(card)),
        expected,
        Cell(verdict, verdict),
        _time(duration, card.taken),
        _time(duration, card.touched),
    ]


def _count(card: Card, step: str) -> Cell:
    count = card.count(step)
    return Cell(number(count), count, card.url(step) if count else "")


def _share(share: float | None) -> Cell:
    return Cell(percent(share), "" if share is None else round(share, 4))


def _time(duration: Callable[[int | None], str], row: TimesRow | None) -> Cell:
    words = duration(row.median) if row is not None and row.count else "–"
    return Cell(words, words)


def _nothing(_session: Session, _actor: Actor) -> dict[str, str]:
    return {}


add_report(Report(
    "partners", _l("Partner scorecards"),
    _l("What each partner made of its leads, compared with what the others made of leads of the same kind. The last six months, unless others are asked for."),
    "handshake", _read, _nothing, Permission.PARTNER_VIEW, is_internal=True, filters=False,
))  # fmt: skip
