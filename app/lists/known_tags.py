"""Who may know of a tag: its name can tell something, so that those alone do who made it or see what carries it."""

from sqlalchemy import ColumnElement, and_, exists, or_, select

from app.documents.models import Document
from app.kernel.actor import Actor, Level
from app.lists.catalogue import objects
from app.lists.models import RecordTag, Tag
from app.sharing.merge import Window, merged_ids
from app.sharing.scope import scope

# Of those who see little, so many records changed last are asked for the tags they carry.
LATELY = 500


def known_to(actor: Actor) -> ColumnElement[bool]:
    """That the actor made the tag, or may see a record that carries it."""
    ways: list[ColumnElement[bool]] = [Tag.created_by_id == actor.user_id]
    models = [each.model for each in objects().values() if actor.can(each.view)]
    for model in dict.fromkeys((*models, Document)):
        kind = model.__tablename__
        carried = and_(RecordTag.tag_id == Tag.id, RecordTag.kind == kind)
        if _sees_most(actor, kind):
            # Nearly every record that carries it will do, so that the first one looked at ends the search.
            ways.append(
                exists()
                .where(carried, model.id == RecordTag.record_id, scope(model, actor, Level.READ))
                .correlate(Tag)
            )
            continue
        window = Window(model.updated_at, True, LATELY)
        lately = merged_ids(model, actor, window, level=Level.READ).cte(f"{kind}_lately")
        ways.append(
            Tag.id.in_(
                select(RecordTag.tag_id).where(
                    RecordTag.kind == kind, RecordTag.record_id.in_(select(lately.c.id))
                )
            )
        )
    return or_(*ways)


def _sees_most(actor: Actor, kind: str) -> bool:
    default: Level | None = getattr(actor, f"default_{kind}_level", None)
    return not actor.sees_portfolio_only and default is not None and default >= Level.READ
