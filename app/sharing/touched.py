"""Which records a transaction has changed, for the grants of sharing rules to be brought up to date before it commits."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

TOUCHED = "touched"
WORKED_ON = "worked_on"


def touch(session: Session, object_: str, ids: Iterable[int]) -> None:
    """Note that these records are new or changed.

    For statements that the session cannot see through; what it flushes itself it notes by itself.
    """
    session.info.setdefault(TOUCHED, {}).setdefault(object_, set()).update(ids)


def note_work(session: Session, object_: str, ids: Iterable[int]) -> None:
    """Note that something was done on these records, which changed nothing but the moment of the last activity."""
    session.info.setdefault(WORKED_ON, {}).setdefault(object_, set()).update(ids)
