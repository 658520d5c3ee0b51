"""Documents of a record: listed, attached, taken away."""

from typing import Any

from flask import Response

from app.accounts.models import Account, Contact
from app.activities.queries import get_record
from app.api.answers import no_content
from app.api.documents import (
    FORM,
    PROBLEMS,
    TAKEN,
    DocumentQuery,
    area,
    attach,
    check_document_version,
    list_answer,
)
from app.api.schemas.documents import DocumentList
from app.cases.models import Case
from app.documents.operations import delete_document
from app.documents.queries import get_document, page_of_record
from app.documents.records import key_of
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import NotFound
from app.leads.models import Lead
from app.opportunities.models import Opportunity
from app.web.access import current_actor, needs
from app.web.uploads import takes_documents


@area.get("/leads/<lead_id>/documents", "List a lead's documents", {200: DocumentList}, query=DocumentQuery)
@needs(Permission.LEAD_VIEW)
def list_lead_documents(lead_id: str) -> Response:
    """Those that the caller sees."""
    return _list_of(Lead, lead_id)


@area.get(
    "/accounts/<account_id>/documents",
    "List an account's documents",
    {200: DocumentList},
    query=DocumentQuery,
)
@needs(Permission.ACCOUNT_VIEW)
def list_account_documents(account_id: str) -> Response:
    """Those that the caller sees."""
    return _list_of(Account, account_id)


@area.get(
    "/contacts/<contact_id>/documents", "List a contact's documents", {200: DocumentList}, query=DocumentQuery
)
@needs(Permission.CONTACT_VIEW)
def list_contact_documents(contact_id: str) -> Response:
    """Those that the caller sees."""
    return _list_of(Contact, contact_id)


@area.get(
    "/opportunities/<opportunity_id>/documents",
    "List an opportunity's documents",
    {200: DocumentList},
    query=DocumentQuery,
)
@needs(Permission.OPPORTUNITY_VIEW)
def list_opportunity_documents(opportunity_id: str) -> Response:
    """Those of the lead that it came from are here."""
    return _list_of(Opportunity, opportunity_id)


@area.get("/cases/<case_id>/documents", "List a case's documents", {200: DocumentList}, query=DocumentQuery)
@needs(Permission.CASE_VIEW)
def list_case_documents(case_id: str) -> Response:
    """Those that the caller sees."""
    return _list_of(Case, case_id)


@area.post("/leads/<lead_id>/documents", "Attach a file to a lead", TAKEN, body=FORM, problems=PROBLEMS)
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def new_lead_document(lead_id: str) -> Response:
    """By whoever may change the lead.  A file that is there already adds nothing: 200 with its document."""
    return attach(Lead, lead_id)


@area.post(
    "/accounts/<account_id>/documents", "Attach a file to an account", TAKEN, body=FORM, problems=PROBLEMS
)
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def new_account_document(account_id: str) -> Response:
    """By whoever may change the account.  A file that is there already adds nothing: 200 with its document."""
    return attach(Account, account_id)


@area.post(
    "/contacts/<contact_id>/documents", "Attach a file to a contact", TAKEN, body=FORM, problems=PROBLEMS
)
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def new_contact_document(contact_id: str) -> Response:
    """By whoever may change the contact.  A file that is there already adds nothing: 200 with its document."""
    return attach(Contact, contact_id)


@area.post(
    "/opportunities/<opportunity_id>/documents",
    "Attach a file to an opportunity",
    TAKEN,
    body=FORM,
    problems=PROBLEMS,
)
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def new_opportunity_document(opportunity_id: str) -> Response:
    """By whoever may change the opportunity.  A file that is there already adds nothing: 200 with its document."""
    return attach(Opportunity, opportunity_id)


@area.post("/cases/<case_id>/documents", "Attach a file to a case", TAKEN, body=FORM, problems=PROBLEMS)
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def new_case_document(case_id: str) -> Response:
    """By whoever may change the case.  A file that is there already adds nothing: 200 with its document."""
    return attach(Case, case_id)


@area.delete("/leads/<lead_id>/documents/<document_id>", "Delete a lead's document")
@needs(Permission.DOCUMENT_EDIT)
def end_lead_document(lead_id: str, document_id: str) -> Response:
    """With all its versions."""
    return _delete(Lead, lead_id, document_id)


@area.delete("/accounts/<account_id>/documents/<document_id>", "Delete an account's document")
@needs(Permission.DOCUMENT_EDIT)
def end_account_document(account_id: str, document_id: str) -> Response:
    """With all its versions."""
    return _delete(Account, account_id, document_id)


@area.delete("/contacts/<contact_id>/documents/<document_id>", "Delete a contact's document")
@needs(Permission.DOCUMENT_EDIT)
def end_contact_document(contact_id: str, document_id: str) -> Response:
    """With all its versions."""
    return _delete(Contact, contact_id, document_id)


@area.delete("/opportunities/<opportunity_id>/documents/<document_id>", "Delete an opportunity's document")
@needs(Permission.DOCUMENT_EDIT)
def end_opportunity_document(opportunity_id: str, document_id: str) -> Response:
    """With all its versions."""
    return _delete(Opportunity, opportunity_id, document_id)


@area.delete("/cases/<case_id>/documents/<document_id>", "Delete a case's document")
@needs(Permission.DOCUMENT_EDIT)
def end_case_document(case_id: str, document_id: str) -> Response:
    """With all its versions."""
    return _delete(Case, case_id, document_id)


# All, and one


def _list_of(model: Any, ref: str) -> Response:
    record = get_record(db.session(), current_actor(), model, ref)
    return list_answer(
        lambda session, actor, query, **page: page_of_record(session, actor, record, query, **page)
    )


def _delete(model: Any, ref: str, document_ref: str) -> Response:
    with transaction() as session:
        actor = current_actor()
        record = get_record(session, actor, model, ref)
        document, _given = get_document(session, actor, document_ref)
        found = key_of(document)
        if found is None or (found[0].model, found[1]) != (model, record.id):
            raise NotFound("document", document_ref)
        check_document_version(session, actor, document_ref)
        delete_document(session, actor, document_ref, now=clock.now())
    return no_content()
