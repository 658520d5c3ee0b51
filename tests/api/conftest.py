"""The API's tests: clients whose answers are held against the document, and a company to ask about."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.identity.models import User
from app.partners.models import PartnerAccount
from tests import people
from tests.api.answers import CheckedClient, Document
from tests.factories import make_account, make_contact, make_lead, make_queue

_documents: dict[int, Document] = {}


@pytest.fixture
def document(app: Flask) -> Document:
    """The document that the application serves."""
    if id(app) not in _documents:
        _documents[id(app)] = Document(app)
    return _documents[id(app)]


@pytest.fixture
def api(app: Flask, session: Session, document: Document) -> Callable[..., CheckedClient]:
    """`api(pia)`: calls the JSON API with a token of that person; every answer is checked."""

    def start(user: User, **token: Any) -> CheckedClient:
        return CheckedClient(app, people.make_token(user, **token), document)

    return start


@pytest.fixture
def world(
    session: Session, ada: User, mara: User, sal: User, vic: User, pia: User, pam: User, otto: User,
    northwind: PartnerAccount, southwind: PartnerAccount,
) -> SimpleNamespace:  # fmt: skip
    """A lead of Pia's, one that waits in Northwind's queue, one of Sal's; an account and its contact."""
    queue = make_queue(session, "Iberia", members=(northwind,))
    account = make_account(session, "Forges del Ter", owner=sal)
    contact = make_contact(session, "Puig", account=account, email="puig@forges.example")
    world = SimpleNamespace(
        queue=queue,
        account=account,
        contact=contact,
        owned=make_lead(session, owner=pia, company="Molins Roca", last_name="Roca"),
        waiting=make_lead(session, queue=queue, company="Tallers Serra", last_name="Serra", employees=120),
        sals=make_lead(session, owner=sal, company="Ceràmiques Pons", last_name="Pons"),
    )
    session.commit()
    return world
