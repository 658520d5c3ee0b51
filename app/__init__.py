"""Canal, an open partner portal.  `flask --app app` finds the factory here."""

from app.factory import create_app

__all__ = ["create_app"]
