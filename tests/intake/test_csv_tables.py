"""Reading CSV in its many dialects, and refusing what is no table."""

import csv
import io
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.intake.tables import NotATable, open_table
from tests.shared_data import shared_data


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "upload"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def values(table):
    return [list(row.cells.values()) for row in table.rows()]


# Real files

SPECTRUM = [
    "comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "newlines", "newlines_crlf",
    "quotes_and_newlines", "simple", "simple_crlf", "utf8",
]  # fmt: skip


@pytest.mark.parametrize("name", SPECTRUM)
def test_csv_spectrum(name):
    expected = json.loads(shared_data("csv-spectrum", "json", f"{name}.json").read_text(encoding="utf-8"))
    rows = list(open_table(shared_data("csv-spectrum", "csvs", f"{name}.csv")).rows())
    assert [row.cells for row in rows] == expected
    assert not any(row.problem or row.warning for row in rows)


def test_csv_spectrum_location_coordinates():
    """Its expected JSON has another telephone number than its CSV; the rest agrees, stray quotes included."""
    expected = json.loads(
        shared_data("csv-spectrum", "json", "location_coordinates.json").read_text(encoding="utf-8")
    )
    (row,) = open_table(shared_data("csv-spectrum", "csvs", "location_coordinates.csv")).rows()
    assert row.cells == {**expected, "Contact Phone Number": "2095257564"}


@pytest.mark.parametrize(
    ("name", "encoding", "delimiter", "header_line", "headers", "rows"),
    [
        ("bom", "utf-8-sig", ",", 1, ["id", "name"], [["1", "english"], ["2", "中国人"]]),
        ("latin1", "cp1252", ",", 1, ["id", "name"], [["1", "english"], ["2", "©"]]),
        ("escaping", "utf-8", ",", 1, ["ID", "Test"], [["1", "Test line 1"], ["2", 'Test " line 2'], ["3", 'Test " line 3']]),
        ("long", "utf-8", ",", 1, ["id", "name"], [[str(i), c] for i, c in enumerate("abcdef", start=1)]),
        ("skip-rows-before-headers", "utf-8", ",", 2, ["id", "name"], [["1", "english"], ["2", "中国人"]]),
        ("skip-rows", "utf-8", ",", 2, ["id", "name"], [["1", "english"], ["2", "中国人"]]),
        ("skip-blank-at-the-end", "utf-8", ",", 1, ["test1", "test2"], [["1", "2"]]),
    ],
)  # fmt: skip
def test_csv_special(name, encoding, delimiter, header_line, headers, rows):
    table = open_table(shared_data("csv-special", f"{name}.csv"))
    assert (table.encoding, table.delimiter, table.header_line) == (encoding, delimiter, header_line)
    assert table.headers == headers
    assert values(table) == rows
    assert bool(table.warnings) is (name == "latin1")


def test_csv_special_semicolons_and_quotes():
    accent = open_table(shared_data("csv-special", "accent.csv"))
    assert (accent.delimiter, len(accent.headers), accent.count_rows()) == (";", 17, 2)
    assert next(accent.rows()).cells["accessibilité"] == "24h/24"
    quotes = open_table(shared_data("csv-special", "doublequote.csv"))
    assert (len(quotes.headers), quotes.count_rows()) == (17, 5)
    assert not any(row.problem or row.warning for row in quotes.rows())


@pytest.mark.parametrize(
    ("path", "delimiter", "columns", "rows"),
    [
        ("olist/olist_marketing_qualified_leads_dataset.csv", ",", 4, 8000),
        ("olist/olist_closed_deals_dataset.csv", ",", 14, 842),
        ("olist/olist_sellers_dataset.csv", ",", 4, 3095),
        ("olist/product_category_name_translation.csv", ",", 2, 71),
        ("maven-crm/sales_pipeline.csv", ",", 8, 8800),
        ("maven-crm/accounts.csv", ",", 7, 85),
        ("sp500/constituents.csv", ",", 8, 503),
        ("country-codes/country-codes.csv", ",", 56, 249),
        ("names-by-country/common-surnames-by-country.csv", ",", 8, 2576),
        ("names-by-country/common-forenames-by-country.csv", ",", 12, 2480),
        ("cfpb-complaints/Consumer_Complaints.csv", ",", 18, 268),
        ("febrl/dataset1.csv", ",", 11, 1000),
    ],
)
def test_real_sets_are_read_whole(path, delimiter, columns, rows):
    table = open_table(shared_data(*path.split("/")))
    assert (table.delimiter, len(table.headers), table.header_line) == (delimiter, columns, 1)
    read = list(table.rows())
    assert len(read) == rows
    assert not any(row.problem or row.warning for row in read)


