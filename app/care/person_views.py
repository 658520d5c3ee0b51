"""The page on which an administrator finds, and takes out, all that is held about one person."""

import json

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from app.care import consent_views, erase_views  # noqa: F401 - their routes hang on the same blueprint
from app.care.person import held_about, records_of
from app.care.views import bp
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.web.access import current_actor, needs


@bp.get("/care/person")
@needs(Permission.PERSON_MANAGE)
def person() -> ResponseReturnValue:
    """Asks for an address."""
    return _page()


@bp.post("/care/person")
@needs(Permission.PERSON_MANAGE)
def find_person() -> ResponseReturnValue:
    """What is there with that address.  Posted, so that it stands in no log of addresses."""
    email = request.form.get("email", "").strip()[:320]
    try:
        return _page(email, records_of(db.session(), current_actor(), email))
    except Invalid as error:
        return _page(email, problem=" ".join(str(m) for found in error.errors.values() for m in found)), 422


@bp.post("/care/person/file")
@needs(Permission.PERSON_MANAGE)
def person_file() -> ResponseReturnValue:
    """All of it as a file; recorded."""
    email = request.form.get("email", "").strip()[:320]
    try:
        with transaction() as session:
            body = held_about(session, current_actor(), email, now=clock.now())
    except Invalid as error:
        return _page(email, problem=" ".join(str(m) for found in error.errors.values() for m in found)), 422
    answer = Response(json.dumps(body, ensure_ascii=False, indent=2), mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="person-{clock.now():%Y-%m-%d}.json"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _page(email: str = "", found: object = None, problem: str = "") -> str:
    return render_template("care/person.html", email=email, found=found, problem=problem)
