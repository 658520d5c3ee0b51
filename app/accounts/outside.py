"""The pages of an account and of a contact as partner people see them: made of what `sight` tells, and of nothing else.

Beside it stands what has a rule of its own for each of its rows: contacts, opportunities, documents, and of the
timeline what the own company did.
"""

from typing import Any

from flask import render_template
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.accounts.queries import AccountDetail, ContactDetail
from app.accounts.related import contacts_of
from app.accounts.sight import seen_values
from app.activities.facts import facts_of
from app.activities.panel import feed_of
from app.documents.panel import panel_of as documents_of
from app.fields.shown import shown_of
from app.kernel.actor import Actor, Permission
from app.opportunities.related import opportunities_of
from app.sharing.access_page import panel_of

# So many contacts are shown at once; the list has the others.
SHOWN = 6


def account_page(session: Session, actor: Actor, detail: AccountDetail) -> str:
    """The page of an account that the partner's person may read."""
    account = detail.account
    contacts = contacts_of(session, actor, account, limit=SHOWN + 1) if _reads_contacts(actor) else []
    return render_template(
        "accounts/outside.html",
        name=account.name,
        is_person=account.kind == "person",
        parent=detail.parent,
        contacts=[(contact.ref, contact.full_name, seen_values(actor, contact)) for contact in contacts],
        shown=SHOWN,
        **_common(session, actor, account),
    )


def contact_page(session: Session, actor: Actor, detail: ContactDetail) -> str:
    """The page of a contact that the partner's person may read."""
    contact, account = detail.contact, detail.account
    return render_template(
        "contacts/outside.html",
        name=contact.full_name,
        account=(account.ref, account.name) if account and actor.can(Permission.ACCOUNT_VIEW) else None,
        reports_to=detail.reports_to,
        opted_out=(contact.opted_out_email, contact.opted_out_phone),
        **_common(session, actor, contact),
    )


def _reads_contacts(actor: Actor) -> bool:
    return actor.can(Permission.CONTACT_VIEW)


def _common(session: Session, actor: Actor, record: Account | Contact) -> dict[str, Any]:
    return {
        "page_ref": record.ref,
        "seen": seen_values(actor, record),
        "opportunities": opportunities_of(session, actor, record),
        "feed": feed_of(session, actor, record),
        "facts": facts_of(session, actor, record),
        "documents": documents_of(session, actor, record),
        "own_fields": shown_of(session, actor, record.__tablename__, record.custom),
        "access": panel_of(actor, record),
        "created_at": record.created_at,
    }
