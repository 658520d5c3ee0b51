"""Asking before a change is saved: what it would do, in words; and whether the form brings agreement to just that."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flask import render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext

from app.identity.roles import role_names
from app.kernel import labels
from app.kernel.actor import Actor
from app.sharing.affected import MODELS, Consequences, Line
from app.sharing.differences import Count, Difference
from app.sharing.words import count_words
from app.web.filters import number

FIELD = "confirmed"
SHOWN = 12  # lines before the rest is folded
NAMED = 3
MOST_NAMED = 200


@dataclass(frozen=True, slots=True)
class Row:
    """A line in words.  names: of all, where the title and the note do not name them."""

    title: str
    note: str
    gains: Sequence[str]
    loses: Sequence[str]
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be agreed to.  again: somebody agreed to something else, which is not so any more."""

    mark: str
    again: bool
    rows: Sequence[Row]
    folded: Sequence[Row]
    summary: str
    is_whole: bool


def ask(consequences: Consequences, *, about: str = "") -> Question | None:
    """The question; None where nothing is gained or lost, or it has been answered.

    about: what else is agreed to, which is asked about even where nobody gains or loses anything.
    """
    mark = f"{about}.{consequences.mark}" if about else consequences.mark
    agreed = request.form.get(FIELD, "")
    if agreed == mark or not (about or consequences.lines):
        return None
    rows = [_row(line) for line in consequences.lines]
    return Question(
        mark, bool(agreed), rows[:SHOWN], rows[SHOWN:], _summary(consequences), consequences.is_whole
    )


def agree_page(question: Question, title: str, button: str, up: str, *, sent: Iterable[str] = ()) -> str:
    """A page that asks, for an act that has no form of its own.  sent: the fields to be sent once more."""
    fields = [(name, value) for name in sent for value in request.form.getlist(name)]
    return render_template(
        "sharing/agree.html", question=question, page_title=title, button=button, up=up, fields=fields
    )


def _summary(consequences: Consequences) -> str:
    people = consequences.people
    companies = {actor.company_id for line in consequences.lines for actor in line.people if actor.is_partner}
    if not people:
        return ""
    said = ngettext("It concerns %(num)s person", "It concerns %(num)s people", people)
    if companies:
        said += " " + ngettext("at %(num)s partner", "at %(num)s partners", len(companies))
        inside = any(not actor.is_partner for line in consequences.lines for actor in line.people)
        said += " " + _("and of your own") if inside else ""
    return f"{said}."


def _row(line: Line) -> Row:
    gains, loses = _words(line.found, is_exact=line.is_exact)
    people = sorted(line.people, key=lambda actor: (actor.company_name.casefold(), actor.name.casefold()))
    names = [f"{actor.name}, {actor.company_name}" if actor.is_partner else actor.name for actor in people]
    if people[0].is_partner:
        title, note = _partners(people)
    else:
        title, note = _colleagues(people)
    # One company's few people stand in the note, few colleagues in the title.
    is_named = len(people) <= NAMED and (len({actor.company_id for actor in people}) == 1)
    return Row(title, note, gains, loses, [] if is_named else names[:MOST_NAMED])


def _partners(people: Sequence[Actor]) -> tuple[str, str]:
    companies = list(dict.fromkeys(actor.company_name for actor in people))
    title = _some(companies)
    if len(companies) == 1 and len(people) <= NAMED:
        return title, ", ".join(f"{actor.name} ({_role(actor)})" for actor in people)
    return title, f"{_how_many(people)} · {_roles(people)}"


def _colleagues(people: Sequence[Actor]) -> tuple[str, str]:
    if len(people) <= NAMED:
        return ", ".join(actor.name for actor in people), _roles(people)
    return _roles(people), _how_many(people)


def _some(names: Sequence[str]) -> str:
    shown, more = ", ".join(names[:NAMED]), len(names) - NAMED
    return _("%(names)s and %(number)s more", names=shown, number=number(more)) if more > 0 else shown


def _how_many(people: Sequence[Actor]) -> str:
    return ngettext("%(num)s person", "%(num)s people", len(people))


def _role(actor: Actor) -> str:
    return str(role_names()[actor.role])


def _roles(people: Sequence[Actor]) -> str:
    return ", ".join(dict.fromkeys(_role(actor) for actor in people))


def _words(found: Mapping[str, Difference], *, is_exact: bool) -> tuple[list[str], list[str]]:
    """(what is gained, what is lost)."""
    gains: list[str] = []
    loses: list[str] = []
    for model in MODELS:
        name = model.__tablename__
        each = found.get(name)
        if each is None:
            continue
        for told, count, comparative in (
            (gains, each.gained, ""),
            (gains, each.more, _("more of them than now")),
            (loses, each.lost, ""),
            (loses, each.less, _("less of them than now")),
        ):
            if not count.is_none:
                told.append(_counted(name, count, comparative, is_exact=is_exact))
    return gains, loses


def _counted(name: str, count: Count, comparative: str, *, is_exact: bool) -> str:
    many = count.number != 1 or count.is_more
    records = labels.many(name) if many else labels.one(name)
    said = _("%(number)s %(records)s", number=count_words(count), records=records)
    if not is_exact:
        said = _("up to %(what)s each", what=said)
    return f"{said}: {comparative}" if comparative else said
