"""The list of probable duplicates, marks on records, and what is probably there already while one types."""

import csv
import io
from collections.abc import Iterator

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.accounts.errors import REASONS, common_words
from app.accounts.likeness import name_likeness
from app.care.checking import name_remark, similar_to
from app.care.operations import dismiss_pair, mark_record, reopen_pair
from app.care.queries import SORTS, STATES, every_pair, list_pairs, parse_pair_query
from app.events.operations import record
from app.identity.models import User
from app.intake.neutralise import neutralise
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.web.access import current_actor, needs
from app.web.listing import ListAddress
from app.web.streams import stream_csv

bp = Blueprint("duplicates", __name__)
bp.add_app_template_global(common_words, "common_words")
bp.add_app_template_global(name_likeness, "name_likeness")

_FILTERS = ("kind", "state", "reason")
_BYTE_ORDER_MARK = "\ufeff"


def _given() -> dict[str, str]:
    return {name: request.args.get(name, "").strip() for name in (*_FILTERS, "sort")}


@bp.get("/care/duplicates")
@needs(Permission.ACCOUNT_EDIT)
def index() -> ResponseReturnValue:
    """Pairs that are probably the same, those with most in common first unless sorted otherwise."""
    given = _given()
    query = parse_pair_query(given)
    page = list_pairs(db.session(), current_actor(), query, cursor=request.args.get("cursor"))
    kept = {name: [given[name]] for name in _FILTERS if given[name]}
    address = ListAddress(request.path, kept, query.sort)
    return render_template(
        "care/duplicates.html",
        query=query,
        page=page,
        address=address,
        reasons=REASONS,
        states=[(state.value, str(label)) for state, label in STATES.items()],
        sorts={name: address.sorted_by(name, first_descending=True) for name in SORTS},
    )


@bp.post("/care/duplicates/export")
@needs(Permission.ACCOUNT_EXPORT)
def export() -> ResponseReturnValue:
    """The list as a CSV file, with the filters of the address; recorded."""
    actor, query = current_actor(), parse_pair_query(_given())
    with transaction() as session:
        detail = {
            "object": "duplicate_pair",
            "filter": dict(zip(("kind", "state", "reason"), query.shape, strict=False)),
        }
        user = session.get_one(User, actor.user_id)
        record(session, actor, verb="exported", subject=user, at=clock.now(), detail=detail)

    def lines(session: Session) -> Iterator[str]:
        yield _BYTE_ORDER_MARK + _line(
            ["one", "one_id", "one_note", "other", "other_id", "other_note", "reasons", "found_at"]
        )
        for row in every_pair(session, actor, query):
            cells = [row.one.name, row.one.ref, row.one.note, row.other.name, row.other.ref, row.other.note]
            yield _line([*cells, ", ".join(row.reasons), row.found_at.isoformat()])

    return stream_csv("duplicates.csv", lines)


def _line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([neutralise(cell) for cell in cells])
    return text.getvalue()


@bp.post("/care/duplicates/<ref('pair'):pair_ref>/dismiss")
@needs(Permission.CONTACT_EDIT)
def dismiss(pair_ref: str) -> ResponseReturnValue:
    """Remember that the two are no duplicates."""
    with transaction() as session:
        pair = dismiss_pair(session, current_actor(), pair_ref, now=clock.now())
    return redirect(url_for("duplicates.index", kind=pair.kind), 303)


@bp.post("/care/duplicates/<ref('pair'):pair_ref>/reopen")
@needs(Permission.CONTACT_EDIT)
def reopen(pair_ref: str) -> ResponseReturnValue:
    """Take that back."""
    with transaction() as session:
        pair = reopen_pair(session, current_actor(), pair_ref, now=clock.now())
    return redirect(url_for("duplicates.index", kind=pair.kind, state="dismissed"), 303)


@bp.post("/accounts/<ref('acct'):account_ref>/marks")
@needs(Permission.ACCOUNT_EDIT)
def mark_account(account_ref: str) -> ResponseReturnValue:
    """Mark an account as ready for a new product, or leave it out of lists; or take that away."""
    _mark("account", account_ref)
    return redirect(url_for("accounts.show", account_ref=account_ref), 303)


@bp.post("/contacts/<ref('cont'):contact_ref>/marks")
@needs(Permission.CONTACT_EDIT)
def mark_contact(contact_ref: str) -> ResponseReturnValue:
    """The same for a contact."""
    _mark("contact", contact_ref)
    return redirect(url_for("contacts.show", contact_ref=contact_ref), 303)


def _mark(kind: str, ref: str) -> None:
    wanted = request.form.get("wanted") == "1"
    with transaction() as session:
        mark_record(
            session, current_actor(), kind, ref, request.form.get("mark", ""), wanted, now=clock.now()
        )


@bp.get("/accounts/similar")
@needs(Permission.ACCOUNT_EDIT)
def similar_accounts() -> ResponseReturnValue:
    """What is probably there already, for the form of an account while it is filled in."""
    return _similar("account")


@bp.get("/contacts/similar")
@needs(Permission.CONTACT_EDIT)
def similar_contacts() -> ResponseReturnValue:
    """The same for the form of a contact."""
    return _similar("contact")


def _similar(kind: str) -> ResponseReturnValue:
    session = db.session()
    matches = similar_to(session, current_actor(), kind, request.args)
    remark = name_remark(session, kind, request.args)
    return render_template("care/_similar.html", matches=matches, reasons=REASONS, remark=remark)
