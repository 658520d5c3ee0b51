"""Reports: what there is, one of them, and one as a file."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.list_fields import accounts_named_by
from app.accounts.models import Account
from app.events.operations import record
from app.identity.models import User
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.lists.catalogue import fields_of
from app.partners.models import PartnerAccount
from app.reports.asked import Asked, filters_for, read_asked
from app.reports.files import TYPES, write
from app.reports.sheets import REPORTS, Report, Sheet, reports_for
from app.reports.telling import TooMany
from app.reports.words import within
from app.sharing.scope import scope
from app.web.access import current_actor, needs

bp = Blueprint("reports", __name__, url_prefix="/reports")
bp.add_app_template_filter(
    lambda heads: [
        {"label": head.label, "css": "is-number" if head.is_number else "is-main"} for head in heads
    ],
    "report_heads",
)
bp.add_app_template_filter(within, "report_within")
# So many rows are shown unless all are asked for; more than the latter are in the file alone.
FIRST_SHOWN, MOST_SHOWN = 50, 1000
# So many partners are offered as a filter.
MOST_PARTNERS = 100


@bp.get("")
@needs(Permission.REPORT_VIEW)
def index() -> ResponseReturnValue:
    """The reports that the person has."""
    return render_template("reports/index.html", reports=reports_for(current_actor()))


@bp.get("/<report_name>")
@needs(Permission.REPORT_VIEW)
def show(report_name: str) -> ResponseReturnValue:
    """A report with what its address asks for."""
    session, actor = db.session(), current_actor()
    report = _named(actor, report_name)
    by = _group(session, actor, report)
    errors: Mapping[str, Sequence[Any]] = {}
    found: Sheet | TooMany | None = None
    try:
        found = report.read(session, actor, _asked(session, actor, report), by, clock.now())
    except Invalid as error:
        errors = error.errors
    is_whole = request.args.get("rows") == "all"
    page = render_template(
        "reports/show.html",
        report=report,
        reports=reports_for(actor),
        by=by,
        groups=report.groups(session, actor),
        filters=_filters(session, actor) if report.filters else [],
        sheet=found if isinstance(found, Sheet) else None,
        too_many=found if isinstance(found, TooMany) else None,
        errors=errors,
        most_shown=MOST_SHOWN if is_whole else FIRST_SHOWN,
        all_url="" if is_whole else _address_of_all(report),
        address=urlencode([(k, v) for k, v in request.args.items(multi=True) if v.strip()]),
    )
    return page, 422 if errors else 200


@bp.post("/<report_name>/file")
@needs(Permission.REPORT_VIEW)
def export(report_name: str) -> ResponseReturnValue:
    """A report as a file, with what the address asks for; recorded."""
    actor = current_actor()
    format_ = request.form.get("format", "csv")
    if format_ not in TYPES:
        raise Invalid({"format": [_("Known formats: CSV, XLSX.")]})
    with transaction() as session:
        report = _named(actor, report_name)
        by = _group(session, actor, report)
        found = report.read(session, actor, _asked(session, actor, report), by, clock.now())
        if isinstance(found, TooMany):
            raise Invalid({"": [_("There are too many to count. Choose fewer months, or filter.")]})
        detail = {"object": f"report {report.name}", "rows": len(found.rows), "format": format_}
        subject = session.get_one(User, actor.user_id)
        record(session, actor, verb="exported", subject=subject, at=clock.now(), detail=detail)
    answer = Response(write(found, format_), mimetype=TYPES[format_].partition(";")[0])
    answer.headers["Content-Disposition"] = f'attachment; filename="{report.name}.{format_}"'
    return answer


def _address_of_all(report: Report) -> str:
    asked: dict[str, Any] = request.args.to_dict(flat=False)
    return url_for("reports.show", **{**asked, "rows": "all", "report_name": report.name})


def _named(actor: Actor, name: str) -> Report:
    report = REPORTS.get(name)
    if report is None or report not in reports_for(actor):
        abort(404)
    return report


def _group(session: Session, actor: Actor, report: Report) -> str:
    groups = report.groups(session, actor)
    asked = request.args.get("by", "")
    return asked if asked in groups else next(iter(groups), "")


def _asked(session: Session, actor: Actor, report: Report) -> Asked:
    args = {key: request.args.getlist(key) for key in request.args}
    if not report.filters:
        args = {key: args[key] for key in ("from", "to") if key in args}
    return read_asked(session, actor, args)


def _filters(session: Session, actor: Actor) -> list[dict[str, Any]]:
    """What the form offers: selects of what has choices; what is named in the address keeps its name."""
    fields = fields_of(session, actor, "lead")
    found = []
    for name in filters_for(session, actor):
        field, chosen = fields[name], request.args.get(name, "")
        options: Sequence[tuple[str, str]] = ()
        if field.choices is not None:
            options = field.choices(session, actor)
        elif name == "partner":
            options = _partners(session, actor, chosen)
        found.append(
            {
                "name": name,
                "label": str(field.label),
                "options": options,
                "chosen": chosen,
            }
        )
    return found


def _partners(session: Session, actor: Actor, chosen: str) -> list[tuple[str, str]]:
    """The partners to choose from by name, the first of them where there are very many."""
    rows = session.execute(
        select(Account.ref, Account.name)
        .join(PartnerAccount, PartnerAccount.account_id == Account.id)
        .where(scope(Account, actor))
        .order_by(Account.name_fold)
        .limit(MOST_PARTNERS)
    )
    found = {row.ref: row.name for row in rows}
    more = accounts_named_by(session, actor, [chosen]) if chosen and chosen not in found else {}
    return [*found.items(), *more.items()]
