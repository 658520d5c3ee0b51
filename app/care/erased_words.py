"""What an erasure changes and what it leaves, in words."""

from collections.abc import Mapping

from flask_babel import gettext as _

from app.kernel import labels

# Tables under one name, for those who need not know them all.
_OF = {
    "delivery": "notification",
    "import_issue": "import",
    "import_columns": "import",
    "lead_form_post": "post",
    "search_entry": "search",
    "document_word": "search",
    "document_version": "document",
    "assignment": "event",
    "offer": "event",
    "conversion": "event",
    "list_job": "export",
    "list_job_change": "export",
    "list_job_refusal": "export",
    "idempotency_key": "answer",
    "sent_form": "answer",
}


def kind_names(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """(what, how many) of an erasure's counts, the person's own records first."""
    names = {
        "activity": _("Activities"),
        "document": _("Documents: name and contents"),
        "event": _("History: old and new values"),
        "notification": _("Notifications and mails"),
        "import": _("Rows kept of imports"),
        "post": _("Posts of web forms"),
        "search": _("Entries of the search"),
        "export": _("Lists and exports"),
        "answer": _("Answers kept for programs"),
        "other": _("Other texts that name the person"),
    }
    found: dict[str, int] = {}
    for table, number in counts.items():
        kind = _OF.get(table, table)
        if kind in ("lead", "contact", "account", "opportunity", "case", "campaign"):
            kind = labels.many(kind, title=True)
        else:
            kind = names.get(kind, names["other"])
        found[kind] = found.get(kind, 0) + number
    return list(found.items())


def kept_words() -> list[str]:
    """What stays, and why."""
    return [
        _(
            "That there was such a record, with status, owner, source, country, town, industry and score, so that numbers and shares still hold."
        ),
        _("Assignments, offers and turns, so that whose turn it is stays right."),
        _("Who did what as a user of Canal: users are not erased here."),
        _("The company: it is no person. Where it has the person's whole name in it, that is replaced."),
        _("Files on other records are not opened, and pictures are not read: look there yourself."),
        _("Backups: whoever restores one from before has to erase again. The list below says what."),
    ]
