"""The database server hangs up on a page in the middle of its work."""

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import OperationalError

from app.identity.models import User
from app.kernel.db import db, set_reading

pytestmark = pytest.mark.databases("postgresql")


def test_a_reading_request_whose_connection_ends_says_so_and_the_next_one_reads(app, session, ada):
    session.commit()
    key = ada.id
    with app.test_request_context():
        set_reading(True)
        session.rollback()
        mine = session.scalar(text("SELECT pg_backend_pid()"))
        with db.engine.connect() as other:
            assert other.scalar(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
        with pytest.raises(OperationalError):
            session.scalar(text("SELECT pg_sleep(0.1)"))
        session.rollback()
        assert session.scalar(select(User.name).where(User.id == key)) == "Ada"


def test_a_connection_that_ended_while_it_rested_is_made_anew(app, session, ada, monkeypatch):
    session.commit()
    key = ada.id
    monkeypatch.setattr("app.kernel.engines.RESTED_SECONDS", 0.0)
    elsewhere = create_engine(db.engine.url)
    with app.test_request_context():
        mine = session.scalar(text("SELECT pg_backend_pid()"))
        session.rollback()
        with elsewhere.connect() as other:
            assert other.scalar(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
        assert session.scalar(select(User.name).where(User.id == key)) == "Ada"
        assert session.scalar(text("SELECT pg_backend_pid()")) != mine
    elsewhere.dispose()
