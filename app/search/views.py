"""The search box: a page of what it finds, and suggestions while one types."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app.kernel.actor import Permission
from app.kernel.db import db
from app.kernel.errors import Invalid
from app.kernel.text import clean_text
from app.leads.choices import first_names
from app.search.queries import SUGGESTED, Found, search
from app.search.quick import first_answer
from app.search.recent import recent_hits
from app.web.access import current_actor, needs

bp = Blueprint("search", __name__)

LONGEST = 200
NOTHING = Found([])


@bp.get("/search")
@needs(Permission.LEAD_VIEW)
def results() -> ResponseReturnValue:
    """What the text finds, by kind, at most ten of each."""
    text, complaint = _text()
    found = search(db.session(), current_actor(), text) if text else NOTHING
    page = render_template(
        "search/results.html", text=text, complaint=complaint, found=found, status_words=first_names()
    )
    return page, 422 if complaint else 200


@bp.get("/search/suggest")
@needs(Permission.LEAD_VIEW)
def suggest() -> ResponseReturnValue:
    """The list below the box: what the text finds, or what was viewed lately while nothing is typed.

    The first answer has the names that begin with the text; it asks for the rest, `?all=1`, by itself.
    """
    session, actor = db.session(), current_actor()
    text, complaint = _text()
    first = (
        first_answer(session, actor, text, limit=SUGGESTED) if text and "all" not in request.args else None
    )
    found = Found(first) if first is not None else NOTHING
    if text and first is None:
        found = search(session, actor, text, limit=SUGGESTED)
    recent = [] if text or complaint else recent_hits(session, actor, limit=8)
    is_first = first is not None
    return render_template("search/_suggest.html", text=text, found=found, recent=recent, is_first=is_first)


def _text() -> tuple[str, str]:
    """What is searched for, and what is wrong with it."""
    try:
        return clean_text(request.args.get("q"), max_length=LONGEST, field="q") or "", ""
    except Invalid as error:
        return "", " ".join(str(message) for message in error.errors["q"])