def test_values_of_real_sets_arrive_as_they_stand_in_the_file():
    path = shared_data("cfpb-complaints", "Consumer_Complaints.csv")
    with path.open(encoding="utf-8", newline="") as stream:
        expected = list(csv.DictReader(stream, skipinitialspace=True))
    assert [row.cells for row in open_table(path).rows()] == expected
    sellers = open_table(shared_data("olist", "olist_sellers_dataset.csv"))
    assert all(len(row.cells["seller_zip_code_prefix"]) == 5 for row in sellers.rows())


def test_a_file_without_header_is_read_with_headers_given():
    path = shared_data("adventureworks", "ProspectiveBuyer.csv")
    table = open_table(path, headers=[f"c{i}" for i in range(24)])
    assert (table.delimiter, table.count_rows()) == ("|", 2059)
    assert next(table.rows()).line_number == 1


# Encodings


@pytest.mark.parametrize(
    ("codec", "found", "warns"),
    [
        ("utf-8", "utf-8", False),
        ("utf-8-sig", "utf-8-sig", False),
        ("utf-16", "utf-16", False),
        ("utf-16-le", "utf-16-le", False),
        ("utf-16-be", "utf-16-be", False),
        ("utf-32", "utf-32", False),
        ("cp1252", "cp1252", True),
    ],
)
def test_encodings(file, codec, found, warns):
    text = "Nombre;Población\r\nNúria;L'Hospitalet\r\nJosé;A Coruña\r\n" + "Ana;Vic\r\n" * 50
    table = open_table(file(text.encode(codec)))
    assert table.encoding == found
    assert bool(table.warnings) is warns
    assert table.headers == ["Nombre", "Población"]
    assert values(table)[:2] == [["Núria", "L'Hospitalet"], ["José", "A Coruña"]]


def test_utf_16_written_the_other_way_round(file):
    table = open_table(file(b"\xfe\xff" + "a,b\nñ,2\n".encode("utf-16-be")))
    assert values(table) == [["ñ", "2"]]


def test_latin_1_where_windows_has_gaps(file):
    table = open_table(file(b"name,city\nJos\xe9,\x81\x8d\n"))
    assert table.encoding == "latin-1"
    assert "Latin-1" in str(table.warnings[0])


def test_utf_8_with_a_few_broken_bytes_stays_utf_8_and_says_where(file):
    text = "name,city\n" + "Núria,Mataró\n" * 100
    damaged = text.encode() + b"Jos\xe9,Vic\n"
    table = open_table(file(damaged))
    assert table.encoding == "utf-8"
    assert "1 characters" in str(table.warnings[0])
    rows = list(table.rows())
    assert [bool(row.warning) for row in rows] == [False] * 100 + [True]


def test_an_accent_far_down_the_file_still_decides(file):
    content = b"name,city\n" + b"Ana,Vic\n" * 300_000 + "Núria,Vic\n".encode("cp1252")
    table = open_table(file(content))
    assert table.encoding == "cp1252"


# Dialects


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(file, delimiter):
    rows = [["name", "price", "note"], ["Ana", "1,5", "a; b"], ["Bob", "2|5", "c, d, e"], ["Eva", "3", ""]]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    table = open_table(file(out.getvalue()))
    assert table.delimiter == delimiter
    assert [table.headers, *values(table)] == rows


