"""Data made safe for a mail: one line, no control or direction marks, no address that could pass for ours.  Pure."""

import re
import unicodedata

_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
# Marks that turn the direction of what follows, and lone surrogates, which no mail can carry.
_HARMFUL = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
LONGEST = 200


def one_line(value: object, limit: int = LONGEST) -> str:
    """The value as text of one line, cut at `limit` characters.

    The scheme of web addresses is left out, so that the only links of a mail are those that Canal puts there.
    """
    text = _HARMFUL.sub("", str(value))
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    while _ADDRESS.search(text):
        text = _ADDRESS.sub("", text)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def with_ascii_domain(address: str) -> str:
    """The address as every mail server takes it, unless what stands before the @ is beyond ASCII."""
    local, at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    return f"{local}{at}{domain.encode('idna').decode()}"
