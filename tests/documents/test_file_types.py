"""What a file is, told by its bytes; and its name made safe.  Pure."""

import io

import pytest

from app.documents.file_types import TYPES, NotTaken, find_type
from app.documents.names import LONGEST_NAME, disposition, renamed, safe_name, with_ending
from app.documents.words import read_tags, words_of
from app.kernel.errors import Invalid
from tests.documents.files import HTML, PDF, TEXT, archive, bomb, office, png


def _by_name(value: object) -> str:
    """Archives hold the time at which they were made: their bytes name no test."""
    return "" if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("a.pdf", PDF, "pdf"),
        ("a.PNG", png(), "png"),
        ("a.jpg", png(), "png"),  # among pictures the bytes decide, and it is sent as what it is
        ("a", b"\xff\xd8\xff\xe0abc", "jpeg"),
        ("a.webp", b"RIFF\x10\0\0\0WEBPVP8 ", "webp"),
        ("a.docx", office(), "docx"),
        ("a.xlsx", office("spreadsheetml.sheet.main+xml"), "xlsx"),
        ("a.odt", archive(mimetype="application/vnd.oasis.opendocument.text"), "odt"),
        ("prices.csv", TEXT, "text"),
        ("notes", "\ufeffHola".encode("utf-16"), "text"),
    ],
    ids=_by_name,
)
def test_files_are_known_by_their_bytes(name, content, key):
    stream = io.BytesIO(content)
    assert find_type(stream, name, len(content)).key == key
    assert stream.tell() == 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("offer.pdf", HTML, "this is a web page"),
        ("offer.pdf", b"\n  " + HTML, "this is a web page"),
        ("offer.pdf", TEXT, "the file is Text"),
        ("page.html", TEXT, ".html"),
        ("run.exe", b"MZ\x90\0\3", "not taken"),
        ("logo.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "not taken"),
        ("late.pdf", b"x" + PDF, "the file is Text"),
        ("a.zip", archive(**{"a.txt": "a"}), "not taken"),
        ("a.docx", office(**{"word/vbaProject.bin": "x"}), "macros"),
        ("a.docx", office("document.macroEnabled.main+xml"), "macros"),
        ("a.docx", bomb(), "unpacks"),
        ("a.docx", office()[:-30], "damaged"),
        ("a.docx", office()[:40] + b"PK\x05\x06" + b"\xff" * 18, "too many parts"),
    ],
    ids=_by_name,
)
def test_what_is_no_such_file_is_refused_and_told_why(name, content, said):
    with pytest.raises(NotTaken) as refused:
        find_type(io.BytesIO(content), name, len(content))
    assert said in str(refused.value.errors["file"][0])


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\..\\offer.pdf", "offer.pdf"),
        ("..", "file"),
        ("", "file"),
        (None, "file"),
        ("a\0b\n\r\tc.pdf", "ab   c.pdf"),
        ("offer\u202efdp.exe", "offerfdp.exe"),
        ("\u200fcontract\u200e.pdf", "contract.pdf"),
        ('a"b<c>.pdf', "a_b_c_.pdf"),
        (".pdf", "file.pdf"),
        ("../...DOCX", "file.DOCX"),
        (".profile", "profile"),
        ("\ud800x.pdf", "?x.pdf".replace("?", "_")),
        ("пропозиція.pdf", "пропозиція.pdf"),
    ],
)
def test_names_are_made_safe(given, safe):
    assert safe_name(given) == safe


def test_long_names_keep_their_ending():
    name = safe_name("ñ" * 5000 + ".docx")
    assert len(name) == LONGEST_NAME
    assert name.endswith("ñ.docx")


def test_names_are_sent_so_that_every_browser_reads_them():
    assert disposition("attachment", "offer.pdf") == 'attachment; filename="offer.pdf"'
    assert disposition("attachment", "año; x.pdf") == (
        "attachment; filename=\"ano_ x.pdf\"; filename*=UTF-8''a%C3%B1o%3B%20x.pdf"
    )
    assert disposition("inline", "пропозиція.pdf").startswith('inline; filename="file.pdf"; filename*=UTF-8')
    assert "\n" not in disposition("attachment", 'a"\r\nSet-Cookie: x')
    assert with_ending("offer", TYPES["pdf"]) == "offer.pdf"
    assert renamed("offer.pdf", TYPES["docx"]) == "offer.docx"
    assert renamed("offer v1.2", TYPES["docx"]) == "offer v1.2.docx"


def test_documents_are_found_by_the_words_of_their_names_and_tags():
    assert words_of("Q3_ReportFinal.pdf", "Català d'ús") == [
        "q3", "q", "3", "reportfinal", "report", "final", "pdf", "catala", "d", "us",
    ]  # fmt: skip
    assert read_tags("Price list, price  LIST; contract,,") == {
        "price list": "Price list",
        "contract": "contract",
    }
    with pytest.raises(Invalid):
        read_tags([f"tag {number}" for number in range(21)])
