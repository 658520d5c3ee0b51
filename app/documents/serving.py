"""Sending a stored content: always as what it was found to be, never so that it can act in the site's name."""

from collections.abc import Iterator

from flask import Response, request, stream_with_context
from flask_babel import lazy_gettext as _l

from app.documents.models import BlobState
from app.documents.names import disposition, with_ending
from app.documents.queries import VersionRow
from app.documents.storage import storage
from app.kernel.db import let_go
from app.kernel.errors import Conflict, NotFound

# What is sent is no page of the site: nothing in it runs, loads, or is sent anywhere.
POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
LARGEST_PREVIEW = 25 * 1024 * 1024


class NotScannedYet(Conflict):
    """The scanner has not let it pass yet."""

    slug = "waiting-for-scan"
    message = _l("This file is still being scanned. Try again in a minute.")


class RefusedByScanner(Conflict):
    """The scanner refused it."""

    slug = "refused-by-scan"
    message = _l("The scanner refused this file. It cannot be downloaded.")


def send_version(name: str, version: VersionRow, *, inline: bool = False) -> Response:
    """A version's content; `inline` for pictures that a page shows, everything else is to be saved.

    Raises NotScannedYet, RefusedByScanner, NotFound (nothing that can be shown), StorageUnavailable.
    """
    if version.state is BlobState.WAITING:
        raise NotScannedYet
    if version.state is BlobState.REFUSED:
        raise RefusedByScanner
    if inline and not may_preview(version):
        raise NotFound("document")
    let_go()  # so that a slow download keeps no connection of the database
    tag = f'"{version.digest}"'
    if request.if_none_match.contains(version.digest):
        response = Response(status=304)
    else:
        pieces: Iterator[bytes] = iter(())
        if request.method != "HEAD":
            pieces = storage().read(version.digest)
        response = Response(stream_with_context(pieces), mimetype=version.file_type.mime)
        response.content_length = version.size_bytes
    response.headers["ETag"] = tag
    response.headers["Content-Disposition"] = disposition(
        "inline" if inline else "attachment", with_ending(name, version.file_type)
    )
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def may_preview(version: VersionRow) -> bool:
    """Whether a page may show it: a picture of a size that a browser can be asked to draw."""
    return version.file_type.is_image and version.size_bytes <= LARGEST_PREVIEW and version.is_ready
