"""Whether the process lives (`/healthz`) and whether it can do its work (`/readyz`).  For machines."""

from functools import cache

from flask import Blueprint, Response
from sqlalchemy.exc import SQLAlchemyError

from app.kernel.db import db, set_reading
from app.settings import ROOT
from app.web.access import public

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@public  # asked by process supervisors, tells nothing
def healthz() -> Response:
    """200 while the process lives."""
    return _plain("ok\n", 200)


@bp.get("/readyz")
@public  # asked by load balancers, tells only whether and roughly why not
def readyz() -> Response:
    """200 when database and migrations are in order, else 503 and why."""
    reason = unready()
    return _plain("ready\n", 200) if reason is None else _plain(f"not ready: {reason}\n", 503)


def unready() -> str | None:
    """Why requests cannot be answered now; None when they can.  Names no host and no password."""
    from alembic.runtime.migration import MigrationContext  # not while starting, see app.migrating

    set_reading(True)  # never waits for SQLite's write lock
    try:
        with db.engine.connect() as connection:
            present = set(MigrationContext.configure(connection).get_current_heads())
    except SQLAlchemyError:
        return "the database cannot be reached"
    if present != expected_heads():
        return "the database is not at the newest migration; run `flask --app app db upgrade`"
    return None


@cache
def expected_heads() -> frozenset[str]:
    """The newest migrations that this release brings."""
    from alembic.script import ScriptDirectory

    return frozenset(ScriptDirectory(str(ROOT / "migrations")).get_heads())


def _plain(text: str, status: int) -> Response:
    return Response(text, status, mimetype="text/plain", headers={"Cache-Control": "no-store"})
