"""What every template may use, and the language and zone of the page."""

from typing import Any

from flask import Flask, g, has_request_context, request
from flask_babel import Babel, get_locale, get_translations

from app.kernel import labels
from app.kernel.actor import Permission
from app.web.htmx import wants_fragment
from app.web.navigation import navigation
from app.web.signed_in import load_organisation
from app.words.edition import in_force
from app.words.translations import WordsDomain

LANGUAGES = ("en", "es", "ca")


def init_context(app: Flask) -> None:
    """Set up languages and the names that templates share."""
    babel = Babel(app, locale_selector=page_locale, timezone_selector=page_zone)
    babel.domain_instance = WordsDomain(domain="messages")  # type: ignore[no-untyped-call]  # Flask-Babel has no types
    app.jinja_env.globals.update(permissions=Permission, labels=labels, wants_fragment=wants_fragment)
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # of the extension that Babel adds
        gettext=lambda text: _catalogue().ugettext(text),
        ngettext=lambda one, many, number: _catalogue().ungettext(one, many, number),
        newstyle=True,
        pgettext=lambda context, text: _catalogue().upgettext(context, text),
    )
    app.context_processor(_context)


def page_locale() -> str:
    """The person's language, also of one who is about to sign in; for strangers the best of what their browser asks for."""
    if not has_request_context():
        return "en"
    actor = g.get("actor") or g.get("signing_in")
    if actor is not None:
        return str(actor.language)
    return request.accept_languages.best_match(LANGUAGES) or "en"


def page_zone() -> str:
    """The zone that moments are shown in."""
    actor = g.get("actor") if has_request_context() else None
    if actor is not None:
        return str(actor.time_zone)
    organisation = g.get("organisation") if has_request_context() else None
    return str(organisation.time_zone) if organisation is not None else "UTC"


def _catalogue() -> Any:
    """The translations of the page's language.

    Flask-Babel looks them up for every word, some eighty times a page, by the text of the locale; here they are kept
    beside the locale and the words in force for as long as these stay the same (`force_locale` changes the locale).
    """
    locale, edition = get_locale(), in_force()
    kept: tuple[Any, Any, Any] | None = g.get("catalogue")
    if kept is None or kept[0] is not locale or kept[1] is not edition:
        kept = g.catalogue = (locale, edition, get_translations())
    return kept[2]


def _context() -> dict[str, Any]:
    actor = g.get("actor")
    if wants_fragment():
        return {"actor": actor, "organisation": g.get("organisation")}
    load_organisation()
    frame: dict[str, Any] = {"actor": actor, "organisation": g.get("organisation")}
    if actor is not None and not actor.must_enrol:
        from app.web.frame import frame_counts

        counts = frame_counts(actor)
        frame.update(nav=navigation(actor, counts), unread_count=counts.get("unread", 0))
    return frame
