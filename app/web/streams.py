"""CSV files that are sent while they are read, so that no list is too long for them."""

from collections.abc import Callable, Iterable, Iterator

from flask import Response, stream_with_context
from sqlalchemy.orm import Session

from app.kernel.db import db


def stream_csv(filename: str, pieces: Callable[[Session], Iterable[str]]) -> Response:
    """A CSV file to download.

    pieces: asked with the session of the stream, which is closed with it.  That of the view has ended by
    the time this runs, and would keep a connection if it were used once more.
    """

    def read() -> Iterator[str]:
        yield from pieces(db.session())

    response = Response(stream_with_context(read()), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    return response
