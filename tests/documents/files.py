"""Contents for tests: the smallest files of each kind, and what only pretends to be one."""

import io
import struct
import zipfile
import zlib

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
HTML = b"<!DOCTYPE html><html><script>alert(document.cookie)</script></html>"
TEXT = "Preus en euros: caf\u00e9 12,50\n".encode()


def png(width=3, height=2, text=b""):
    """A picture; text: makes it another one."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x40\x80\xc0" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    more = chunk(b"tEXt", b"Comment\0" + text) if text else b""
    pieces = chunk(b"IHDR", head), more, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(pieces)


def office(main="wordprocessingml.document.main+xml", **parts):
    """A Word file, or what `main` says.  parts: further ones."""
    types = f'<Types><Override PartName="/word/document.xml" ContentType="application/x.{main}"/></Types>'
    return archive(**{"[Content_Types].xml": types, "word/document.xml": "<w/>", **parts})


def archive(**parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return file.getvalue()


def bomb():
    """A Word file of some kilobytes that unpacks to sixty-four megabytes."""
    return office(**{"word/media/image1.bmp": bytes(64 * 1024 * 1024)})


def given(content, name="offer.pdf"):
    """A file as the test client sends it."""
    return io.BytesIO(content), name
