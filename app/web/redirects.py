"""Where to go on after an act: only ever within this site."""

from urllib.parse import urlsplit

from flask import request, url_for


def safe_next(target: str | None, default: str = "") -> str:
    """The path asked for, if it is one of this site; else the page named by the endpoint `default`, or home."""
    if target and is_local(target):
        return target
    return url_for(default) if default else f"{request.script_root}/"


def is_local(target: str) -> bool:
    """Whether a browser that is sent there stays on this site.

    Browsers take a backslash for a slash and skip tabs and line breaks, so that `/\\\\host` leaves too.
    """
    if not target.startswith("/") or target[1:2] in ("/", "\\") or not target.isprintable():
        return False
    try:
        parts = urlsplit(target)
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc and "\\" not in target
