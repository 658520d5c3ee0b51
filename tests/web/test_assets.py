"""Static files: compressed, cached for good where the address names the content, never elsewhere."""

import gzip
from hashlib import sha256

import pytest
from flask import Flask

from app.settings import Settings
from app.web.assets import init_assets
from app.web.security import init_security

CSS = b"body { color: red }\n" * 200
FOR_GOOD = "public, max-age=31536000, immutable"


@pytest.fixture
def client(tmp_path):
    static = tmp_path / "static"
    (static / "vendor" / "inter-5.3.0").mkdir(parents=True)
    (static / "canal.css").write_bytes(CSS)
    (static / "vendor" / "inter-5.3.0" / "inter.woff2").write_bytes(b"font" * 1000)
    (tmp_path / "secret_key").write_text("not for anyone")
    app = Flask("assets", root_path=str(tmp_path), static_folder=str(static))
    init_security(app, Settings(data=tmp_path))
    init_assets(app)
    return app.test_client()


def test_text_is_compressed_for_those_who_take_it(client):
    packed = client.get("/static/canal.css", headers={"Accept-Encoding": "gzip, br"})
    plain = client.get("/static/canal.css", headers={"Accept-Encoding": "identity"})
    assert gzip.decompress(packed.data) == plain.data == CSS
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(CSS) / 10
    assert packed.mimetype == "text/css"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert "Content-Encoding" not in plain.headers


def test_fonts_are_not_compressed_again(client):
    answer = client.get("/static/vendor/inter-5.3.0/inter.woff2", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert answer.mimetype == "font/woff2"


def test_what_names_its_content_is_kept_for_good(client):
    mark = sha256(CSS).hexdigest()[:8]
    assert client.get(f"/static/canal.css?v={mark}").headers["Cache-Control"] == FOR_GOOD
    assert client.get("/static/vendor/inter-5.3.0/inter.woff2").headers["Cache-Control"] == FOR_GOOD


@pytest.mark.parametrize("query", ["", "?v=00000000", "?v="])
def test_everything_else_is_asked_for_again(client, query):
    answer = client.get(f"/static/canal.css{query}")
    assert answer.headers["Cache-Control"] == "public, no-cache"
    again = client.get(f"/static/canal.css{query}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_changed_file_is_seen_while_developing(client, tmp_path):
    client.application.testing = True
    client.get("/static/canal.css")
    (tmp_path / "static" / "canal.css").write_bytes(b"p {}")
    assert client.get("/static/canal.css").data == b"p {}"


@pytest.mark.parametrize(
    "path",
    ["../secret_key", "%2e%2e/secret_key", "..%2fsecret_key", "vendor", "nothing.css", "%2fetc%2fpasswd"],
)
def test_only_files_in_the_folder_are_given(client, path):
    assert client.get(f"/static/{path}", follow_redirects=True).status_code == 404
