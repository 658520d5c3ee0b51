"""What somebody viewed or made lately, for the empty search box and the home page."""

from collections.abc import Callable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.lists.models import RecentRecord
from app.search.queries import Hit, account_hits, campaign_hits, contact_hits, lead_hits


def recent_hits(session: Session, actor: Actor, *, limit: int) -> list[Hit]:
    """The last records that the actor viewed and may still read, the last first."""
    rows = session.execute(
        select(RecentRecord.kind, RecentRecord.record_id)
        .where(RecentRecord.user_id == actor.user_id, RecentRecord.kind.in_(_FINDERS))
        .order_by(RecentRecord.at.desc())
        .limit(limit)
    ).all()
    ids: dict[str, list[int]] = {}
    for kind, key in rows:
        ids.setdefault(kind, []).append(key)
    hits = {
        (kind, hit.key): hit for kind, keys in ids.items() for hit in _FINDERS[kind](session, actor, keys)
    }
    return [hits[row.kind, row.record_id] for row in rows if (row.kind, row.record_id) in hits]


Finder = Callable[[Session, Actor, Sequence[int]], Sequence[Hit]]
_FINDERS: dict[str, Finder] = {
    "account": account_hits,
    "contact": contact_hits,
    "lead": lead_hits,
    "campaign": campaign_hits,
}


def add_recent(kind: str, find: Finder) -> None:
    """Let another kind of record be among what was viewed.  find: those of the keys that the actor may read."""
    _FINDERS[kind] = find
