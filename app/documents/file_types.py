"""Which kinds of file are taken, told by their first bytes; what a name or a browser claims decides nothing.

About a dozen kinds that people attach and that can be served without harm.  An Office file is an archive:
its list of parts is read, within bounds, and nothing of it is ever unpacked.
"""

import codecs
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO, Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.kernel.archives import LargeDirectory, open_archive
from app.kernel.errors import Invalid

SNIFFED = 64 * 1024
LARGEST_UNPACKED = 2 * 1024**3
LARGEST_RATIO = 200  # how many times its size an archive may unpack to, beyond some megabytes
_SMALL = 16 * 1024 * 1024
_LARGEST_PART = 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileType:
    """key: as it is stored.  extensions: names may end in them; the first is the usual one."""

    key: str
    label: Any
    mime: str
    extensions: tuple[str, ...]
    icon: str = "file"
    is_image: bool = False


_OPEN_XML = "application/vnd.openxmlformats-officedocument."
TYPES: dict[str, FileType] = {
    each.key: each
    for each in (
        FileType("pdf", "PDF", "application/pdf", (".pdf",)),
        FileType("png", "PNG", "image/png", (".png",), is_image=True),
        FileType("jpeg", "JPEG", "image/jpeg", (".jpg", ".jpeg", ".jpe", ".jfif"), is_image=True),
        FileType("gif", "GIF", "image/gif", (".gif",), is_image=True),
        FileType("webp", "WebP", "image/webp", (".webp",), is_image=True),
        FileType("docx", "Word", f"{_OPEN_XML}wordprocessingml.document", (".docx",)),
        FileType("xlsx", "Excel", f"{_OPEN_XML}spreadsheetml.sheet", (".xlsx",)),
        FileType("pptx", "PowerPoint", f"{_OPEN_XML}presentationml.presentation", (".pptx",)),
        FileType("odt", _l("OpenDocument text"), "application/vnd.oasis.opendocument.text", (".odt",)),
        FileType("ods", _l("OpenDocument spreadsheet"), "application/vnd.oasis.opendocument.spreadsheet", (".ods",)),
        FileType("odp", _l("OpenDocument presentation"), "application/vnd.oasis.opendocument.presentation", (".odp",)),
        FileType("text", _l("Text"), "text/plain", (".txt", ".csv", ".tsv", ".md", ".log", ".ics", ".vcf", ".json")),
    )
}  # fmt: skip
ACCEPTED = ",".join(extension for each in TYPES.values() for extension in each.extensions)
_NAMED = {extension: each for each in TYPES.values() for extension in each.extensions}
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
)
# What a page of the web, or what a browser may take for one, begins with.
_MARKUP = (
    b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<svg", b"<?xml", b"<!--", b"<iframe", b"<a ", b"<p>",
    b"<div", b"<style", b"<title", b"<img", b"<meta", b"<table", b"<link",
)  # fmt: skip
_MAIN_PARTS = {
    "wordprocessingml.document.main+xml": "docx",
    "spreadsheetml.sheet.main+xml": "xlsx",
    "presentationml.presentation.main+xml": "pptx",
    "presentationml.slideshow.main+xml": "pptx",
}


class NotTaken(Invalid):
    """A file of a kind that is not taken, or that is not what its name says."""

    slug = "file-type"

    def __init__(self, message: object) -> None:
        super().__init__({"file": [message]})


def known_type(key: str) -> FileType:
    """The kind of that key."""
    return TYPES[key]


