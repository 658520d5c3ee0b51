"""The tests of documents keep contents in a folder of their own each."""

import pytest
from obstore.store import LocalStore

from app.documents.storage import Storage


@pytest.fixture
def stored(app, tmp_path):
    """The storage, empty.  `stored.folder` is where its contents lie."""
    folder = tmp_path / "stored"
    folder.mkdir()
    storage = Storage(LocalStore(prefix=folder), folder)
    storage.folder = folder
    before = app.extensions.get("canal.storage")
    app.extensions["canal.storage"] = storage
    yield storage
    app.extensions["canal.storage"] = before
