"""What can stand against an act on a case."""

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Invalid


def no_such(field: str) -> Invalid:
    """A record that does not exist or may not be seen; the two are answered alike."""
    messages = {
        "account_id": _l("There is no such account."),
        "contact_id": _l("There is no such contact."),
    }
    return Invalid({field: [messages[field]]})


def not_of_account() -> Invalid:
    """The contact that was chosen works for another company, or for none."""
    return Invalid({"contact_id": [_l("This contact is not of that account.")]})
