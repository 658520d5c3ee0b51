"""How a statement asks whether a partner's role is a member of the portal."""

from typing import Any

from sqlalchemy import ColumnElement, String, Text, cast, literal

from app.identity.models import Organisation


def is_member(role: Any) -> ColumnElement[bool]:
    """That the role is a member of the portal; the statement has the row of the organisation.

    The list is asked as the text it is kept as, in which every role stands in quotes: both databases can.
    """
    quoted = literal('"') + cast(role, String) + literal('"')
    return cast(Organisation.portal_roles, Text).contains(quoted)
