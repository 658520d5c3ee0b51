"""Canal, an open partner portal.  `flask --app app` finds the factory here."""

from app.starting import without_collecting

with without_collecting():
    from app.factory import create_app

__all__ = ["create_app"]
