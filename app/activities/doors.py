"""By which door a record came in, in words: the web form, the import, the API token, as far as the reader may know.

Partner people read no event of the vendor's, nor what its forms, files and tokens are called.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, true
from sqlalchemy.orm import Session

from app.events.models import Event
from app.identity.models import ApiToken
from app.intake.models import Import
from app.intake.queries import may_see
from app.kernel.actor import Actor, Permission, Role
from app.leads.models import Lead


def arrival_in_words(
    session: Session, actor: Actor, record: Any, events: Sequence[Event]
) -> Mapping[int, str]:
    """The record's first event as a line, by its key, where it came in by another door than Canal's own pages.

    At most one statement.
    """
    event = next((each for each in events if each.verb == "created"), None)
    way = _way(session, actor, record, event) if event is not None else ""
    return {event.id: _sentence(event, way)} if event is not None and way else {}


def _sentence(event: Event, way: str) -> str:
    owner = event.detail.get("to")
    if event.actor_id is None:
        if owner:
            return _("came in %(way)s and went to %(owner)s", way=way, owner=owner)
        return _("came in %(way)s", way=way)
    if owner:
        return _("created this %(way)s and gave it to %(owner)s", way=way, owner=owner)
    return _("created this %(way)s", way=way)


def _way(session: Session, actor: Actor, record: Any, event: Event) -> str:
    match event.door:
        case "form":
            name = _form(actor, record)
            return _("by the web form “%(name)s”", name=name) if name else _("by a web form")
        case "import":
            name = _import(session, actor, record)
            return _("by the import of “%(name)s”", name=name) if name else _("by an import")
        case "api":
            name = _token(session, actor, event)
            return _("over the API (token “%(name)s”)", name=name) if name else _("over the API")
    return ""


def _form(actor: Actor, record: Any) -> str:
    if not actor.is_internal or not isinstance(record, Lead):
        return ""
    return str((record.imported or {}).get("Web form", ""))


def _import(session: Session, actor: Actor, record: Any) -> str:
    """The name of the file, to whom its import is open."""
    key = getattr(record, "import_id", None)
    if key is None or not actor.can(Permission.ACCOUNT_IMPORT):
        return ""
    return session.scalar(select(Import.filename).where(Import.id == key, may_see(actor))) or ""


def _token(session: Session, actor: Actor, event: Event) -> str:
    """What the token is called, to its user and to administrators."""
    key = event.detail.get("token_id")
    if key is None:
        return ""
    own = true() if actor.role is Role.ADMINISTRATOR else ApiToken.user_id == actor.user_id
    return session.scalar(select(ApiToken.label).where(ApiToken.id == key, own)) or ""
