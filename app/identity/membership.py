"""How a statement asks whether a partner's role is a member of the portal."""

from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, String, Text, cast, literal, select, union_all

from app.identity.models import Organisation
from app.kernel.actor import PARTNER_ROLES


def is_member(role: Any) -> ColumnElement[bool]:
    """That the role is a member of the portal; the statement has the row of the organisation.

    The list is asked as the text it is kept as, in which every role stands in quotes: both databases can.
    """
    quoted = literal('"') + cast(role, String) + literal('"')
    return cast(Organisation.portal_roles, Text).contains(quoted)


def roles_kept_out() -> CompoundSelect[*tuple[Any, ...]]:
    """The partner roles that are no members, as a subquery that is asked once however many people there are."""
    asked = (
        select(cast(literal(role.value), String))
        .select_from(Organisation)
        .where(~is_member(literal(role.value)))
        for role in PARTNER_ROLES
    )
    return union_all(*asked)
