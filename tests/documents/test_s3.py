"""The same storage in a bucket: an S3 service on this machine, of moto's."""

import hashlib
import io

import pytest

from app.documents.storage import SMALL, Damaged, StorageUnavailable, make_storage
from app.settings import Settings

pytestmark = pytest.mark.databases("sqlite")


def test_contents_in_a_bucket(app, tmp_path, monkeypatch):
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        settings = Settings(
            data=tmp_path,
            storage_bucket="papers",
            storage_prefix="canal/",
            storage_endpoint=f"http://{host}:{port}",
            storage_key_id="key",
            storage_secret="secret",
        )
        assert "secret" not in repr(settings).replace("secret_key", "").replace("storage_secret", "")
        with app.app_context():
            store = make_storage(settings)
            with pytest.raises(StorageUnavailable):  # there is no such bucket
                store.put("0" * 64, 1, io.BytesIO(b"x"))
            _make_bucket(f"http://{host}:{port}/papers")
            for size in (1000, SMALL + 6_000_000):  # the second goes in parts
                content = bytes(range(256)) * (size // 256)
                digest = hashlib.sha256(content).hexdigest()
                for _time in range(2):
                    store.put(digest, len(content), io.BytesIO(content))
                assert b"".join(store.read(digest)) == content
                with pytest.raises(Damaged):
                    store.put("1" * 64, len(content), io.BytesIO(content))
                assert store.size_of("1" * 64) is None
            assert len(list(store.everything())) == 2
            assert {found.digest for found in store.everything()} >= {digest}
            store.delete(digest)
            store.delete(digest)
            with pytest.raises(Damaged):
                store.read(digest)
    finally:
        server.stop()


def _make_bucket(url):
    import urllib.request

    with urllib.request.urlopen(urllib.request.Request(url, method="PUT")) as answer:
        assert answer.status == 200
