"""The demo's documents: a few in the library, a few on accounts and leads, one of them with two versions."""

import hashlib
import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.accounts.models import Account
from app.documents.blobs import announce_blob
from app.documents.file_types import find_type
from app.documents.operations import add_version, attach_document
from app.documents.storage import storage
from app.documents.uploads import Received
from app.kernel.actor import Actor
from app.leads.models import Lead
from app.sharing.scope import scope

if TYPE_CHECKING:
    from app.demo.company import Company

PRICES = "model;size;price\nMountain-100;42;3374.99\nRoad-150;56;3578.27\nTouring-1000;54;2384.07\n"


def add_documents(company: "Company") -> None:
    """Store the contents and make documents of them.  Does not commit."""
    actor, at = company.manager, company.now
    # name, content, description, tags, whether partners never see it
    prices = _keep(company, "Price list.csv", PRICES.encode())
    first = _attach(
        company, None, prices, "Recommended retail prices, without tax.", "prices", internal=False
    )
    revised = _keep(company, "Price list.csv", PRICES.replace("3374.99", "3299.00").encode())
    add_version(company.session, actor, first.document.ref, revised, now=at)
    poster = _keep(company, "Shop window poster.png", _picture(240, 150))
    _attach(
        company,
        None,
        poster,
        "For the shop windows of partners, spring.",
        "marketing, spring",
        internal=False,
    )
    margins = _keep(company, "Margins by model.pdf", _page("Margins by model", "For our own people only."))
    _attach(company, None, margins, "What is left at which discount.", "prices", internal=True)
    for account in company.session.scalars(_some(Account, actor, 3)):
        contract = _keep(company, "Framework agreement.pdf", _page("Framework agreement", account.name))
        _attach(company, account, contract, "Signed by both sides.", "contract", internal=True)
    for lead in company.session.scalars(_some(Lead, actor, 4)):
        offer = _keep(
            company, f"Offer for {lead.company or lead.last_name}.pdf", _page("Offer", lead.company or "")
        )
        _attach(company, lead, offer, "First offer, valid for thirty days.", "offer", internal=False)


def _some(model: Any, actor: Actor, number: int) -> Any:
    return select(model).where(scope(model, actor)).order_by(model.id.desc()).limit(number)


def _keep(company: "Company", name: str, content: bytes) -> Received:
    digest, stream = hashlib.sha256(content).hexdigest(), io.BytesIO(content)
    announce_blob(company.session, digest, len(content), now=company.now)
    storage().put(digest, len(content), stream)
    return Received(name, digest, len(content), find_type(stream, name, len(content)))


def _attach(
    company: "Company", record: Any, received: Received, description: str, tags: str, *, internal: bool
) -> Any:
    return attach_document(
        company.session,
        company.manager,
        record,
        received,
        description=description,
        is_internal=internal,
        tags=tags,
        now=company.now,
    )


def _page(title: str, line: str) -> bytes:
    """A PDF of one page with two lines.  Source: ISO 32000-1, 7.5."""
    shown = [
        text.encode("cp1252", "replace").replace(b"\\", b"").replace(b"(", b"").replace(b")", b"")
        for text in (title, line)
    ]
    text = b"BT /F1 24 Tf 72 740 Td (%s) Tj 0 -36 Td /F1 12 Tf (%s) Tj ET" % (shown[0], shown[1])
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    )
    made, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (
        made
        + b"xref\n0 6\n0000000000 65535 f \n%strailer\n<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
        % (
            table,
            len(made),
        )
    )


def _picture(width: int, height: int) -> bytes:
    """A PNG: a hill before an evening sky.  Source: RFC 2083."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b""
    for y in range(height):
        sky = bytes((250 - y // 2, 190 - y // 2, 120 + y // 2))
        hill = [y > height * 0.55 + ((x - width / 2) / width) ** 2 * height for x in range(width)]
        rows += b"\0" + b"".join(b"\x2f\x52\x3c" if dark else sky for dark in hill)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
