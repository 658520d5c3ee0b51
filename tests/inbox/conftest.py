"""A company's portal with a queue that two companies claim from."""

import pytest

from tests.factories import make_queue, open_portal


@pytest.fixture(autouse=True)
def _portal(session):
    open_portal(session)


@pytest.fixture
def queue(session, northwind, southwind):
    """Both companies claim from it."""
    return make_queue(session, "Catalonia", members=[northwind, southwind])
