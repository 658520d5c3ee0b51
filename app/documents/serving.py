"""Sending a stored content: always as what it was found to be, never so that it can act in the site's name."""

from collections.abc import Iterator

from flask import Response, request, stream_with_context
from flask_babel import lazy_gettext as _l

from app.documents.models import ScanState
from app.documents.names import disposition, with_ending
from app.documents.queries import VersionRow
from app.documents.storage import storage
from app.kernel.db import let_go
from app.kernel.errors import Conflict, NotFound

# What is sent is no page of the site: nothing in it runs, loads, or is sent anywhere.
_NOTHING = "default-src 'none'; sandbox; base-uri 'none'; form-action 'none'"
POLICY = f"{_NOTHING}; frame-ancestors 'none'"
# A PDF is shown by the browser's own viewer in a frame of the document's page.  The sandbox is this policy's: one of
# the frame's own (`<iframe sandbox>`) keeps browsers from showing it at all.  The style is that of the viewer's shell.
FRAMED = f"{_NOTHING}; style-src 'unsafe-inline'; frame-ancestors 'self'"
LARGEST_PREVIEW = 25 * 1024 * 1024
_PDF = "pdf"


class NotScannedYet(Conflict):
    """The scanner has not let it pass yet."""

    slug = "waiting-for-scan"
    message = _l("This file is still being scanned. Try again in a minute.")


class RefusedByScanner(Conflict):
    """The scanner refused it."""

    slug = "refused-by-scan"
    message = _l("The scanner refused this file. It cannot be downloaded.")


def send_version(name: str, version: VersionRow, *, inline: bool = False) -> Response:
    """A version's content, or the part of it that is asked for; `inline` for what a page shows, all else is to be saved.

    Raises NotScannedYet, RefusedByScanner, NotFound (nothing that can be shown), StorageUnavailable.
    """
    if version.state is ScanState.WAITING:
        raise NotScannedYet
    if version.state is ScanState.REFUSED:
        raise RefusedByScanner
    if inline and not may_preview(version):
        raise NotFound("document")
    let_go()  # so that a slow download keeps no connection of the database
    tag = f'"{version.digest}"'
    if request.if_none_match.contains(version.digest):
        response = Response(status=304)
    else:
        response = _answer(version)
        response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = tag
    response.headers["Content-Disposition"] = disposition(
        "inline" if inline else "attachment", with_ending(name, version.file_type)
    )
    is_framed = inline and is_pdf(version)
    response.headers["Content-Security-Policy"] = FRAMED if is_framed else POLICY
    if is_framed:
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _answer(version: VersionRow) -> Response:
    """All of the content, or one part of it.  Several parts at once are not made: all of it is sent then."""
    size, mime = version.size_bytes, version.file_type.mime
    wanted = request.range if request.method == "GET" and _is_same(version) else None
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        pieces: Iterator[bytes] = iter(()) if request.method == "HEAD" else storage().read(version.digest)
        response = Response(stream_with_context(pieces), mimetype=mime)
        response.content_length = size
        return response
    part = wanted.range_for_length(size)
    if part is None:
        return Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    start, end = part
    pieces = storage().read_part(version.digest, start, end - start)
    response = Response(stream_with_context(pieces), status=206, mimetype=mime)
    response.content_length = end - start
    response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return response


def _is_same(version: VersionRow) -> bool:
    """Whether what the caller has begun to fetch, if they say so, is this content."""
    condition = request.headers.get("If-Range")
    return condition is None or condition == f'"{version.digest}"'


def may_preview(version: VersionRow) -> bool:
    """Whether a page may show it: a picture or a PDF, by its bytes, of a size that a browser can be asked to draw."""
    is_shown = version.file_type.is_image or is_pdf(version)
    return is_shown and version.size_bytes <= LARGEST_PREVIEW and version.is_ready


def is_pdf(version: VersionRow) -> bool:
    return version.file_type.key == _PDF