def find_type(stream: IO[bytes], name: str, size: int) -> FileType:
    """What kind of file it is.  stream: can be wound back; left at its beginning.  name: as it came.

    Raises NotTaken, with what to do instead.
    """
    stream.seek(0)
    head = stream.read(SNIFFED)
    try:
        found = _by_signature(stream, head, size)
    finally:
        stream.seek(0)
    extension = PurePath(name).suffix.lower()
    claimed = _NAMED.get(extension)
    if found is None and claimed is not None and _is_markup(head):
        raise NotTaken(
            _l(
                "The name says %(claimed)s, but this is a web page (HTML or XML): perhaps a sign-in or error page was"
                " saved instead. Download the file anew, or open the page in a browser and print it as PDF.",
                claimed=claimed.label,
            )
        )
    if found is None:
        raise NotTaken(_l("Files of this kind are not taken. What is taken: %(kinds)s.", kinds=kinds_taken()))
    if claimed is None and extension and found.key == "text":
        # A program or a page is text too: its name says more than its bytes.
        raise NotTaken(
            _l(
                "Files that end in %(end)s are not taken. What is taken: %(kinds)s.",
                end=extension[:20],
                kinds=kinds_taken(),
            )
        )
    if claimed is not None and claimed is not found and not (claimed.is_image and found.is_image):
        raise NotTaken(
            _l(
                "The name says %(claimed)s, but the file is %(found)s. Save it anew as %(claimed)s, or give it its"
                " right name.",
                claimed=claimed.label,
                found=found.label,
            )
        )
    return found


def kinds_taken() -> str:
    """The kinds that are taken, in a row."""
    return _("PDF, pictures, Word, Excel, PowerPoint, OpenDocument and plain text")


def _by_signature(stream: IO[bytes], head: bytes, size: int) -> FileType | None:
    for signature, key in _SIGNATURES:
        if head.startswith(signature):
            return TYPES[key]
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return TYPES["webp"]
    if head.startswith(b"PK\x03\x04"):
        return _office(stream, size)
    return TYPES["text"] if _is_text(head) else None


def _is_text(head: bytes) -> bool:
    """Whether a file begins as plain text: no control characters, and not what a browser takes for a page."""
    if any(byte < 9 or (13 < byte < 32 and byte != 27) for byte in _plain(head)):
        return False
    return not _is_markup(head)


def _is_markup(head: bytes) -> bool:
    return _plain(head).lstrip().lower().startswith(_MARKUP)


def _plain(head: bytes) -> bytes:
    """The beginning of a text without what only tells its encoding."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace").removeprefix("\ufeff").encode("utf-8", "replace")
    return head.removeprefix(codecs.BOM_UTF8)


def _office(stream: IO[bytes], size: int) -> FileType | None:
    """The kind of an Office file; None for any other archive.  Raises NotTaken."""
    try:
        with open_archive(stream) as archive:
            entries = archive.infolist()
            unpacked = sum(entry.file_size for entry in entries)
            if unpacked > LARGEST_UNPACKED or (unpacked > _SMALL and unpacked > LARGEST_RATIO * max(size, 1)):
                raise NotTaken(_l("This file unpacks to far more than it holds. It is not taken."))
            return _office_type(archive, {entry.filename for entry in entries})
    except LargeDirectory:
        raise NotTaken(
            _l("This file is damaged, or an archive of too many parts. It is not taken.")
        ) from None
    except (zipfile.BadZipFile, zlib.error, LookupError, OSError, ValueError, EOFError, RuntimeError):
        raise NotTaken(_l("This file is damaged. Save it anew and send it again.")) from None


def _office_type(archive: zipfile.ZipFile, names: set[str]) -> FileType | None:
    if "[Content_Types].xml" in names:
        types = _start_of(archive, "[Content_Types].xml")
        if b"macroEnabled" in types or "word/vbaProject.bin" in names or "xl/vbaProject.bin" in names:
            raise NotTaken(_l("Files with macros are not taken. Save it without them."))
        for part, key in _MAIN_PARTS.items():
            if part.encode() in types:
                return TYPES[key]
    if "mimetype" in names:
        mime = _start_of(archive, "mimetype").strip().decode("ascii", "replace")
        return next(
            (each for each in TYPES.values() if each.mime == mime and each.key.startswith("od")), None
        )
    return None


def _start_of(archive: zipfile.ZipFile, part: str) -> bytes:
    with archive.open(part) as content:
        return content.read(_LARGEST_PART)
