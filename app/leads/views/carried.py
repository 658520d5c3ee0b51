"""The filters that the list of leads and their board have in common, kept on the way from one to the other."""

from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

OF_BOARD = ("q", "owner", "source", "campaign", "partner", "country", "product_interest", "box", "filter")


def carried(args: MultiDict[str, str]) -> dict[str, list[str]]:
    """Those of an address."""
    return {name: values for name in OF_BOARD if any(values := args.getlist(name))}


def to_board(lead_ref: str) -> ResponseReturnValue:
    """Back to the board as it was, at the card."""
    given: dict[str, Any] = {**carried(request.args), "_anchor": lead_ref}
    return redirect(url_for("leads.board", **given), 303)
