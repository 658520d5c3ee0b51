"""Whether what sharing rules have stored is what they say: everything computed anew and compared."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.sharing.conversions import highest
from app.sharing.grant_sets import Sets, ready
from app.sharing.granting import BATCH, COMPUTING, wanted_grants
from app.sharing.models import (
    ConversionGrant,
    GrantSet,
    GrantSetState,
    ManualShare,
    SharingGrant,
    SharingRule,
)
from app.sharing.scope import scope
from app.sharing.subjects import SUBJECTS


def differences(session: Session) -> Iterator[str]:
    """Each difference between the grants in force and what rules and shares by hand say, in words."""
    for object_ in SUBJECTS:
        rows = session.scalars(
            select(GrantSet).where(
                GrantSet.object == object_,
                GrantSet.rule_id.is_not(None),
                GrantSet.state == GrantSetState.ACTIVE,
            )
        ).all()
        if rows:
            rules = select(GrantSet.id, SharingRule.ref).join(SharingRule, SharingRule.id == GrantSet.rule_id)
            named = session.execute(rules.where(GrantSet.id.in_([row.id for row in rows])))
            names = {row[0]: row[1] for row in named}
            yield from _of_rules(session, object_, Sets(ready(row) for row in rows), names)
        yield from _of_shares(session, object_)
        yield from _of_conversions(session, object_)


def _of_rules(session: Session, object_: str, sets: Sets, names: dict[int, str]) -> Iterator[str]:
    subject, reached = SUBJECTS[object_], 0
    model = subject.model
    while True:
        ids = session.scalars(
            select(model.id)
            .where(scope(model, COMPUTING), model.id > reached)
            .order_by(model.id)
            .limit(BATCH)
        ).all()
        if not ids:
            return
        wanted = {
            key: (grant["principal_id"], grant["level"], grant["record_created_at"])
            for key, grant in wanted_grants(session, subject, ids, sets).items()
        }
        stored = {
            (row.set_id, row.record_id): (row.principal_id, row.level, row.record_created_at)
            for row in session.execute(
                select(
                    SharingGrant.set_id,
                    SharingGrant.record_id,
                    SharingGrant.principal_id,
                    SharingGrant.level,
                    SharingGrant.record_created_at,
                ).where(
                    SharingGrant.object == object_,
                    SharingGrant.set_id.in_(sets.ids),
                    SharingGrant.record_id > reached,
                    SharingGrant.record_id <= ids[-1],
                )
            )
        }
        for key in sorted(wanted.keys() | stored.keys()):
            if wanted.get(key) != stored.get(key):
                what = (
                    "is missing" if key not in stored else "is too much" if key not in wanted else "is wrong"
                )
                yield f"{object_} {key[1]}: the grant of rule {names[key[0]]} {what}"
        reached = ids[-1]


def _of_shares(session: Session, object_: str) -> Iterator[str]:
    """A share by hand that stands has one grant of its level and end; nothing else has one."""
    shared = {
        (share.record_id, share.principal_id): (share.level, share.until)
        for share in session.scalars(
            select(ManualShare).where(ManualShare.object == object_, ManualShare.ended_at.is_(None))
        )
    }
    stored = {
        (row.record_id, row.principal_id): (row.level, row.until)
        for row in session.scalars(
            select(SharingGrant)
            .join(GrantSet, GrantSet.id == SharingGrant.set_id)
            .where(
                SharingGrant.object == object_, GrantSet.rule_id.is_(None), GrantSet.is_conversion.is_(False)
            )
        )
    }
    for key in sorted(shared.keys() | stored.keys()):
        if shared.get(key) != stored.get(key):
            yield f"{object_} {key[0]}: what is shared by hand with principal {key[1]} is not what is granted"


def _of_conversions(session: Session, object_: str) -> Iterator[str]:
    """What conversions give of a record is listed, and the highest of it is granted; nothing else is."""
    listed: dict[int, list[ConversionGrant]] = {}
    for row in session.scalars(select(ConversionGrant).where(ConversionGrant.object == object_)):
        listed.setdefault(row.record_id, []).append(row)
    wanted = {
        (record, principal): given
        for record, rows in listed.items()
        for principal, given in highest(rows).items()
    }
    stored = {
        (row.record_id, row.principal_id): (row.level, row.until)
        for row in session.scalars(
            select(SharingGrant)
            .join(GrantSet, GrantSet.id == SharingGrant.set_id)
            .where(SharingGrant.object == object_, GrantSet.is_conversion)
        )
    }
    for key in sorted(wanted.keys() | stored.keys()):
        if wanted.get(key) != stored.get(key):
            yield f"{object_} {key[0]}: what conversions give to principal {key[1]} is not what is granted"
