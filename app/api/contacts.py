"""/contacts."""

from typing import Any

from flask import Response, jsonify
from sqlalchemy.orm import Session

from app.accounts.contact_operations import create_contact, delete_contact, edit_contact
from app.accounts.filters import parse_contact_query
from app.accounts.queries import get_contact, list_contacts
from app.api.account_json import contacts_json
from app.api.accounts import given_values
from app.api.answers import check_version, expects_version, list_arguments, no_content, record_answer
from app.api.routes import Area
from app.api.schemas.accounts import Contact, ContactChanges, ContactList, NewContact
from app.api.schemas.common import list_query
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.web.access import current_actor, needs

area = Area("Contacts", "People at accounts; without an account they are private to their owner.")
ContactQuery = list_query("ContactQuery", default="-created_at")


@area.get("/contacts", "List contacts", {200: ContactList}, query=ContactQuery)
@needs(Permission.CONTACT_VIEW)
def list_contacts_seen() -> Response:
    """Fields that an administrator added are filters too: c_name, and of numbers and days c_name_from and c_name_to."""
    limit, cursor, sort, given = list_arguments()
    session, actor = db.session(), current_actor()
    query = parse_contact_query(session, actor, given, sort)
    page = list_contacts(session, actor, query, cursor=cursor, limit=limit)
    items = contacts_json(session, actor, [row.contact for row in page.items])
    return jsonify(items=items, next_cursor=page.older)


@area.post("/contacts", "Make a contact", {201: Contact})
@needs(Permission.CONTACT_EDIT)
def new_contact(body: NewContact) -> Response:
    """One that is probably there already is refused (409 probable-duplicate) unless that is allowed."""
    with transaction() as session:
        actor = current_actor()
        contact = create_contact(
            session, actor, given_values(body), allow_duplicate=body.allow_duplicate, now=clock.now()
        )
        answer = contacts_json(session, actor, [contact])[0]
    return record_answer(answer, 201)


@area.get("/contacts/<contact_id>", "Read a contact", {200: Contact})
@needs(Permission.CONTACT_VIEW)
def read_contact(contact_id: str) -> Response:
    return record_answer(contact_json(db.session(), current_actor(), contact_id))


@area.patch("/contacts/<contact_id>", "Change a contact", {200: Contact})
@needs(Permission.CONTACT_EDIT)
def change_contact(contact_id: str, body: ContactChanges) -> Response:
    """Its owner, channel managers and administrators change the owner."""
    with transaction() as session:
        actor = current_actor()
        check_contact_version(session, actor, contact_id)
        contact = edit_contact(
            session,
            actor,
            contact_id,
            given_values(body),
            allow_duplicate=body.allow_duplicate,
            now=clock.now(),
        )
        # Whoever gives it away is answered all the same.
        answer = contacts_json(session, actor, [contact])[0]
    return record_answer(answer)


@area.delete("/contacts/<contact_id>", "Delete a contact")
@needs(Permission.CONTACT_EDIT)
def remove_contact(contact_id: str) -> Response:
    """One that is a partner user is refused (409 in-use)."""
    with transaction() as session:
        actor = current_actor()
        check_contact_version(session, actor, contact_id)
        delete_contact(session, actor, contact_id, now=clock.now())
    return no_content()


def contact_json(session: Session, actor: Actor, contact_id: str) -> dict[str, Any]:
    """One contact.  Raises NotFound."""
    return contacts_json(session, actor, [get_contact(session, actor, contact_id)])[0]


def check_contact_version(session: Session, actor: Actor, contact_id: str) -> None:
    """Raises Stale when the call began from another version than the present one, NotFound."""
    if expects_version():
        get_contact(session, actor, contact_id, for_update=True)
        check_version(lambda: contact_json(session, actor, contact_id))
