"""What hangs on accounts, for tests: areas, interests, characteristics, relationships, responsibles."""

from typing import Any

from sqlalchemy import select

from app.accounts.models import AccountResponsible
from app.accounts.relations.models import (
    AccountCharacteristic,
    AccountInterest,
    AccountRelationship,
    CharacteristicType,
    InterestArea,
    RelationshipReason,
)
from app.kernel import clock, refs
from app.kernel.fold import fold


def _add(session, row: Any) -> Any:
    session.add(row)
    session.flush()
    return row


def make_area(session, name, *, below=None):
    return _add(
        session,
        InterestArea(ref=refs.new_ref(refs.ITEM), name=name, parent_id=below.id if below else None),
    )


def make_type(session, name, *allowed):
    return _add(session, CharacteristicType(ref=refs.new_ref(refs.ITEM), name=name, allowed=list(allowed)))


def reason_named(session, name):
    return session.scalars(select(RelationshipReason).where(RelationshipReason.name == name)).one()


def relate(session, account, other, reason="Supplier of", **more):
    if (found := reason_named(session, reason)).is_symmetric and account.id > other.id:
        account, other = other, account
    return _add(
        session,
        AccountRelationship(
            ref=refs.new_ref(refs.RELATIONSHIP),
            account_id=account.id,
            other_id=other.id,
            reason_id=found.id,
            created_at=clock.now(),
            **more,
        ),
    )


def interest(session, account, area, *, is_interested=True, **more):
    values = {"noted_at": clock.now(), "is_interested": is_interested, **more}
    return _add(
        session,
        AccountInterest(ref=refs.new_ref(refs.INTEREST), account_id=account.id, area_id=area.id, **values),
    )


def characterise(session, account, type_, value):
    return _add(
        session,
        AccountCharacteristic(
            ref=refs.new_ref(refs.CHARACTERISTIC),
            account_id=account.id,
            type_id=type_.id,
            value=value,
            value_fold=fold(value, 120),
            created_at=clock.now(),
        ),
    )


def make_answerable(session, account, user, role=""):
    return _add(
        session,
        AccountResponsible(
            ref=refs.new_ref(refs.MEMBER),
            account_id=account.id,
            user_id=user.id,
            role=role,
            created_at=clock.now(),
        ),
    )
