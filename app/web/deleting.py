"""Deleting and restoring records, as every room answers it: the page of what was deleted, and the notice with its button."""

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.kernel import labels, refs
from app.lists.deleted import Deleted
from app.web.notices import flash_with_button


def deleted_page(kind: str, rows: Sequence[Deleted], *, title: str, heading: str) -> str:
    """What was deleted of one kind, each with the button that brings it back.  heading: of the column of names."""
    return render_template(
        "lists/deleted.html",
        rows=rows,
        title=title,
        heading=heading,
        many=labels.many(kind, title=True),
        index_url=url_for(f"{refs.room_of(kind)}.index"),
        restore_urls={row.ref: _address("restore", kind, row.ref) for row in rows},
    )


def say_deleted(kind: str, ref: str, told: str) -> ResponseReturnValue:
    """To the list, where the notice can bring it back."""
    flash_with_button(told, _address("restore", kind, ref), _("Restore"))
    return redirect(url_for(f"{refs.room_of(kind)}.index"), 303)


def say_restored(kind: str, ref: str, told: str) -> ResponseReturnValue:
    """To the record."""
    flash(told, "success")
    return redirect(_address("show", kind, ref), 303)


def _address(act: str, kind: str, ref: str) -> str:
    place: dict[str, Any] = {f"{kind}_ref": ref}
    return url_for(f"{refs.room_of(kind)}.{act}", **place)
