"""Reading XLSX workbooks, and refusing what only looks like one."""

import datetime as dt
import io
import random
import tracemalloc
import zipfile

import pytest
import xlsxwriter

from app.intake.tables import NotATable, open_table
from app.intake.xlsx_parts import moment_text, number_text


@pytest.fixture
def workbook(tmp_path):
    """Writes rows, or lets a function write into the first sheet."""

    def write(rows=(), fill=None, **options):
        path = tmp_path / "upload"
        book = xlsxwriter.Workbook(path, options)
        sheet = book.add_worksheet("Leads")
        for i, row in enumerate(rows):
            sheet.write_row(i, 0, row)
        if fill:
            fill(book, sheet)
        book.close()
        return path

    return write


def values(table):
    return [list(row.cells.values()) for row in table.rows()]


def test_text_numbers_and_blanks(workbook):
    path = workbook(
        [
            ["Company", "Employees", "Revenue", "Phone", "Zip"],
            ["Acme, SL", 5.0, 12.5, 34600111222, "08001"],
            [],
            ["Ñandú\nSA", -3, 1e20, "+34 600", " x "],
        ]
    )
    table = open_table(path)
    assert (table.kind, table.header_line) == ("xlsx", 1)
    assert table.headers == ["Company", "Employees", "Revenue", "Phone", "Zip"]
    assert [row.line_number for row in table.rows()] == [2, 4]
    assert values(table) == [
        ["Acme, SL", "5", "12.5", "34600111222", "08001"],
        ["Ñandú\nSA", "-3", "1e+20", "+34 600", " x "],
    ]
    assert table.count_rows() == 2
    assert not table.warnings


@pytest.mark.parametrize("begins_1904", [False, True])
def test_dates_are_iso(workbook, begins_1904):
    def fill(book, sheet):
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        moment = book.add_format({"num_format": "d-mmm-yy h:mm"})
        time = book.add_format({"num_format": "hh:mm:ss"})
        elapsed = book.add_format({"num_format": "[h]:mm"})
        money = book.add_format({"num_format": '#,##0.00 "dollars (USD)"'})
        red = book.add_format({"num_format": "[Red]0.00"})
        built_in = book.add_format({"num_format": 14})
        sheet.write_datetime(1, 0, dt.date(2026, 1, 31), day)
        sheet.write_datetime(1, 1, dt.datetime(2026, 1, 31, 10, 30), moment)  # noqa: DTZ001 - sheets have no zone
        sheet.write_datetime(1, 2, dt.time(23, 59, 59), time)
        sheet.write_number(1, 3, 0.5, elapsed)
        sheet.write_number(1, 4, 46000, money)
        sheet.write_number(1, 5, 7, red)
        sheet.write_datetime(1, 6, dt.date(2026, 2, 28), built_in)

    path = workbook([["a", "b", "c", "d", "e", "f", "g"]], fill, date_1904=begins_1904)
    assert values(open_table(path)) == [
        ["2026-01-31", "2026-01-31 10:30:00", "23:59:59", "12:00:00", "46000", "7", "2026-02-28"]
    ]


def test_formulas_give_their_values_and_errors_nothing(workbook):
    def fill(_book, sheet):
        sheet.write_formula(1, 0, "=1+1", None, 2)
        sheet.write_formula(1, 1, '="a"&"b"', None, "ab")
        sheet.write_formula(1, 2, "=1/0", None, "#DIV/0!")
        sheet.write_boolean(1, 3, True)
        sheet.write_string(1, 4, "=cmd()")
        sheet.write_formula(1, 5, "=TRUE", None, True)

    path = workbook([["a", "b", "c", "d", "e", "f"]], fill)
    assert values(open_table(path)) == [["2", "ab", "", "true", "=cmd()", "true"]]


def test_titles_above_and_columns_before_the_table(workbook):
    def fill(_book, sheet):
        sheet.write(0, 1, "Leads of March")
        sheet.write_row(3, 1, ["Name", "City", "Country"])
        sheet.write_row(4, 1, ["Ana", "Vic", "ES"])
        sheet.write(5, 9, "stray")

    table = open_table(workbook((), fill))
    assert table.header_line == 4
    assert table.headers[:4] == ["Column 1", "Name", "City", "Country"]
    first, second = table.rows()
    assert (first.line_number, first.cells["Name"]) == (5, "Ana")
    assert (second.line_number, second.cells["Column 10"]) == (6, "stray")


def test_values_right_of_the_last_column_refuse_their_row(workbook):
    rows = [["Name", "City"]] + [["Ana", "Vic"]] * 150 + [["Bob", "Reus", "x"]]
    table = open_table(workbook(rows))
    assert table.headers == ["Name", "City"]
    assert [row.line_number for row in table.rows() if row.problem] == [152]


