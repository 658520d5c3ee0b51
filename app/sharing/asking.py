"""Asking before a change is saved: what it would do, in words; and whether the form brings agreement to just that."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flask import render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext

from app.identity.roles import role_names
from app.kernel import labels
from app.kernel.actor import Actor, Permission
from app.sharing.affected import MODELS, Consequences, Line
from app.sharing.differences import Count, Difference
from app.sharing.words import count_words
from app.web.filters import number

FIELD = "confirmed"
SHOWN = 12  # lines before the rest is folded
NAMED = 3
MOST_NAMED = 200


@dataclass(frozen=True, slots=True)
class Told:
    """One thing gained or lost, as a badge."""

    text: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line in words.  names: of all, where the title and the note do not name them."""

    title: str
    note: str
    icon: str
    told: Sequence[Told]
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


def may_be_told(actor: Actor) -> bool:
    """Whether somebody may know what an act of theirs does to everybody's sight.

    Consequences name companies and count records wherever they are: nothing for those who see their portfolio.
    """
    return actor.can(Permission.SHARING_MANAGE)


def ask(consequences: Consequences, said: object, *, about: str = "") -> Question | None:
    """The question; None where surely nothing is gained or lost, or it has been answered.

    said: what was chosen, as far as people gain or lose by it, and of a stable `repr`.  An answer counts for this
    at this address alone: consequences whose counting the clock ended do not differ from one choice to another.
    about: what else is agreed to, which is asked about even where nobody gains or loses anything.
    """
    agreement = repr((request.path, said, about, consequences.mark))
    mark = hashlib.sha256(agreement.encode()).hexdigest()[:32]
    agreed = request.form.get(FIELD, "")
    if agreed == mark or not (about or consequences.lines or not consequences.is_whole):
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
    people = [actor for line in consequences.lines for actor in line.people]
    outside = [actor for actor in people if actor.is_partner]
    inside = len(people) - len(outside)
    if not people:
        return ""
    own = ngettext("%(num)s person of your own", "%(num)s people of your own", inside)
    if not outside:
        return _("It concerns %(whom)s.", whom=own)
    companies = len({actor.company_id for actor in outside})
    where = ngettext("at %(num)s partner", "at %(num)s partners", companies)
    theirs = f"{_how_many(outside)} {where}"
    if not inside:
        return _("It concerns %(whom)s.", whom=theirs)
    return _("It concerns %(theirs)s and %(own)s.", theirs=theirs, own=own)


def _row(line: Line) -> Row:
    people = sorted(line.people, key=lambda actor: (actor.company_name.casefold(), actor.name.casefold()))
    names = [f"{actor.name}, {actor.company_name}" if actor.is_partner else actor.name for actor in people]
    title, note = _partners(people) if people[0].is_partner else _colleagues(people)
    icon = "building" if people[0].is_partner else "user" if len(people) == 1 else "users"
    # One company's few people stand in the note, few colleagues in the title.
    is_named = len(people) <= NAMED and len({actor.company_id for actor in people}) == 1
    told = _told(line.found, is_exact=line.is_exact)
    return Row(title, note, icon, told, [] if is_named else names[:MOST_NAMED])


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


def _told(found: Mapping[str, Difference], *, is_exact: bool) -> list[Told]:
    """What is gained, then what is lost, of one object after the other."""
    told = []
    for name in (model.__tablename__ for model in MODELS if model.__tablename__ in found):
        for kind, (tone, icon) in _LOOKS.items():
            count = getattr(found[name], kind)
            if not count.is_none:
                told.append(Told(_said(kind, _counted(name, count, is_exact=is_exact)), tone, icon))
    return told


_LOOKS = {
    "gained": ("green", "plus"),
    "more": ("blue", "arrow-up"),
    "lost": ("red", "minus"),
    "less": ("amber", "arrow-down"),
}


def _said(kind: str, what: str) -> str:
    return {
        "gained": _("gain %(what)s", what=what),
        "more": _("see more of %(what)s", what=what),
        "lost": _("lose %(what)s", what=what),
        "less": _("see less of %(what)s", what=what),
    }[kind]


def _counted(name: str, count: Count, *, is_exact: bool) -> str:
    records = labels.many(name) if count.number != 1 or count.is_more else labels.one(name)
    said = _("%(number)s %(records)s", number=count_words(count), records=records)
    return said if is_exact else _("up to %(what)s each", what=said)
