"""What the categories of accounts are called; the fourth has the name that an administrator gave it."""

from flask import g, has_request_context
from flask_babel import get_locale

from app.accounts.fields import CATEGORIES, FOURTH_CATEGORY
from app.identity.organisation import FOURTH_CATEGORY as NAME_KEY


def fourth_category() -> str:
    """The fourth category's name in the language of the page, "" while it has none."""
    organisation = g.get("organisation") if has_request_context() else None
    if organisation is None or not organisation.names:
        return ""
    names = organisation.names.get(str(get_locale()), {})
    return str(names.get(NAME_KEY, ("",))[0])


def category_name(key: str) -> str:
    """What a category is called; the fourth without a name keeps its key."""
    if key == FOURTH_CATEGORY:
        return fourth_category() or key
    return str(CATEGORIES.get(key, key))
