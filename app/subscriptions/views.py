"""Having a report mailed every week: asked for on its page, stopped there or in the profile."""

from urllib.parse import parse_qsl

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.reports.sheets import REPORTS, reports_for
from app.subscriptions.filters import filters_in_words
from app.subscriptions.operations import subscribe, unsubscribe
from app.subscriptions.queries import find_subscription, my_subscriptions
from app.subscriptions.standing import needs_attention
from app.subscriptions.weeks import args_of, kept_query, weekday_names
from app.web.access import current_actor, needs

bp = Blueprint("subscriptions", __name__)


@bp.app_template_global()
def subscription_of(report: str) -> object:
    """How the report at this address is mailed to the person: (its kept query, subscription or None, days)."""
    query = kept_query(request.args.items(multi=True))
    found = find_subscription(db.session(), current_actor(), report, query)
    return query, found, weekday_names()


@bp.post("/reports/<report_name>/mail")
@needs(Permission.REPORT_VIEW)
def start(report_name: str) -> ResponseReturnValue:
    """Have the report mailed on a day of the week; the filters stand in the form as in its address."""
    day = request.form.get("weekday", "")
    query = kept_query(parse_qsl(request.form.get("query", "")))
    offered = {each.name for each in reports_for(current_actor())}
    with transaction() as session:
        weekday = int(day) if day.isdecimal() and len(day) == 1 else -1
        made = subscribe(
            session, current_actor(), report_name, query, weekday, offered=offered, now=clock.now()
        )
        name = dict(weekday_names())[made.weekday]
    words = _("The report comes by mail every week: %(day)s, in the morning.", day=name)
    flash(words, "success")
    return redirect(_page(report_name, query), 303)


def _page(report_name: str, query: str) -> str:
    return url_for("reports.show", report_name=report_name) + (f"?{query}" if query else "")


@bp.get("/profile/reports")
@needs(Permission.REPORT_VIEW)
def index() -> ResponseReturnValue:
    """The reports that are mailed to the person."""
    session, actor = db.session(), current_actor()
    rows = [
        (
            each,
            str(REPORTS[each.report].label),
            _page(each.report, each.query),
            needs_attention(session, actor, each),
            filters_in_words(session, actor, REPORTS[each.report], args_of(each.query)),
        )
        for each in my_subscriptions(session, actor)
        if each.report in REPORTS
    ]
    return render_template("subscriptions/index.html", rows=rows, days=dict(weekday_names()))


@bp.post("/profile/reports/<ref('sub'):sub_ref>/stop")
@needs(Permission.REPORT_VIEW)
def stop(sub_ref: str) -> ResponseReturnValue:
    """Have a report mailed no more."""
    with transaction() as session:
        unsubscribe(session, current_actor(), sub_ref, now=clock.now())
    flash(_("The report is mailed to you no more."), "success")
    return redirect(url_for("subscriptions.index"), 303)
