"""Names of files: made safe to show and store as they come, and to send as a header when they go.

A name never becomes part of a path: what is stored is found by its digest.
"""

import re
import unicodedata
from pathlib import PurePath
from urllib.parse import quote

from app.documents.file_types import TYPES, FileType
from app.kernel.errors import Invalid
from app.kernel.text import clean_text

LONGEST_NAME = 200
UNNAMED = "file"
# Marks of direction, which would show the end of a name as its beginning; clean_text drops what overrides.
_MARKS = re.compile("[\u200e\u200f\u061c\u200b-\u200d\u2060\u00ad]")
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f]')
_ENDINGS = frozenset(ending for each in TYPES.values() for ending in each.extensions)


def safe_name(given: str | None) -> str:
    """The file's own name: no folders, no control characters, nothing that turns the direction of writing.

    Never empty, at most LONGEST_NAME characters, its ending kept: where dots and an ending are all there is,
    it is "file" with that ending.
    """
    text = (given or "").encode("utf-8", "replace").decode().replace("\0", "")
    plain = PurePath(text.replace("\\", "/")).name
    try:
        name = clean_text(plain, max_length=100_000) or ""
    except Invalid:
        name = ""
    name = _FORBIDDEN.sub("_", _MARKS.sub("", name)).strip(" .") if name.strip(" .") else ""
    if not name:
        return UNNAMED
    if plain.strip().startswith(".") and f".{name.lower()}" in _ENDINGS:
        return f"{UNNAMED}.{name}"
    if len(name) <= LONGEST_NAME:
        return name
    path = PurePath(name)
    ending = path.suffix if len(path.suffix) <= 12 else ""
    return name[: LONGEST_NAME - len(ending)].rstrip() + ending


def with_ending(name: str, file_type: FileType) -> str:
    """The name as it is downloaded: it ends as files of its kind do."""
    if PurePath(name).suffix.lower() in file_type.extensions:
        return name
    return f"{name}{file_type.extensions[0]}"


def renamed(name: str, file_type: FileType) -> str:
    """The name of a document whose present version is of this kind: the ending of another kind goes."""
    path = PurePath(name)
    if path.suffix.lower() in file_type.extensions:
        return name
    known = any(path.suffix.lower() in each.extensions for each in TYPES.values())
    ending = file_type.extensions[0]
    return (path.stem if known else name)[: LONGEST_NAME - len(ending)] + ending


def disposition(kind: str, name: str) -> str:
    """A Content-Disposition header.  kind: `attachment` or `inline`.

    Source: RFC 6266 with the encoding of RFC 8187; an ASCII spelling for whoever reads no other.
    """
    path = PurePath(name)
    stem, ending = _ascii(path.stem).strip("_ ."), _ascii(path.suffix)
    plain = f"{stem or UNNAMED}{ending}"
    value = f'{kind}; filename="{plain}"'
    return value if plain == name else f"{value}; filename*=UTF-8''{quote(name, safe='')}"


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9 ._()+,=@-]", "_", plain)
