"""The first page after signing in, by role."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app.kernel.actor import Permission
from app.web.access import needs

bp = Blueprint("home", __name__)


@bp.get("/")
@needs(Permission.HOME_VIEW)
def index() -> ResponseReturnValue:
    return render_template("home/index.html")