def test_rich_text_inline_text_and_escapes(workbook):
    def fill(book, sheet):
        bold = book.add_format({"bold": True})
        sheet.write_rich_string(1, 0, "Ac", bold, "me", " SL")
        sheet.write_string(1, 1, "a\x01b")
        sheet.write_string(1, 2, "_x0041_")

    rows = [["a", "b", "c"]]
    expected = ["Acme SL", "a\x01b", "_x0041_"]
    assert values(open_table(workbook(rows, fill))) == [expected]
    inline = workbook([*rows, ["Acme SL", "ñ", ""]], None, constant_memory=True)
    assert values(open_table(inline)) == [["Acme SL", "ñ", ""]]


def test_the_first_visible_sheet_is_read_and_the_others_mentioned(workbook):
    def fill(book, sheet):
        second = book.add_worksheet("Prospects")
        second.write_row(0, 0, ["Name", "City"])
        second.write_row(1, 0, ["Ana", "Vic"])
        book.add_worksheet("More")
        second.activate()
        second.set_first_sheet()
        sheet.hide()

    table = open_table(workbook([["hidden", "sheet"]], fill))
    assert values(table) == [["Ana", "Vic"]]
    assert "Prospects" in str(table.warnings[0])


def test_reading_goes_on_from_a_row_and_headers_may_be_given(workbook):
    table = open_table(workbook([["a", "b"], [1, 2], [3, 4], [5, 6]]))
    assert [row.line_number for row in table.rows(start_line=3)] == [3, 4]
    given = open_table(workbook([["a", "b"], [1, 2]]), headers=["x", "y"])
    assert values(given) == [["a", "b"], ["1", "2"]]


def test_memory_does_not_grow_with_the_sheet(workbook):
    rows = [["Company", "Email", "City"], *[[f"Acme {i}", f"a{i}@example.com", "Vic"] for i in range(4_000)]]
    path = workbook(rows)
    tracemalloc.start()
    assert open_table(path).count_rows() == 4_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_500_000


def test_a_cell_in_the_last_corner_of_the_sheet_costs_nothing(workbook):
    def fill(_book, sheet):
        sheet.write(1_048_575, 16_383, "here")

    with pytest.raises(NotATable):
        open_table(workbook([], fill))
    table = open_table(workbook([["a", "b"], *[[1, 2]] * 120], fill))
    last = list(table.rows())[-1]
    assert last.line_number == 1_048_576
    assert last.problem


# Archives that are none, or lie


