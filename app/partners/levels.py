"""The partner levels that an administrator keeps, lowest first."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.errors import Invalid
from app.partners.models import PartnerAccount, PartnerLevel
from app.registries.operations import Registry
from app.sharing.models import GroupMember, ManualShare, Principal, SharingRule
from app.sharing.scope import scope

# Whoever keeps the levels is told which partners have one, whichever accounts they see in their lists.
_NAMING = Actor.system("partners of a level")

LONGEST_MINUTES = 60 * 24 * 365
LONGEST_HOURS = 24 * 365


def _minutes(value: Any) -> int | None:
    """How long a partner of the level has to answer an offer; None leaves it to the queue or rule."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST_MINUTES:
        raise Invalid(
            {"accept_within_minutes": [_l("Give whole minutes, one or more; leave it empty for none.")]}
        )
    return value


def _hours(value: Any) -> int | None:
    """In how many hours a partner of the level does something on what they took; None leaves them all the time."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST_HOURS:
        raise Invalid({"touch_within_hours": [_l("Give whole hours, one or more; leave it empty for none.")]})
    return value


NAMED = 3


def _name_uses(session: Session, level: PartnerLevel) -> str:
    """The partners that have the level, and how many groups, rules and shares name it; "" for none."""
    having = (
        select(Account.name)
        .join(PartnerAccount, PartnerAccount.account_id == Account.id)
        .where(scope(Account, _NAMING), PartnerAccount.level_id == level.id)
        .order_by(Account.name_fold, Account.id)
    )
    names = list(session.scalars(having.limit(NAMED + 1)))
    said = names[:NAMED]
    if len(names) > NAMED:
        total = session.scalar(
            select(func.count()).where(PartnerAccount.level_id == level.id).select_from(PartnerAccount)
        )
        said.append(_("%(number)s more", number=(total or 0) - NAMED))
    shared = _count_sharing(session, level)
    if shared:
        said.append(
            ngettext(
                "%(num)s group, sharing rule or share", "%(num)s groups, sharing rules or shares", shared
            )
        )
    return ", ".join(said)


def _count_sharing(session: Session, level: PartnerLevel) -> int:
    key = select(Principal.id).where(Principal.key == f"partner_level:{level.id}").scalar_subquery()
    by_rule = or_(SharingRule.share_with_id == key, SharingRule.owned_by_id == key)
    parts = (
        select(GroupMember.id).where(GroupMember.principal_id == key),
        select(SharingRule.id).where(by_rule, SharingRule.deleted_at.is_(None)),
        select(ManualShare.id).where(ManualShare.principal_id == key),
    )
    return sum(session.scalar(select(func.count()).select_from(part.subquery())) or 0 for part in parts)


LEVELS = Registry(
    "partner_levels",
    PartnerLevel,
    Permission.SETTING_MANAGE,
    lambda level: select(PartnerAccount.account_id).where(PartnerAccount.level_id == level.id),
    {"accept_within_minutes": _minutes, "touch_within_hours": _hours},
    ref_kind=refs.LEVEL,
    can_retire=False,
    name_uses=_name_uses,
)