@pytest.mark.parametrize(
    ("content", "delimiter", "headers", "rows"),
    [
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";", ["a", "b"], [["1,5", "2,5"], ["3,5", "4,5"]]),
        ("email\nana@example.com\nbob@example.com\n", ",", ["email"], [["ana@example.com"], ["bob@example.com"]]),
        ("sep=;\na;b\n1;2\n", ";", ["a", "b"], [["1", "2"]]),
        ('"sep=|"\na|b\n1|2\n', "|", ["a", "b"], [["1", "2"]]),
        ("a,b\n1,2", ",", ["a", "b"], [["1", "2"]]),
        ("a,b\r1,2\r3,4\r", ",", ["a", "b"], [["1", "2"], ["3", "4"]]),
        ("\n\n \na,b\n\n1,2\n,\n\n", ",", ["a", "b"], [["1", "2"]]),
        ("a,b\n", ",", ["a", "b"], []),
        ("a\tb\n1\t\n", "\t", ["a", "b"], [["1", ""]]),
        ('a,b\n"x, ""y""",2\n', ",", ["a", "b"], [['x, "y"', "2"]]),
        ('a,b\n5" pipe,2\n', ",", ["a", "b"], [['5" pipe', "2"]]),
        ('a, b\n"1", "2"\n', ",", ["a", "b"], [["1", "2"]]),
        ("Leads of March\nexported 2026-03-31, by Ana\n\nname,city,state,country\nAna,Vic,B,ES\n", ",",
         ["name", "city", "state", "country"], [["Ana", "Vic", "B", "ES"]]),
        ("Report;;;\n;;;\nname;city;state;country\nAna;Vic;B;ES\n", ";",
         ["name", "city", "state", "country"], [["Ana", "Vic", "B", "ES"]]),
        ("#,name\n1,Ana\n2,Bob\n", ",", ["#", "name"], [["1", "Ana"], ["2", "Bob"]]),
        ("name,city,,\nAna,Vic,,\n", ",", ["name", "city"], [["Ana", "Vic"]]),
        ("name,,city\nAna,x,Vic\n", ",", ["name", "Column 2", "city"], [["Ana", "x", "Vic"]]),
        ("name,city,\nAna,Vic,x\n", ",", ["name", "city", "Column 3"], [["Ana", "Vic", "x"]]),
        ("Name,name,Name\n1,2,3\n", ",", ["Name", "name (2)", "Name (3)"], [["1", "2", "3"]]),
        ('"first\nname",b\n1,2\n', ",", ["first name", "b"], [["1", "2"]]),
        ("a,b\n1,2\na,b\n3,4\n", ",", ["a", "b"], [["1", "2"], ["3", "4"]]),
        ("a,b\n=1+1,'x\n", ",", ["a", "b"], [["=1+1", "'x"]]),
        ("שם,עיר\nדנה,חיפה\n", ",", ["שם", "עיר"], [["דנה", "חיפה"]]),
    ],
)  # fmt: skip
def test_forms_of_csv(file, content, delimiter, headers, rows):
    table = open_table(file(content))
    assert table.delimiter == delimiter
    assert table.headers == headers
    assert values(table) == rows
    assert table.count_rows() == len(rows)


def test_three_hundred_columns(file):
    header = ",".join(f"Field {i}" for i in range(300))
    line = ",".join(f'"value, {i}"' for i in range(300))
    table = open_table(file(f"{header}\n" + f"{line}\n" * 5))
    assert len(table.headers) == 300
    assert values(table)[4][299] == "value, 299"


def test_ten_thousand_characters_in_a_cell(file):
    table = open_table(file("name,city\n" + "x" * 10_000 + ",Vic\n"))
    assert values(table) == [["x" * 10_000, "Vic"]]


# What is wrong with single rows


def problems(table):
    return {row.line_number: str(row.problem) for row in table.rows() if row.problem}


def test_ragged_rows_are_reported_and_the_others_taken(file):
    table = open_table(file("a,b,c\n1,2,3\n1,2\n1,2,3,4\n1,2,3,\n4,5,6\n"))
    rows = list(table.rows())
    assert [row.line_number for row in rows] == [2, 3, 4, 5, 6]
    assert str(rows[1].warning) == "2 cells where there are 3 columns; the others were taken as empty."
    assert rows[1].cells == {"a": "1", "b": "2", "c": ""}
    assert problems(table) == {4: "4 cells where there are 3 columns."}
    assert [bool(row.warning) for row in rows] == [False, True, False, False, False]


def test_a_nul_refuses_its_row_only(file):
    table = open_table(file(b"a,b\n1,x\0y\n3,4\n" + b"5,6\n" * 50))
    assert list(problems(table)) == [2]
    assert next(table.rows()).cells == {"a": "1", "b": "x␀y"}
    assert table.count_rows() == 52


def test_a_forgotten_quote_costs_one_row(file):
    table = open_table(file('a,b\n1,2\n3,"four\n' + "5,6\n" * 100))
    assert list(problems(table)) == [3]
    assert table.count_rows() == 102
    assert values(table)[2:] == [["5", "6"]] * 100


def test_a_forgotten_quote_in_a_large_file_costs_one_row(file):
    table = open_table(file('a,b\n1,2\n3,"four\n' + "5,6\n" * 50_000))
    assert list(problems(table)) == [3]
    assert table.count_rows() == 50_002


def test_many_forgotten_quotes_do_not_take_for_ever(file):
    table = open_table(file("a,b\n" + ('1,"x\n' + "2,y\n" * 1500) * 200))
    assert sum(1 for row in table.rows() if not row.problem) >= 290_000


def test_a_forgotten_quote_in_the_last_line(file):
    table = open_table(file('a,b\n1,2\n3,"4\n'))
    assert list(problems(table)) == [3]
    assert values(table)[0] == ["1", "2"]


