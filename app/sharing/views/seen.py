"""What one person sees: the list on their page in setup, and the same as a file."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.events.operations import record as record_event
from app.identity.directory import get_user, get_user_row
from app.identity.models import User
from app.intake.neutralise import neutralise
from app.kernel import clock, labels
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, NotFound
from app.kernel.paging import COUNT_CAP
from app.sharing.seen import (
    LEVELS,
    Seen,
    Wanted,
    causes_of,
    count_seen,
    list_seen,
    name_of,
    person_asked,
    read_wanted,
)
from app.sharing.subjects import SUBJECTS
from app.sharing.why_not import cannot_act
from app.sharing.words import Naming, Why, cause_words, level_tone, level_words
from app.web.access import current_actor, needs
from app.web.filters import number
from app.web.listing import ListAddress
from app.web.streams import stream_csv

bp = Blueprint("seen", __name__, url_prefix="/setup/users")

ROWS_A_ROUND = 200
_BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take UTF-8 for something else
_PAGES = {
    "lead": ("leads.show", "lead_ref"),
    "account": ("accounts.show", "account_ref"),
    "contact": ("contacts.show", "contact_ref"),
    "opportunity": ("opportunities.show", "opportunity_ref"),
    "case": ("cases.show", "case_ref"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A record as the list shows it.  here: the page that says who else sees it."""

    ref: str
    name: str
    url: str
    here: str
    level: str
    tone: str
    whys: Sequence[Why]


@bp.get("/<ref('user'):user_ref>/access")
@needs(Permission.ACCESS_VIEW)
def show(user_ref: str) -> ResponseReturnValue:
    """What they see, of one object at a time."""
    session, asker = db.session(), current_actor()
    row, wanted = get_user_row(session, asker, user_ref), _wanted()
    person = person_asked(session, row.user)
    page = list_seen(session, asker, person, wanted, cursor=request.args.get("cursor") or None)
    address = _address(user_ref, wanted)
    counts = {each: count_seen(session, asker, person, each) for each in {wanted, *map(Wanted, SUBJECTS)}}
    return render_template(
        "access/seen.html",
        user=row.user,
        row=row,
        page_ref=row.user.ref,
        wanted=wanted,
        rows=_rows(session, asker, page.items),
        page=page,
        address=address,
        chips=_chips(address),
        count=_capped(counts[wanted]),
        tabs=[
            (name, labels.many(name, title=True), _capped(counts[Wanted(name)]), name == wanted.object)
            for name in SUBJECTS
        ],
        levels=[(name, level_words(level)) for name, level in LEVELS.items()],
        causes=[
            (cause, cause_words(cause)) for cause in (causes_of(person, wanted.object) if person else [])
        ],
        why_nothing=cannot_act(session, row.user) if person is None else "",
    )


def _capped(count: int) -> str:
    return f"{number(COUNT_CAP)}+" if count > COUNT_CAP else number(count)


def _wanted() -> Wanted:
    """What the address asks for.  Raises NotFound for what there is not."""
    given = request.args
    try:
        return read_wanted(given.get("object", "lead"), given.get("level", ""), given.get("cause", ""))
    except Invalid:
        raise NotFound("page") from None


def _address(user_ref: str, wanted: Wanted) -> ListAddress:
    given = {name: [request.args[name]] for name in ("level", "cause") if request.args.get(name)}
    return ListAddress(url_for("seen.show", user_ref=user_ref), given, fixed={"object": [wanted.object]})


def _chips(address: ListAddress) -> list[dict[str, str]]:
    chips = []
    for name, (value,) in address.given.items():
        label, words = _("because of"), cause_words(value)
        if name == "level":
            level = LEVELS[value]
            label = _("level is") if level is Level.PREVIEW else _("level is at least")
            words = level_words(level)
        chips.append({"label": label, "value": words, "remove_url": address.without(name, value)})
    return chips


def _rows(session: Session, asker: Actor, seen: Sequence[Seen]) -> list[Row]:
    naming = Naming(session, asker, [], [cause for each in seen for cause in each.causes])
    rows = []
    for each in seen:
        record = each.record
        kind = record.__tablename__
        endpoint, argument = _PAGES[kind]
        to: dict[str, Any] = {argument: record.ref}
        rows.append(
            Row(
                record.ref,
                name_of(asker, record),
                url_for(endpoint, **to),
                url_for(f"access.{kind}", record_ref=record.ref),
                level_words(each.level),
                level_tone(each.level),
                [naming.why(cause) for cause in each.causes],
            )
        )
    return rows


@bp.post("/<ref('user'):user_ref>/access/export")
@needs(Permission.ACCESS_VIEW)
def export(user_ref: str) -> ResponseReturnValue:
    """The list as a CSV file, with the filters of the address; recorded before the first row leaves."""
    asker, wanted = current_actor(), _wanted()
    with transaction() as session:
        user = get_user(session, asker, user_ref)
        subject = session.get_one(User, asker.user_id)
        told = {
            "level": [wanted.level.name.lower()] if wanted.level else [],
            "cause": [wanted.cause] if wanted.cause else [],
        }
        told |= {"object": [wanted.object], "user": [user.ref]}
        detail = {"object": "access", "name": user.name, "filter": told}
        record_event(session, asker, verb="exported", subject=subject, at=clock.now(), detail=detail)

    def lines(reading: Session) -> Iterator[str]:
        yield _BYTE_ORDER_MARK + _line(["id", "name", "level", "causes"])
        person = person_asked(reading, get_user(reading, asker, user_ref))
        cursor: str | None = None
        while True:
            page = list_seen(reading, asker, person, wanted, cursor=cursor, limit=ROWS_A_ROUND)
            yield "".join(_line(_cells(asker, each)) for each in page.items)
            reading.expunge_all()  # so that memory stays flat however long the list is
            cursor = page.older
            if cursor is None:
                return

    return stream_csv(f"access-{wanted.object}.csv", lines)


def _cells(asker: Actor, seen: Seen) -> list[str]:
    causes = [f"{cause.type} {cause.ref}" if cause.ref else cause.type for cause in seen.causes]
    return [seen.record.ref, name_of(asker, seen.record), seen.level.name.lower(), "; ".join(causes)]


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([neutralise(cell) for cell in cells])
    return text.getvalue()
