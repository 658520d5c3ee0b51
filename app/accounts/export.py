"""A list of accounts or contacts as a CSV file, streamed while it is read.

Only what the person may read goes in; that it was taken out is on record before the first row leaves.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from app.accounts.fields import ACCOUNT_FIELDS, CONTACT_FIELDS, Field, FieldKind
from app.accounts.filters import ListQuery, parse_account_query, parse_contact_query
from app.accounts.queries import AccountRow, ContactRow, list_accounts, list_contacts
from app.events.operations import record
from app.identity.models import User
from app.intake.neutralise import neutralise
from app.kernel.actor import Actor, Permission
from app.kernel.db import transaction
from app.kernel.paging import Page
from app.web.streams import stream_csv

ROWS_A_ROUND = 200
_BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take UTF-8 for something else

Given = Mapping[str, Sequence[str]]


def stream_accounts(actor: Actor, given: Given, sort: str, *, now: datetime) -> Response:
    """The accounts of a list.  Raises NotAllowed, Invalid."""
    query = _begin(actor, "account", given, sort, parse_account_query, now)

    def pages(session: Session, cursor: str | None) -> Page[AccountRow]:
        return list_accounts(session, actor, query, cursor=cursor, limit=ROWS_A_ROUND)

    def row(found: AccountRow) -> list[Any]:
        account = found.account
        return [account.ref, account.kind, account.name if account.kind == "person" else ""] + [
            found.owner.name if field.kind is FieldKind.USER else getattr(account, field.attribute)
            for field in _columns(ACCOUNT_FIELDS)
        ]

    return _answer("accounts.csv", ["id", "kind", "display_name"], ACCOUNT_FIELDS, pages, row)


def stream_contacts(actor: Actor, given: Given, sort: str, *, now: datetime) -> Response:
    """The contacts of a list.  Raises NotAllowed, Invalid."""
    query = _begin(actor, "contact", given, sort, parse_contact_query, now)

    def pages(session: Session, cursor: str | None) -> Page[ContactRow]:
        return list_contacts(session, actor, query, cursor=cursor, limit=ROWS_A_ROUND)

    def row(found: ContactRow) -> list[Any]:
        contact = found.contact
        return [contact.ref, found.account_name] + [
            found.owner.name if field.kind is FieldKind.USER else getattr(contact, field.attribute)
            for field in _columns(CONTACT_FIELDS)
        ]

    return _answer("contacts.csv", ["id", "account"], CONTACT_FIELDS, pages, row)


def _columns(fields: Mapping[str, Field]) -> list[Field]:
    """Fields that a cell can hold; keys of other records are none of them."""
    return [field for field in fields.values() if field.kind not in (FieldKind.ACCOUNT, FieldKind.CONTACT)]


def _begin(
    actor: Actor,
    what: str,
    given: Given,
    sort: str,
    parse: Callable[[Session, Actor, Given, str], ListQuery],
    now: datetime,
) -> ListQuery:
    """Check the list that is asked for, and put on record that it is taken out."""
    actor.require(Permission.ACCOUNT_EXPORT)
    with transaction() as session:
        query = parse(session, actor, given, sort)
        user = session.get_one(User, actor.user_id)
        detail = {"object": what, "filter": {name: list(values) for name, values in query.given.items()}}
        record(session, actor, verb="exported", subject=user, at=now, detail=detail)
    return query


def _answer(
    filename: str,
    head: list[str],
    fields: Mapping[str, Field],
    pages: Callable[[Session, str | None], Page[Any]],
    row: Callable[[Any], list[Any]],
) -> Response:
    def lines(session: Session) -> Iterator[str]:
        yield _BYTE_ORDER_MARK + _line([*head, *(field.name for field in _columns(fields))])
        cursor: str | None = None
        while True:
            page = pages(session, cursor)
            yield "".join(_line(row(found)) for found in page.items)
            session.expunge_all()  # so that memory stays flat however long the list is
            cursor = page.older
            if cursor is None:
                return

    return stream_csv(filename, lines)


def _line(cells: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(["" if cell is None else neutralise(str(cell)) for cell in cells])
    return text.getvalue()
