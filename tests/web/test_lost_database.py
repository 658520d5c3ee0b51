"""The database server hangs up on a page in the middle of its work."""

import pytest
from sqlalchemy import select, text
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
