"""The statuses of cases that an administrator keeps."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.cases.models import Case, CaseCategory, CaseStatus
from app.kernel.actor import Actor, Permission
from app.kernel.errors import InUse, Invalid
from app.registries.operations import Registry
from app.sharing.scope import scope

# Whether a status is in use does not depend on who asks.
_COUNTING = Actor.system("registries")


def _read_category(value: Any) -> CaseCategory:
    if value not in set(CaseCategory):
        raise Invalid({"category": [_l("A status is open or closed.")]})
    return CaseCategory(value)


def _cases_of(status: CaseStatus) -> Select[Any]:
    return select(Case.id).where(scope(Case, _COUNTING), Case.status_id == status.id)


def _check(session: Session, status: CaseStatus, changed: Mapping[str, Any]) -> None:
    """One of each category must be left, and cases must not open or close by a change of the list."""
    category = changed.get("category", status.category)
    if status.is_active and (changed.get("is_active") is False or category is not status.category):
        others = session.scalar(
            select(func.count()).where(
                CaseStatus.category == status.category, CaseStatus.is_active, CaseStatus.id != status.id
            )
        )
        if not others:
            raise InUse(_l("One open and one closed status must be left."))
    if category is not status.category and session.scalar(_cases_of(status).limit(1)) is not None:
        raise InUse(
            _l("Cases have “%(name)s”: it can neither open nor close them. Add another.", name=status.name)
        )


STATUSES = Registry(
    "case_statuses",
    CaseStatus,
    Permission.SETTING_MANAGE,
    _cases_of,
    {"category": _read_category},
    _check,
    has_key=True,
)
