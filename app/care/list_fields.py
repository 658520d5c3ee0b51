"""What the care of data adds to lists of accounts and contacts: marks, and how long nothing has happened."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, case, true
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.care.ageing import is_idle
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.parse import parse_yes_no
from app.lists.catalogue import AT_LEAST, Kind, ListField, add_fields, describe, objects
from app.routing.criteria import Op

MOST_DAYS = 36_500


def _marked(column: Any) -> Any:
    def make(_session: Session, _actor: Actor, _op: Op, value: Any) -> ColumnElement[bool]:
        return column.is_not(None) if value else column.is_(None)  # type: ignore[no-any-return]

    return make


def _left_out(model: Any) -> Any:
    """The filter as an address writes it: yes, no, or any for all records whether left out or not."""

    def make(_session: Session, _actor: Actor, values: Sequence[str]) -> ColumnElement[bool]:
        wanted = {parse_yes_no(value) for value in values}
        if wanted == {True}:
            return model.left_out_at.is_not(None)  # type: ignore[no-any-return]
        return model.left_out_at.is_(None) if wanted == {False} else true()

    return make


def _idle(model: Any) -> Any:
    def make(_session: Session, actor: Actor, _op: Op, value: Any) -> ColumnElement[bool]:
        days = min(max(int(value), 0), MOST_DAYS)
        return is_idle(model, actor, clock.now() - timedelta(days=days))

    return make


def _says_idle(_op: Op, value: str) -> str:
    return _("nothing has happened for %(days)s days", days=value)


for model in (Account, Contact):
    add_fields(
        model.__tablename__,
        ListField(
            "left_out", _l("Left out of views, reports and campaigns"), Kind.YES_NO,
            case((model.left_out_at.is_(None), 0), else_=1), _marked(model.left_out_at), is_export=False,
        ),
        ListField(
            "ready", _l("Ready for a new product"), Kind.YES_NO, case((model.ready_at.is_(None), 0), else_=1),
            _marked(model.ready_at),
        ),
        ListField("ready_at", _l("Marked ready"), Kind.MOMENT, model.ready_at, is_export=False),
        ListField(
            "idle_days", _l("Nothing has happened for"), Kind.NUMBER, None, _idle(model), AT_LEAST,
            is_column=False, is_export=False, says=_says_idle, unit=_l("days"),
        ),
    )  # fmt: skip
    known = objects()[model.__tablename__]
    describe(
        replace(known, simple={**known.simple, "left_out": _left_out(model)}, left_out=model.left_out_at)
    )
