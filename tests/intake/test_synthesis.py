"""The leads file of scenario A is the same on every machine, and is what its description says."""

import hashlib
from collections import Counter

import pytest

from app.intake.tables import open_table
from app.kernel.countries import country_code
from tests.shared_data import shared_data
from tests.synthesis import COLUMNS, olist_leads, olist_leads_csv, pick, slug

SHA256 = "85b7caf5ea35c131e53cb50dae806a87bb43cdc829a6d8e65a6fff37a3f7d1b9"


@pytest.fixture(scope="module")
def data():
    for folder in ("olist", "names-by-country", "sec-companies"):
        shared_data(folder)
    return shared_data()


@pytest.fixture(scope="module")
def leads(data):
    return olist_leads(data)


def test_the_bytes_never_change(data):
    assert hashlib.sha256(olist_leads_csv(data)).hexdigest() == SHA256


def test_all_leads_are_there_in_the_order_of_arrival(leads):
    assert len(leads) == 8000
    assert len({lead["External ID"] for lead in leads}) == 8000
    days = [lead["Created"] for lead in leads]
    assert days == sorted(days)
    assert (days[0], days[-1], len(set(days))) == ("2017-06-14", "2018-05-31", 336)
    assert Counter(days).most_common(1) == [("2018-05-02", 93)]


def test_what_is_real_stays_real(leads):
    sources = Counter(lead["Source"] for lead in leads)
    assert (sources["organic_search"], sources["unknown"], sources[""]) == (2296, 1099, 60)
    won = [lead for lead in leads if lead["Outcome"] == "won"]
    assert len(won) == 842
    assert (len({lead["SDR"] for lead in won}), len({lead["SR"] for lead in won})) == (32, 22)
    real = Counter(lead["State"] for lead in leads if "State" not in lead["Synthesised"])
    assert sum(real.values()) == 380
    assert (real["SP"], real["PR"], real["PE"]) == (232, 32, 1)
    assert all(len(lead["Zip Code"]) in {0, 5} for lead in leads)


def test_what_is_made_up_is_marked_and_plausible(leads):
    assert all(
        lead["Last Name"] and lead["Company"] and lead["State"] and lead["Product Interest"] for lead in leads
    )
    assert all(lead["Email"].endswith(".example") for lead in leads)
    assert len({lead["Email"] for lead in leads}) == 8000
    assert len({(lead["First Name"], lead["Last Name"]) for lead in leads}) <= 1320
    per_campaign: dict[str, set[str]] = {}
    for lead in leads:
        if "Product Interest" in lead["Synthesised"]:
            per_campaign.setdefault(lead["Campaign"], set()).add(lead["Product Interest"])
    assert all(len(interests) == 1 for interests in per_campaign.values())


def test_the_file_is_a_table_like_any_other(data, tmp_path, leads):
    path = tmp_path / "leads.csv"
    path.write_bytes(olist_leads_csv(data))
    table = open_table(path)
    assert table.headers == list(COLUMNS)
    rows = list(table.rows())
    assert [row.cells for row in rows] == leads
    assert not any(row.problem or row.warning for row in rows)
    assert country_code(rows[0].cells["Country"]) == "BR"


def test_choices_depend_on_field_and_key_alone():
    assert pick("a", "1", ["x"]) == "x"
    assert len({pick("a", str(i), list("xyz")) for i in range(50)}) == 3
    assert pick("first_name", "k", list("abcdefgh")) == pick("first_name", "k", list("abcdefgh"))


@pytest.mark.parametrize(
    ("text", "slugged"),
    [
        ("Antônia", "antonia"),
        ("BANK OF AMERICA CORP /DE/", "bank-of-america-corp-de"),
        ("王", "x"),
        ("a" * 80, "a" * 63),
    ],
)
def test_slug(text, slugged):
    assert slug(text) == slugged