def rewritten(path, **replaced):
    """The workbook with parts replaced (None: left out); names as `xl__workbook_xml`."""
    out = io.BytesIO()
    replaced = {k.replace("__", "/").replace("_", "."): v for k, v in replaced.items()}
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = replaced.get(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    path.write_bytes(out.getvalue())
    return path


SHEET = '<worksheet xmlns="x"><sheetData>{}</sheetData></worksheet>'
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + SHEET


@pytest.mark.parametrize(
    ("replaced", "sentence"),
    [
        ({"xl__workbook_xml": None}, "another kind of document"),
        ({"xl__workbook_xml": b"<workbook/>"}, "damaged"),
        ({"xl__worksheets__sheet1_xml": None}, "damaged"),
        ({"xl__worksheets__sheet1_xml": b"<worksheet><sheetData>"}, "damaged"),
        ({"xl__worksheets__sheet1_xml": SHEET.format("").encode()}, "empty"),
        ({"xl__worksheets__sheet1_xml": BOMB.format("&b;").encode()}, "damaged"),
        ({"xl__worksheets__sheet1_xml": SHEET.format('<row r="1"><c r="A1" t="s"><v>99</v></c></row>').encode()}, "damaged"),
        ({"xl__worksheets__sheet1_xml": SHEET.format('<row r="x"><c r="A1"><v>1</v></c></row>').encode()}, "damaged"),
        ({"xl__worksheets__sheet1_xml": SHEET.format('<row r="1"><c r="ZZZZ1"><v>1</v></c></row>').encode()}, "damaged"),
        ({"xl__sharedStrings_xml": b'<sst count="1" uniqueCount="99999999999999999"></sst>'}, "damaged"),
    ],
)  # fmt: skip
def test_forged_workbooks_are_refused(workbook, replaced, sentence):
    path = rewritten(workbook([["a", "b"], ["c", "d"]]), **replaced)
    with pytest.raises(NotATable) as refused:
        open_table(path)
    assert sentence in str(refused.value.message)


def test_cells_and_rows_without_references_follow_one_another(workbook):
    rows = "<row><c t='inlineStr'><is><t>a</t></is></c><c t='str'><v>b</v></c></row><row><c><v>1</v></c><c><v>2.50</v></c></row>"
    table = open_table(rewritten(workbook([["x"]]), xl__worksheets__sheet1_xml=SHEET.format(rows).encode()))
    assert table.headers == ["a", "b"]
    assert values(table) == [["1", "2.5"]]


def test_a_sheet_that_breaks_off_further_down_says_so_when_it_is_read(workbook):
    path = workbook([["a", "b"], *[["x", "y"]] * 20_000])
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    table = open_table(rewritten(path, xl__worksheets__sheet1_xml=sheet[:-200]))
    with pytest.raises(NotATable):
        table.count_rows()


@pytest.mark.parametrize("seed", range(4))
def test_broken_workbooks_never_break_the_reader(workbook, seed):
    chance = random.Random(seed)
    path = workbook([["Name", "City", "When"], *[["Ana", "Vic", i] for i in range(20)]])
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(60):
        if chance.random() < 0.5:
            broken = bytearray(whole)
            for _ in range(4):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            path.write_bytes(bytes(broken))
        else:
            name = chance.choice([n for n in parts if n.startswith("xl/")])
            part = bytearray(parts[name])
            place = chance.randrange(len(part))
            part[place : place + chance.randrange(20)] = chance.choice(
                [b"", b"<", b"99999999999999", b"\xff", b'"']
            )
            with zipfile.ZipFile(path, "w") as archive:
                for other, content in parts.items():
                    archive.writestr(other, bytes(part) if other == name else content)
        try:
            table = open_table(path)
            for row in table.rows():
                assert list(row.cells) == table.headers
        except NotATable:
            pass


@pytest.mark.parametrize(
    ("number", "text"),
    [(5.0, "5"), (-3.0, "-3"), (0.1, "0.1"), (1e15, "1000000000000000"), (1e16, "1e+16"), (12.50, "12.5")],
)
def test_number_text(number, text):
    assert number_text(number) == text


@pytest.mark.parametrize(
    ("serial", "text"),
    [
        (61, "1900-03-01"),
        (46053, "2026-01-31"),
        (46053.4375, "2026-01-31 10:30:00"),
        (0.5, "12:00:00"),
        (0, "00:00:00"),
        (1e9, "1000000000"),
        (46053.9999999, "2026-02-01"),
    ],
)
def test_moment_text(serial, text):
    assert moment_text(serial) == text


def test_merged_cells_reach_over_their_rows(workbook):
    def fill(book, sheet):
        plain = book.add_format()
        sheet.merge_range("A1:A2", "Company", plain)  # a header of two lines is none of the data
        sheet.merge_range("A3:A5", "Acme", plain)
        sheet.merge_range("C3:D3", "wide", plain)
        sheet.merge_range("A6:A7", "Nord", plain)
        sheet.write_column(2, 1, ["Ana", "Bob", "Eva", "Leo"])
        sheet.write_row(0, 1, ["Name", "Note", "More"])

    table = open_table(workbook((), fill))
    assert "merged" in str(table.warnings[0])
    assert table.headers == ["Company", "Name", "Note", "More"]
    assert [(r.line_number, r.cells["Company"], r.cells["Name"], r.cells["More"]) for r in table.rows()] == [
        (3, "Acme", "Ana", ""), (4, "Acme", "Bob", ""), (5, "Acme", "Eva", ""), (6, "Nord", "Leo", ""),
    ]  # fmt: skip
    assert [row.cells["Company"] for row in table.rows(start_line=5)] == ["Acme", "Nord"]


@pytest.mark.parametrize(
    ("part", "begin", "end", "sentence"),
    [
        (
            "sheet1",
            "<worksheet xmlns='x'><sheetData><row><c t='str'><v>",
            "</v></c></row>",
            "larger than any",
        ),
        ("sheet1", "<worksheet xmlns='x'><sheetData a='", "'>", "larger than any"),
        ("strings", "<sst xmlns='x'><si><t>", "</t></si></sst>", "larger than any"),
    ],
)
def test_bombs_are_refused_before_they_unpack(workbook, part, begin, end, sentence):
    name = {"sheet1": "xl/worksheets/sheet1.xml", "strings": "xl/sharedStrings.xml"}[part]
    path = workbook([["a", "b"], ["c", "d"]])
    with zipfile.ZipFile(path) as old:
        parts = {each: old.read(each) for each in old.namelist() if each != name}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for each, content in parts.items():
            new.writestr(each, content)
        with new.open(name, "w", force_zip64=True) as stream:
            stream.write(begin.encode())
            for _ in range(110):
                stream.write(b"a" * 1_000_000)
            stream.write(end.encode())
    tracemalloc.start()
    with pytest.raises(NotATable) as refused:
        open_table(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sentence in str(refused.value.message)
    assert peak < 3_000_000


@pytest.mark.parametrize("begin", ["<c t='str'><v>", "<c t='"])
def test_a_cell_and_a_tag_have_an_end(workbook, begin):
    sheet = f"<worksheet xmlns='x'><sheetData><row>{begin}".encode() + bytes(range(97, 123)) * 200_000
    with pytest.raises(NotATable):
        open_table(rewritten(workbook([["a", "b"]]), xl__worksheets__sheet1_xml=sheet))
