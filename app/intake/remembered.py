"""What somebody chose for the columns of a file, offered to them when a file has the same columns again."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.intake.manner import checked_manner
from app.intake.models import RememberedColumns
from app.intake.takers import fields_of
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.kernel.fold import fold

# Of one person; what was chosen longest ago is forgotten.
MOST = 100
CHOICES = ("match", "mode", "clears", "source")


def remember(
    session: Session,
    actor: Actor,
    kind: str,
    mapping: Mapping[str, str | None],
    options: Mapping[str, Any],
    *,
    now: datetime,
) -> None:
    """Keep what was chosen, in place of what was chosen for the same columns before.  Does not commit."""
    if actor.user_id is None:
        return
    chosen = {
        "mapping": {fold(header): name for header, name in mapping.items()},
        **{name: options[name] for name in CHOICES if options.get(name)},
    }
    kept = _find(session, actor, kind, list(mapping))
    if kept is not None:
        kept.chosen, kept.chosen_at = chosen, now
        return
    session.add(
        RememberedColumns(
            user_id=actor.user_id, object=kind, headers=_digest(list(mapping)), chosen=chosen, chosen_at=now
        )
    )
    session.flush()
    mine = select(RememberedColumns.id).where(RememberedColumns.user_id == actor.user_id)
    oldest = mine.order_by(RememberedColumns.chosen_at.desc(), RememberedColumns.id.desc()).offset(MOST)
    for key in session.scalars(oldest.limit(MOST)).all():
        session.execute(delete(RememberedColumns).where(RememberedColumns.id == key))


def find_remembered(
    session: Session, actor: Actor, kind: str, headers: Sequence[str]
) -> tuple[dict[str, str | None], dict[str, Any], datetime] | None:
    """(header → field, other choices, when) that the person chose for these columns.

    A field that is not there any more is left out.
    """
    kept = _find(session, actor, kind, headers)
    if kept is None:
        return None
    known, chosen = fields_of(kind), kept.chosen
    by_header = chosen.get("mapping", {})
    mapping = {header: name if (name := by_header.get(fold(header))) in known else None for header in headers}
    if not any(mapping.values()):
        return None
    choices = {name: chosen[name] for name in CHOICES if name in chosen}
    try:
        checked_manner(kind, choices, set(mapping.values()))
    except Invalid:
        choices = {}
    return mapping, choices, kept.chosen_at


def forget(session: Session, actor: Actor, kind: str, headers: Sequence[str]) -> None:
    """Offer it no more.  Does not commit."""
    kept = _find(session, actor, kind, headers)
    if kept is not None:
        session.delete(kept)


def _find(session: Session, actor: Actor, kind: str, headers: Sequence[str]) -> RememberedColumns | None:
    return session.scalar(
        select(RememberedColumns).where(
            RememberedColumns.user_id == actor.user_id,
            RememberedColumns.object == kind,
            RememberedColumns.headers == _digest(headers),
        )
    )


def _digest(headers: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(sorted(fold(header) for header in headers)).encode()).hexdigest()
