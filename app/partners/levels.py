"""The partner levels that an administrator keeps, lowest first."""

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.kernel import refs
from app.kernel.actor import Permission
from app.kernel.errors import Invalid
from app.leads.registries import Registry
from app.partners.models import PartnerAccount, PartnerLevel

LONGEST_MINUTES = 60 * 24 * 365


def _minutes(value: Any) -> int | None:
    """How long a partner of the level has to answer an offer; None leaves it to the queue or rule."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST_MINUTES:
        raise Invalid(
            {"accept_within_minutes": [_l("Give whole minutes, one or more; leave it empty for none.")]}
        )
    return value


LEVELS = Registry(
    "partner_levels",
    PartnerLevel,
    Permission.SETTING_MANAGE,
    lambda level: select(PartnerAccount.account_id).where(PartnerAccount.level_id == level.id),
    {"accept_within_minutes": _minutes},
    ref_kind=refs.LEVEL,
    can_retire=False,
)
