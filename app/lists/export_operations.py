"""Asking for a list as a file."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.events.operations import record
from app.identity.models import User
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.lists.catalogue import ListObject, fields_of
from app.lists.export_run import AS_SHOWN, FORMATS, columns_of
from app.lists.jobs import ask_for
from app.lists.models import JobKind, ListJob
from app.lists.query import parse_list


def ask_for_export(
    session: Session,
    actor: Actor,
    object_: ListObject,
    params: Mapping[str, Sequence[str]],
    *,
    format_: object,
    columns: Sequence[str] = (),
    purpose: str = "",
    headings: str = "",
    now: datetime,
) -> ListJob:
    """A file of the list, written by the worker.  params: filters by name, `filter`, `sort`.

    purpose: of the object's `purposes`; who may not be reached so is left out.  headings: `AS_SHOWN` for the labels of
    the screen over the columns, else the fields' names.
    That it is taken out is on record before the first row leaves.  Does not commit.
    Raises NotAllowed, Invalid, TooMany.
    """
    actor.require(object_.view)
    actor.require(object_.export)
    if format_ not in FORMATS:
        raise Invalid({"format": [_l("Known here: %(known)s.", known=", ".join(FORMATS))]})
    if purpose and purpose not in object_.purposes:
        raise Invalid({"purpose": [_l("Known here: %(known)s.", known=", ".join(object_.purposes) or "–")]})
    given = {name: values for name, values in params.items() if name != "sort"}
    query = parse_list(session, actor, object_, given, sort=next(iter(params.get("sort", ())), ""))
    columns_of(fields_of(session, actor, object_.name), columns)
    task = {"format": str(format_), "columns": list(columns), **({"purpose": purpose} if purpose else {})}
    if headings == AS_SHOWN:
        task["headings"] = AS_SHOWN
    job = ask_for(session, actor, object_, JobKind.EXPORT, params, task, rows=None, now=now)
    detail = {"object": object_.name, "filter": query.given, "format": str(format_), "export": job.ref}
    if purpose:
        detail["purpose"] = purpose
    record(
        session, actor, verb="exported", subject=session.get_one(User, actor.user_id), at=now, detail=detail
    )
    return job
