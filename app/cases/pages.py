"""What the pages of cases share: who is meant by what is typed, forms filled from records, what a refusal shows."""

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.changes import StaleEdit
from app.accounts.filters import parse_contact_query
from app.accounts.models import Account, Contact
from app.accounts.pages import MOST_OFFERED, Difference, fill_pickers
from app.accounts.queries import find_names, get_account, list_contacts
from app.cases.fields import CASE_FIELDS, CHOICES, status_name
from app.cases.forms import CaseForm
from app.cases.queries import CaseDetail, list_statuses
from app.kernel import refs
from app.kernel.actor import Actor, Level
from app.kernel.errors import Invalid
from app.kernel.fold import fold
from app.kernel.text import clean_text
from app.sharing.scope import scope

LONGEST_NAME = 120


def fill_parties(session: Session, actor: Actor, form: CaseForm, given: dict[str, Any]) -> dict[str, Any]:
    """`given` with public names for the contact and the account that were typed.

    Raises Invalid where a text names nobody, or several; `form.offers` then lists those it may mean.
    """
    errors: dict[str, list[Any]] = {}
    try:
        given = fill_pickers(session, actor, form, given)
    except Invalid as error:
        errors |= error.errors
    text = clean_text(given.get("contact_id"), field="contact_id") or ""
    given["contact_id"] = None
    if text:
        account_ref = given.get("account_id") if "account_id" not in errors else None
        account = get_account(session, actor, account_ref) if account_ref else None
        found = contacts_meant(
            session, actor, text, form.picked("contact_id"), account.id if account else None
        )
        given["contact_id"] = found[0][0] if len(found) == 1 else None
        if not found:
            errors["contact_id"] = [_("There is no contact called “%(text)s”.", text=text[:60])]
        elif len(found) > 1:
            errors["contact_id"] = [_("Several contacts can be meant. Choose one.")]
            form.offers["contact_id"] = found
    if errors:
        raise Invalid(errors)
    return given


def contacts_meant(
    session: Session, actor: Actor, text: str, picked: str, account_id: int | None
) -> list[tuple[str, str]]:
    """(public name, name) of the contacts that the text can mean: those of exactly that name, else beginning so.

    Of several, those of the account that was chosen too come first.
    """
    if refs.is_ref(refs.CONTACT, text):
        return [(text, text)]
    found = [row.contact for row in _beginning(session, actor, text)]
    exact = [contact for contact in found if fold(contact.full_name) == fold(text)]
    found = exact or found
    if len(found) > 1 and account_id is not None:
        found = [contact for contact in found if contact.account_id == account_id] or found
    places = _accounts_of(session, actor, found)
    offered = [
        (contact.ref, " · ".join(filter(None, (contact.full_name, contact.title, places.get(contact.account_id or 0)))))
        for contact in found[:MOST_OFFERED]
    ]  # fmt: skip
    chosen = [offer for offer in offered if offer[0] == picked]
    if not chosen and picked:  # of many with that name it may be one that is not among the first
        names = find_names(session, actor, [picked])
        chosen = [(ref, name) for ref, name in names.items() if fold(name) == fold(text)]
    return chosen or offered


def _beginning(session: Session, actor: Actor, text: str) -> Any:
    query = parse_contact_query(session, actor, {"q": [text[:LONGEST_NAME]]}, "last_name")
    return list_contacts(session, actor, query, limit=50).items


def _accounts_of(session: Session, actor: Actor, contacts: list[Contact]) -> dict[int, str]:
    keys = {contact.account_id for contact in contacts if contact.account_id is not None}
    if not keys:
        return {}
    rows = session.execute(
        select(Account.id, Account.name).where(scope(Account, actor, Level.READ), Account.id.in_(keys))
    )
    return {key: name for key, name in rows}  # noqa: C416 - rows are no pairs to mypy


def suggest_contacts(session: Session, actor: Actor, text: str) -> list[Any]:
    """Rows of the contacts that somebody may mean who types this, the first few."""
    return list(_beginning(session, actor, text))[:8] if text.strip() else []


def form_data(detail: CaseDetail) -> dict[str, Any]:
    """What a form of the case starts with."""
    case = detail.case
    return {
        "version": case.version,
        "subject": case.subject,
        "contact_id": detail.contact.full_name if detail.contact else "",
        "contact_id_ref": detail.contact.ref if detail.contact else "",
        "account_id": detail.account.name if detail.account else "",
        "account_id_ref": detail.account.ref if detail.account else "",
        "status": detail.status.key,
        "priority": case.priority,
        "type": case.type or "",
        "origin": case.origin or "",
        "owner": detail.owner.ref,
        "description": case.description or "",
        "external_id": case.external_id or "",
    }


def show_differences(
    session: Session, form: CaseForm, detail: CaseDetail, error: StaleEdit
) -> list[Difference]:
    """Take over what others changed in fields that the edit left alone; the rest as yours and now.

    The form goes on from the present version, so that saving again means it.
    """
    form.version.data = str(error.version)
    now = form_data(detail)
    statuses = list_statuses(session)
    differences = []
    for name in error.current:
        if name not in form:
            continue
        if name in error.untouched:
            form[name].data = now[name]
            if f"{name}_ref" in now:
                form[f"{name}_ref"].data = now[f"{name}_ref"]
            continue
        label = str(CASE_FIELDS[name].label)
        yours = _shown(form, name, str(form[name].data or ""), statuses)
        differences.append(Difference(label, yours, _shown(form, name, str(now[name]), statuses)))
    return differences


def _shown(form: CaseForm, name: str, value: str, statuses: Any) -> str:
    """A value of an input as people read it."""
    if name == "owner":
        value = next((str(c.label) for c in form.owner.choices if c.value == value), value)
    elif name == "status":
        value = next((status_name(s) for s in statuses if s.key == value), value)
    elif name in CHOICES:
        value = str(CHOICES[name].get(value, value))
    return value or _("empty")
