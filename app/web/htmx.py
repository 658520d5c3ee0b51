"""Whether the browser asks for a fragment.  The only branch between a page and its parts."""

from flask import request


def wants_fragment() -> bool:
    """True for a request that htmx made for part of a page; a boosted or restored page is whole."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"
