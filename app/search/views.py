"""Search over leads, accounts and contacts, as far as the person may read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.accounts.filters import parse_account_query, parse_contact_query
from app.accounts.queries import list_accounts, list_contacts
from app.kernel import labels
from app.kernel.actor import Actor, Permission
from app.kernel.db import db
from app.kernel.errors import Invalid
from app.kernel.text import clean_text
from app.leads.choices import first_names
from app.leads.filters import parse_lead_query
from app.leads.queries import list_leads
from app.web.access import current_actor, needs

bp = Blueprint("search", __name__)

SHOWN = 10
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one kind.  all_url: the list with everything, "" where all of it is shown."""

    kind: str
    title: str
    icon: str
    rows: Sequence[Any]
    all_url: str


@bp.get("/search")
@needs(Permission.LEAD_VIEW)
def results() -> ResponseReturnValue:
    """What begins with the text, by kind, at most ten of each."""
    text, complaint = _text()
    groups = _groups(db.session(), current_actor(), text) if text else []
    page = render_template(
        "search/results.html", text=text, complaint=complaint, groups=groups, status_words=first_names()
    )
    return page, 422 if complaint else 200


def _text() -> tuple[str, str]:
    """What is searched for, and what is wrong with it."""
    try:
        return clean_text(request.args.get("q"), max_length=LONGEST, field="q") or "", ""
    except Invalid as error:
        return "", " ".join(str(message) for message in error.errors["q"])


def _groups(session: Session, actor: Actor, text: str) -> list[Group]:
    """A constant number of statements; kinds that the role does not see are left out."""
    given = {"q": [text]}
    leads = list_leads(session, actor, parse_lead_query(actor, given), limit=SHOWN)
    groups = [_group("lead", "target", leads, url_for("leads.index", q=text))]
    if actor.can(Permission.ACCOUNT_VIEW):
        query = parse_account_query(session, actor, given)
        accounts = list_accounts(session, actor, query, limit=SHOWN)
        groups.append(_group("account", "building", accounts, url_for("accounts.index", q=text)))
    if actor.can(Permission.CONTACT_VIEW):
        query = parse_contact_query(session, actor, given)
        contacts = list_contacts(session, actor, query, limit=SHOWN)
        groups.append(_group("contact", "contact", contacts, url_for("contacts.index", q=text)))
    return [group for group in groups if group.rows]


def _group(kind: str, icon: str, page: Any, all_url: str) -> Group:
    return Group(kind, labels.many(kind, title=True), icon, page.items, all_url if page.older else "")
