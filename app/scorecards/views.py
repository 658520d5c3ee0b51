"""The scorecard of one partner: for the vendor's people any that they see, for a partner's people their own."""

from datetime import datetime

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import pgettext
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db
from app.kernel.errors import Invalid
from app.reports.asked import Asked, read_asked
from app.reports.telling import TooMany
from app.reports.words import month_name
from app.scorecards import sheet  # noqa: F401 - the report of all of them
from app.scorecards.cards import Averages, Card, read_card, read_own, with_months
from app.scorecards.words import basis_words, expected_words, percent, verdict_words, won_words
from app.targets.queries import get_partner_account
from app.web.access import current_actor, needs
from app.web.charts import Item

bp = Blueprint("scorecards", __name__)


@bp.get("/scorecards/<ref('acct'):account_ref>")
@needs(Permission.PARTNER_VIEW)
def show(account_ref: str) -> ResponseReturnValue:
    """What a partner made of its leads, and how that compares."""
    session, actor, now = db.session(), current_actor(), clock.now()
    account = get_partner_account(session, actor, account_ref)
    asked = _asked(session, actor, now)
    card = read_card(session, actor, account, asked)
    return _page(card, asked, None, name=account.name)


@bp.get("/scorecard")
@needs(Permission.INBOX_VIEW)
def mine() -> ResponseReturnValue:
    """The same for a partner's own people, of the leads that they see."""
    session, actor, now = db.session(), current_actor(), clock.now()
    asked = _asked(session, actor, now)
    found = read_own(session, actor, asked, now)
    card, averages = (found, None) if isinstance(found, TooMany) else found
    return _page(card, asked, averages, name=actor.company_name)


def _asked(session: Session, actor: Actor, now: datetime) -> Asked:
    """The months of the address; the usual ones where they cannot be read."""
    args = {name: request.args.getlist(name) for name in ("from", "to")}
    try:
        asked = read_asked(session, actor, args)
    except Invalid:
        asked = read_asked(session, actor, {})
    return with_months(session, asked, now)


def _page(
    card: Card | TooMany,
    asked: Asked,
    averages: Averages | None,
    *,
    name: str,
) -> str:
    rows = card.months if isinstance(card, Card) else ()
    root = request.script_root

    def trend(step: str) -> list[Item]:
        return [Item(row.label, row.counts[step], root + row.urls[step] if row.urls else "") for row in rows]

    return render_template(
        "scorecards/show.html",
        name=name,
        card=None if isinstance(card, TooMany) else card,
        months=(month_name(asked.first) if asked.first else "", month_name(asked.last) if asked.last else ""),
        received=trend("captured"),
        converted=trend("converted"),
        averages=averages,
        percent=percent,
        won_words=won_words,
        verdict=verdict_words,
        compared=_compared(card) if isinstance(card, Card) else [],
        basis=basis_words,
    )


def _compared(card: Card) -> list[Item]:
    found = card.comparison
    if found is None or not found.leads:
        return []
    return [
        Item(pgettext("many leads", "Converted"), found.actual),
        Item(_("Expected"), round(found.expected, 1), text=expected_words(found)),
    ]
