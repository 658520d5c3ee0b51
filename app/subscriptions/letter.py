"""A report as a letter: its numbers as its reader would see them on the page at the moment it is sent."""

from collections.abc import Sequence

from app.kernel.errors import DomainError
from app.notifications.envelope import Envelope, Item, Letter, recipient_of
from app.notifications.models import NotificationKind as Kind
from app.notifications.outcomes import Outcome, Withheld
from app.notifications.plain import one_line
from app.reports.asked import read_asked
from app.reports.sheets import REPORTS, Cell, Sheet, reports_for
from app.reports.telling import TooMany
from app.subscriptions.filters import filters_in_words
from app.subscriptions.standing import still_stands
from app.subscriptions.weeks import args_of

MOST_ROWS = 12
MOST_FIGURES = 7


def write(envelope: Envelope) -> Letter:
    """The report's figures and first rows; only that it cannot be told so any more where a filter has gone.

    Raises Withheld when its reader has left, or has the report no more.
    """
    actor, detail = recipient_of(envelope), envelope.detail
    report = REPORTS.get(detail.get("report", ""))
    if report is None or report not in reports_for(actor):
        raise Withheld(Outcome.NO_ACCESS)
    query = str(detail.get("query", ""))
    args = args_of(query)
    stop = envelope.link("/profile/reports")
    if not still_stands(envelope.session, actor, report, args):
        words = {
            "report": one_line(str(report.label)),
            "by": "",
            "is_empty": True,
            "is_stopped": True,
            "filters": "",
        }
        return Letter(Kind.REPORT_MAIL, stop, words, choices_url=stop)
    groups = report.groups(envelope.session, actor)
    asked_by = next(iter(args.get("by", ())), "")
    by = asked_by if asked_by in groups else next(iter(groups), "")
    try:
        known = args if report.filters else {name: args[name] for name in ("from", "to") if name in args}
        asked = read_asked(envelope.session, actor, known)
        found = report.read(envelope.session, actor, asked, by, envelope.now)
    except DomainError as error:  # a value that is not known any more
        raise Withheld(Outcome.NO_ACCESS) from error
    url = envelope.link(f"/reports/{report.name}" + (f"?{query}" if query else ""))
    words = {"report": one_line(str(report.label)), "by": groups.get(by, ""), "is_empty": True}
    words["is_stopped"] = False
    words["filters"] = one_line(filters_in_words(envelope.session, actor, report, args))
    if isinstance(found, TooMany) or not found.rows:
        return Letter(Kind.REPORT_MAIL, url, words, choices_url=stop)
    return Letter(
        Kind.REPORT_MAIL,
        url,
        {**words, "is_empty": False},
        fields={str(place): figure for place, figure in enumerate(_figures(found))},
        items=[_row(envelope, found, row, url) for row in found.rows[:MOST_ROWS]],
        more=max(len(found.rows) - MOST_ROWS, 0),
        choices_url=stop,
    )


def _figures(sheet: Sheet) -> Sequence[tuple[str, str]]:
    """The numbers of the last row, of all together."""
    cells = zip(sheet.heads[1:], sheet.total[1:], strict=False)
    return [(one_line(head.label), one_line(cell.text)) for head, cell in cells][:MOST_FIGURES]


def _row(envelope: Envelope, sheet: Sheet, row: Sequence[Cell], page: str) -> Item:
    """A row of the table in a line, with the first list that it counts."""
    told = [
        f"{one_line(head.label)} {one_line(cell.text)}"
        for head, cell in zip(sheet.heads[1:], row[1:], strict=False)
        if cell.value not in (None, "", 0) and cell.text != "–"
    ]
    link = next((cell.url for cell in row if cell.url), "")
    return Item(one_line(row[0].text), ", ".join(told), envelope.link(link) if link else page)
