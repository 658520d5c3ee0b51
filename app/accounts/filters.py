"""What lists of accounts and contacts can be narrowed to beyond comparing a field with a value; what they are sorted by.

Here are the search, segments, and names and numbers that an index of their own answers; everything else is a
field of `list_fields`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.models import Account, Contact
from app.accounts.relations.segments import ACCOUNT_SEGMENTS, CONTACT_SEGMENTS
from app.kernel.actor import Actor
from app.kernel.fold import email_key, fold, phone_key
from app.lists.catalogue import objects
from app.lists.query import ListQuery, parse_list
from app.lists.simple import Condition, Make, keyed
from app.search.narrowing import found_by

ACCOUNT_SORTS: dict[str, InstrumentedAttribute[Any]] = {
    "name": Account.name_fold,
    "created_at": Account.created_at,
    "updated_at": Account.updated_at,
}
CONTACT_SORTS: dict[str, InstrumentedAttribute[Any]] = {
    "last_name": Contact.last_name_fold,
    "created_at": Contact.created_at,
    "updated_at": Contact.updated_at,
}


def _searched(model: Any) -> Make:
    def make(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
        return and_(*(found_by(session, actor, model, value.strip()) for value in values))

    return make


def _has_account(_session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
    is_private = values[0] in ("true", "yes", "1")
    return Contact.account_id.is_(None) if is_private else Contact.account_id.is_not(None)


ACCOUNT_FILTERS: dict[str, Make] = {
    "q": _searched(Account),
    "name": keyed(Account.name_fold, fold),
    "external_id": keyed(Account.external_id),
    "phone": keyed(Account.phone_key, phone_key),
    **ACCOUNT_SEGMENTS,
}
CONTACT_FILTERS: dict[str, Make] = {
    "q": _searched(Contact),
    "private": _has_account,
    "last_name": keyed(Contact.last_name_fold, fold),
    "email": keyed(Contact.email_key, email_key),
    "phone": keyed(Contact.phone_key, phone_key),
    "external_id": keyed(Contact.external_id),
    **CONTACT_SEGMENTS,
}


def parse_account_query(
    session: Session, actor: Actor, given: Mapping[str, Sequence[str]], sort: str | None = None
) -> ListQuery:
    """All accounts that filters let through, newest first unless `sort` says otherwise.  Raises Invalid."""
    return _parsed(session, actor, "account", given, sort)


def parse_contact_query(
    session: Session, actor: Actor, given: Mapping[str, Sequence[str]], sort: str | None = None
) -> ListQuery:
    """All contacts that filters let through, newest first unless `sort` says otherwise.  Raises Invalid."""
    return _parsed(session, actor, "contact", given, sort)


def _parsed(
    session: Session, actor: Actor, name: str, given: Mapping[str, Sequence[str]], sort: str | None
) -> ListQuery:
    return parse_list(session, actor, objects()[name], given, sort=sort or "-created_at", with_left_out=True)
