"""Tags as a field of every object: to filter by and as a column."""

from collections.abc import Collection, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.kernel.fold import fold
from app.lists.catalogue import RELATED, Condition, Kind, ListField, ListObject, add_to_all
from app.lists.models import RecordTag, Tag
from app.lists.operations import LONGEST_TAG
from app.lists.queries import tags_of
from app.lists.tagging import tag_choices
from app.routing.criteria import Op

_OPS = (Op.EQUALS, Op.NOT_EQUALS, Op.IN, Op.NOT_IN, Op.IS_EMPTY, Op.IS_NOT_EMPTY)


def _field(object_: ListObject) -> list[ListField]:
    model, kind = object_.model, object_.model.__tablename__

    def condition(_session: Session, _actor: Actor, op: Op, value: Any) -> Condition:
        found = select(RecordTag.record_id).where(RecordTag.kind == kind)
        if op in (Op.IS_EMPTY, Op.IS_NOT_EMPTY):
            tagged = model.id.in_(found)
            return ~tagged if op is Op.IS_EMPTY else tagged  # type: ignore[no-any-return]
        names = [fold(each, LONGEST_TAG) for each in (value if isinstance(value, tuple) else (value,))]
        tagged = model.id.in_(
            found.where(RecordTag.tag_id.in_(select(Tag.id).where(Tag.name_fold.in_(names))))
        )
        return ~tagged if op in (Op.NOT_EQUALS, Op.NOT_IN) else tagged  # type: ignore[no-any-return]

    def cells(session: Session, _actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
        return tags_of(session, kind, keys)

    return [
        ListField(
            "tag", _l("Tags"), Kind.NAMES, model.id, condition, _OPS, tag_choices, resolve=cells, says=_says,
            text=", ".join, section=RELATED, is_internal=True,
        )
    ]  # fmt: skip


def _says(op: Op, value: str) -> str:
    match op:
        case Op.IS_EMPTY:
            return _("it has no tag")
        case Op.IS_NOT_EMPTY:
            return _("it has a tag")
        case Op.NOT_EQUALS | Op.NOT_IN:
            return _("it is not tagged %(tag)s", tag=value)
    return _("it is tagged %(tag)s", tag=value)


add_to_all(_field)
