"""The care of data on one page: what is idle, by owner; and handing over what somebody has who left or moved."""

from urllib.parse import urlencode

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from app.accounts.pages import count_text
from app.accounts.related import colleagues
from app.care.ageing import DAYS, MODELS, ages_by_owner
from app.care.handover import hand_over, holdings
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.web.access import current_actor, needs

bp = Blueprint("ageing", __name__)


@bp.get("/care")
@needs(Permission.ACCOUNT_KEEP)
def index() -> ResponseReturnValue:
    """Accounts, or contacts, without activity for 30, 60 and 90 days, by owner."""
    kind = request.args.get("kind", "account")
    kind = kind if kind in MODELS else "account"
    after = request.args.get("after", "")[:200].replace("\x00", "")
    rows, following = ages_by_owner(db.session(), current_actor(), kind, after=after, now=clock.now())
    return render_template(
        "care/ageing.html", kind=kind, rows=rows, following=following, days=DAYS, count_text=count_text
    )


@bp.get("/care/handover")
@needs(Permission.ACCOUNT_DELETE)
def handover() -> ResponseReturnValue:
    """Who has left and still owns accounts or contacts; and what one person owns, to be given to another."""
    return _handover_page(request.args.get("from", ""))


def _handover_page(from_ref: str, complaint: str = "") -> str:
    session, actor = db.session(), current_actor()
    people = holdings(session, actor, from_ref=from_ref)
    return render_template(
        "care/handover.html",
        people=people,
        colleagues=colleagues(session),
        from_ref=from_ref,
        complaint=complaint,
        count_text=count_text,
    )


@bp.post("/care/handover")
@needs(Permission.ACCOUNT_DELETE)
def give() -> ResponseReturnValue:
    """Give all accounts and contacts of one person to another."""
    from_ref, to_ref = request.form.get("from", ""), request.form.get("to", "")
    try:
        with transaction() as session:
            done = hand_over(session, current_actor(), from_ref, to_ref, now=clock.now())
    except Invalid as error:
        message = " ".join(str(text) for texts in error.errors.values() for text in texts)
        return _handover_page(from_ref, message), 422
    moved = done.accounts + done.contacts
    flash(ngettext("%(num)s record has a new owner.", "%(num)s records have a new owner.", moved), "success")
    if done.refused:
        return render_template("care/handed_over.html", done=done)
    if done.has_more:
        flash(_("There are more. Press the button again to go on."), "info")
    return redirect(f"{url_for('ageing.handover')}?{urlencode({'from': from_ref})}", 303)