def test_cells_with_line_breaks_count_their_lines(file):
    table = open_table(file('a,b\n"x\ny\r\nz",1\n2,3\n'))
    assert [(row.line_number, row.cells["a"]) for row in table.rows()] == [(2, "x\ny\r\nz"), (5, "2")]


def test_a_cell_beyond_all_measure_costs_one_row(file):
    table = open_table(file("a,b\n1,2\n" + "x" * 200_000 + ",2\n3,4\n"))
    assert list(problems(table)) == [3]
    assert table.count_rows() == 3


def test_a_line_beyond_all_measure_costs_one_row(file):
    table = open_table(file("a,b\n1,2\n" + "x," * 3_000_000 + "\n3,4\n"))
    assert list(problems(table)) == [3]
    assert values(table)[-1] == ["3", "4"]


# Going on


def test_reading_goes_on_from_a_line(file):
    table = open_table(file('a,b\n1,2\n"x\ny",3\n\n4,5\n6,"7\n8,9\n'))
    rows = list(table.rows())
    assert [row.line_number for row in rows] == [2, 3, 6, 7, 8]
    for i, row in enumerate(rows):
        assert list(table.rows(start_line=row.line_number)) == rows[i:] or i == 3
    assert [r.line_number for r in table.rows(start_line=7)] == [7, 8]
    assert list(table.rows(start_line=100)) == []


def test_memory_does_not_grow_with_the_file(file):
    path = file("Company,Email,City\n" + '"Acme, SL",ana@example.com,Barcelona\n' * 30_000)
    table = open_table(path)
    tracemalloc.start()
    assert sum(1 for _ in table.rows()) == 30_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500_000


# What is no table


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"\n\r\n  \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\xff\xfe", "empty"),
        (b"\0\0\0\0", "empty"),
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old Excel"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "picture"),
        (b"GIF89a....", "picture"),
        (b"\x1f\x8b\x08\0", "compressed"),
        (b"\x7fELF" + b"\0" * 50, "program"),
        (b"SQLite format 3\0" + b"\0" * 50, "database"),
        (bytes(range(256)) * 20, "not a text file"),
        (b"a,b\n" + b"\x01\x02\x03\x04" * 30, "not a text file"),
        (b"a\0b\0,\0\0\0x\0\0" * 30, "not a text file"),
        (b"<!DOCTYPE html><html><body>Please sign in</body></html>", "web page"),
        (b"\xef\xbb\xbf  <html>", "web page"),
        (b'<?xml version="1.0"?><rows/>', "web page or XML"),
        (b'{"leads": []}', "JSON"),
        (b'[\n  {"name": "Ana"}\n]', "JSON"),
        (b"BEGIN:VCALENDAR\nVERSION:2.0\n", "calendar entries"),
        (b"x" * 5_000_000, "one enormous line"),
        (b"x" * 2_000 + b",b\n1,2\n", "no header"),
        (b'"a,b\n' + b"1,2\n" * 300, "never closed"),
        (b"\xff\xfea", "damaged"),
        (b",".join([b"x"] * 2001) + b"\n", "2000 columns"),
        (b"PK\x03\x04 and then nothing", "damaged"),
    ],
)
def test_what_is_no_table_is_refused_with_a_sentence(file, content, sentence):
    with pytest.raises(NotATable) as refused:
        open_table(file(content))
    assert sentence in str(refused.value.message)
    assert refused.value.errors == {"file": [refused.value.message]}


@given(st.binary(max_size=3000))
@settings(deadline=None)
def test_any_bytes_are_a_table_or_not_one(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "upload"
    path.write_bytes(content)
    try:
        table = open_table(path)
    except NotATable:
        return
    assert len(set(table.headers)) == len(table.headers) > 0
    for row in table.rows():
        assert list(row.cells) == table.headers
        assert not any("\0" in cell for cell in row.cells.values())


letters = st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\\") | st.just("\n")
cell = st.text(alphabet=letters).map(str.strip)


@given(
    st.lists(st.lists(cell, min_size=3, max_size=3).filter(any), min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
@settings(deadline=None)
def test_what_a_csv_writer_writes_is_read_back(tmp_path_factory, rows, delimiter, codec):
    header = ["First name", "Company", "Notes"]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    path = tmp_path_factory.mktemp("written") / "upload"
    path.write_bytes(out.getvalue().encode(codec))
    table = open_table(path, delimiter=delimiter)
    assert table.headers == header
    assert values(table) == [row for row in rows if row != header]
