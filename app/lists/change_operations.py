"""Asking for a change of many records."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.accounts.changes import find_owner
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.lists.catalogue import ListObject, fields_of
from app.lists.change_run import ACTS, DELETE, FIELD, OWNER, TAG, UNTAG
from app.lists.jobs import ask_for
from app.lists.models import JobKind, ListJob
from app.lists.operations import clean_tag, find_or_make_tag
from app.lists.page import query_of

AT_ONCE = 50  # so many are changed while the person waits
MOST_NAMED = 1000


def ask_for_change(
    session: Session,
    actor: Actor,
    object_: ListObject,
    params: Mapping[str, Sequence[str]],
    *,
    act: str,
    refs: Sequence[str] | None,
    owner: str = "",
    along: bool = False,
    tag: str = "",
    field: str = "",
    value: Any = "",
    rows: int | None,
    now: datetime,
) -> ListJob:
    """A change of the records named, or of all that the list has when the worker comes to them.

    act: "owner" (with `owner`, and `along` what hangs on each), "tag" or "untag" (with `tag`), "field" (with `field` and
    `value`), "delete".  refs: public names, None for the whole list.  rows: how many, where that is known.
    Each record is changed by its own operation, which says whether the actor may.  Does not commit.
    Raises NotAllowed, Invalid, TooMany.
    """
    query_of(session, actor, object_, params)
    task = task_of(
        session, actor, object_, act=act, owner=owner, along=along, tag=tag, field=field, value=value
    )
    if act == TAG:
        # Made now, so that one that is there keeps its own letters.
        task["tag"] = find_or_make_tag(session, actor, tag, now=now).name
    if refs is not None:
        wanted = list(dict.fromkeys(refs))
        if not wanted:
            raise Invalid({"": [_l("Choose at least one.")]})
        if len(wanted) > MOST_NAMED:
            raise Invalid({"": [_l("At most %(limit)s can be changed at once.", limit=MOST_NAMED)]})
        task["refs"] = wanted
    return ask_for(session, actor, object_, JobKind.CHANGE, params, task, rows=rows, now=now)


def task_of(
    session: Session,
    actor: Actor,
    object_: ListObject,
    *,
    act: str,
    owner: str = "",
    along: bool = False,
    tag: str = "",
    field: str = "",
    value: Any = "",
) -> dict[str, Any]:
    """What is to be done with each record, checked; as `ask_for_change` is asked.  Raises NotAllowed, Invalid."""
    actor.require(object_.view)
    actor.require(object_.edit)
    if act not in ACTS or object_.write is None or (act == OWNER and object_.gives_at):
        raise Invalid({"act": [_l("Choose what is to be done.")]})
    if act == DELETE:
        if object_.deleting is None:
            raise Invalid({"act": [_l("Choose what is to be done.")]})
        actor.require(object_.deleting.permission)
    task: dict[str, Any] = {"act": act}
    if act == OWNER:
        task |= {"owner": find_owner(session, owner).ref, "along": along}
    if act in (TAG, UNTAG):
        task["tag"] = clean_tag(tag)
    if act == FIELD:
        known = fields_of(session, actor, object_.name).get(field)
        if known is None or not known.edits:
            raise Invalid({"field": [_l("Choose one of those listed.")]})
        task |= {"field": field, "value": value}
    return task
