"""Small pieces of a page that a list draws hundreds of times: icon, time, status, owner, score.

They are functions rather than macros because rendering is where a list page spends its time; the
templates use them through `components/ui.html`, beside the macros.  Each returns safe markup.
"""

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from flask import Flask, g, has_request_context, request
from flask_babel import gettext as _
from markupsafe import Markup, escape

from app.kernel import labels
from app.web import filters

STATIC = Path(__file__).parent.parent / "static"
DOTS = 4
QUIET_DASH = Markup('<span class="is-quiet">–</span>')


class Status(Protocol):
    """category: new, working, qualified, unqualified or converted; it chooses the mark."""

    @property
    def name(self) -> str: ...
    @property
    def category(self) -> str: ...


def time_tag(moment: datetime | date | None, mode: str = "relative") -> Markup:
    """A <time> element: what a person reads, with the exact local time as its title.

    mode: relative, date, datetime, time, age or left (a deadline).  None gives a dash.
    """
    if moment is None:
        return QUIET_DASH
    if not isinstance(moment, datetime):
        return Markup(f'<time datetime="{moment.isoformat()}">{escape(filters.local_date(moment))}</time>')  # noqa: S704 - escaped
    exact, title = filters.exact_moment(moment)
    return Markup(f'<time datetime="{exact}" title="{title}">{escape(_MODES[mode](moment))}</time>')  # noqa: S704 - escaped


_MODES: dict[str, Callable[[datetime], str]] = {
    "relative": filters.relative_time,
    "date": filters.local_date,
    "datetime": filters.local_datetime,
    "time": filters.local_time,
    "age": filters.age,
    "left": filters.countdown,
}


def status_tag(status: Status) -> Markup:
    """A lead's status: its name beside a mark that fills as the lead moves on."""
    category = getattr(status.category, "value", status.category)
    return Markup(f'<span class="state is-{escape(category)}">{escape(status.name)}</span>')  # noqa: S704 - escaped


def owner_tag(owner: Any, link: bool = True) -> Markup:
    """Who has it: initials for a person, stacked lines for a queue, a building for a partner's.

    owner: has `kind` (user, queue or partner) and `name`; and where known `company_name`, of a partner
    user, and `url`.  None reads "Nobody".  The parts have no classes: a list has hundreds of them.
    """
    words = _words()
    if owner is None:
        return Markup(f'<span class="is-quiet">{words["nobody"]}</span>')  # noqa: S704 - escaped
    company = getattr(owner, "company_name", "") or ""
    kind = "partner" if company else str(getattr(owner.kind, "value", owner.kind))
    name = escape(owner.name)
    if company and company != owner.name:
        name = Markup(  # noqa: S704 - escaped
            f"<b>{escape(company)}</b> <span>{name}</span>"
        )
    if kind not in words:
        mark = f'<span class="initials" aria-hidden="true">{escape(filters.initials(owner.name))}</span>'
    else:
        mark = f'<i class="is-{kind}">{words[kind]}</i>'
    body = f"{mark}<span>{name}</span>"
    url = getattr(owner, "url", "") if link else ""
    if url:
        return Markup(f'<a class="owner" href="{escape(url)}">{body}</a>')  # noqa: S704 - escaped
    return Markup(f'<span class="owner">{body}</span>')  # noqa: S704 - escaped


def score_tag(score: int | None) -> Markup:
    """A score from 0 to 100 as dots and its number; a dash for none."""
    return QUIET_DASH if score is None else _score(score)


@lru_cache(maxsize=128)
def _score(score: int) -> Markup:
    dots = max(0, min(DOTS, -(-score * DOTS // 100)))
    return Markup(f'<span class="score is-{dots}">{score:d}</span>')  # noqa: S704 - numbers


def static_url(filename: str) -> str:
    """A static file's address with a mark of its content, so that it may be cached for good.

    Cheap enough for every icon of a page, unlike `url_for`.
    """
    return _root() + _versioned(filename)


def sprite(name: str, extra_class: str = "") -> Markup:
    """An icon: decoration, hidden from screen readers; the words stand beside it."""
    return _drawn(_root(), name, extra_class)


def init_tags(app: Flask) -> None:
    """Register the functions as globals of the templates of `app`."""
    app.jinja_env.filters["time_tag"] = time_tag
    app.jinja_env.globals.update(
        static_url=static_url,
        sprite=sprite,
        time_tag=time_tag,
        status_tag=status_tag,
        owner_tag=owner_tag,
        score_tag=score_tag,
    )


@lru_cache(maxsize=256)
def _versioned(filename: str) -> str:
    file = STATIC / filename
    mark = f"?v={sha256(file.read_bytes()).hexdigest()[:6]}" if file.is_file() else ""
    return f"/static/{filename}{mark}"


@lru_cache(maxsize=512)
def _drawn(root: str, name: str, extra_class: str) -> Markup:
    classes = f"icon {extra_class}".rstrip()
    return Markup('<svg class="{}" aria-hidden="true"><use href="{}#i-{}"/></svg>').format(
        classes, root + _versioned("icons.svg"), name
    )


def _root() -> str:
    return request.script_root if has_request_context() else ""


def _words() -> dict[str, Markup]:
    """The words for the kinds of owner, looked up once a request: they may have been renamed."""
    words: dict[str, Markup] | None = g.get("owner_words")
    if words is None:
        words = g.owner_words = {
            "nobody": escape(_("Nobody")),
            "queue": escape(labels.one("queue", title=True)),
            "partner": escape(labels.one("partner", title=True)),
        }
    return words
