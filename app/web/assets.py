"""Static files: kept in memory, compressed once, and cached by browsers for good where that is safe.

Safe are addresses that change with their content: `?v=` with the content's mark, as `static_url`
writes it, and the vendored files, whose folder names hold the version.  Everything else is asked
for again with its entity tag.  (A WSGI layer such as WhiteNoise compresses only what a build step has
compressed before; Canal has no build step.)
"""

import gzip
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from flask import Flask, Response, abort, request
from flask.typing import ResponseReturnValue
from werkzeug.security import safe_join

MARK_LENGTH = 8
WORTH_COMPRESSING = 1024
FOR_GOOD = "public, max-age=31536000, immutable"
ASK_AGAIN = "public, no-cache"
TEXT = {"text/css", "text/javascript", "image/svg+xml", "application/manifest+json", "text/plain"}
TYPES = {".js": "text/javascript", ".woff2": "font/woff2", ".webmanifest": "application/manifest+json"}


@dataclass(frozen=True)
class Asset:
    """One static file.  mark: the first hex digits of its content's SHA-256."""

    body: bytes
    packed: bytes | None
    mimetype: str
    mark: str


def init_assets(app: Flask) -> None:
    """Answer the application's `static` endpoint from memory."""
    if app.static_folder is not None:
        folder = app.static_folder
        app.view_functions["static"] = lambda filename: _serve(app, folder, filename)


def _serve(app: Flask, folder: str, filename: str) -> ResponseReturnValue:
    path = safe_join(folder, filename)
    if path is None or not Path(path).is_file():
        abort(404)
    stamp = Path(path).stat().st_mtime_ns if app.debug or app.testing else 0
    asset = _read(path, stamp)
    packed = asset.packed is not None and request.accept_encodings["gzip"] > 0
    response = Response(asset.packed if packed else asset.body, mimetype=asset.mimetype)
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    if asset.packed is not None:
        response.headers["Vary"] = "Accept-Encoding"
    response.set_etag(f"{asset.mark}-gz" if packed else asset.mark)
    lasting = filename.startswith("vendor/") or request.args.get("v") == asset.mark
    response.headers["Cache-Control"] = FOR_GOOD if lasting else ASK_AGAIN
    return response.make_conditional(request)


@lru_cache(maxsize=256)
def _read(path: str, _stamp: int) -> Asset:
    """The file, read and compressed once; again when its time stamp has changed, while developing."""
    body = Path(path).read_bytes()
    mimetype = TYPES.get(Path(path).suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    packed = None
    if mimetype in TEXT and len(body) >= WORTH_COMPRESSING:
        packed = gzip.compress(body, 9, mtime=0)
    return Asset(body, packed, mimetype, sha256(body).hexdigest()[:MARK_LENGTH])
