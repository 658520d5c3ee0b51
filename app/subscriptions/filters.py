"""The filters that a mailed report was asked for with, in words, where its reader still has them."""

from collections.abc import Mapping, Sequence

from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.lists.catalogue import objects
from app.lists.query import parse_list
from app.lists.words import is_said, sentence_of, value_names
from app.reports.asked import filters_for, first_day, read_month
from app.reports.sheets import Report


def filters_in_words(
    session: Session, actor: Actor, report: Report, args: Mapping[str, Sequence[str]]
) -> str:
    """ "country is Spain; from March 2026", "" for none.  args: the parameters of the report's address."""
    said: list[str] = []
    if report.filters:
        given = {name: args[name] for name in filters_for(session, actor) if args.get(name)}
        query = parse_list(session, actor, objects()["lead"], given, lenient=True)
        names = value_names(session, actor, query)
        said = [sentence_of(part, query, names) for part in query.parts if is_said(part)]
    for name, words in (("from", _("from %(month)s")), ("to", _("to %(month)s"))):
        month = read_month(next(iter(args.get(name, ())), ""))
        if month is not None:
            said.append(words % {"month": format_date(first_day(month), "LLLL yyyy")})
    return "; ".join(said)
