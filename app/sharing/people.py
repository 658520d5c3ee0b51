"""Which principals people are, for many at once: what owner-based rules ask of owners."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.queries import keys_of_users
from app.sharing.models import GroupReach, Principal


def principals_of_owners(
    session: Session, user_ids: Collection[int], queue_ids: Collection[int]
) -> tuple[dict[int, frozenset[int]], dict[int, frozenset[int]]]:
    """(user → principals, queue → principals), groups included.

    A lead that waits in a queue is owned by that queue; that somebody belongs to the queue makes them no
    owner of what waits there, so that people have no queues here.
    """
    by_user = keys_of_users(session, user_ids) if user_ids else {}
    by_queue = {key: [f"queue:{key}"] for key in queue_ids}
    reach = _reach(session, {key for keys in (*by_user.values(), *by_queue.values()) for key in keys})
    return (
        {user: frozenset().union(*(reach.get(key, ()) for key in keys)) for user, keys in by_user.items()},
        {queue: frozenset().union(*(reach.get(key, ()) for key in keys)) for queue, keys in by_queue.items()},
    )


def _reach(session: Session, keys: Collection[str]) -> dict[str, set[int]]:
    """Key → its principal and every group that one is in; keys that nobody refers to are absent."""
    known = session.execute(select(Principal.key, Principal.id).where(Principal.key.in_(keys))).all()
    groups: dict[int, set[int]] = {}
    for member, group in session.execute(
        select(GroupReach.member_principal_id, GroupReach.group_principal_id).where(
            GroupReach.member_principal_id.in_([key_id for _key, key_id in known])
        )
    ):
        groups.setdefault(member, set()).add(group)
    return {key: {key_id, *groups.get(key_id, ())} for key, key_id in known}
