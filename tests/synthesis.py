"""Scenario A of the data sets: a leads file of 8,000 real arrivals, with what was anonymised made up anew.

Source: `README.md` in the data folder, "Scenario A" and "Synthesis".  Every invented value is drawn from a
real list by the sha256 of its field and the lead's id, so the same input gives the same bytes everywhere.
The data set is for tests alone: nothing made here is stored in the repository.
"""

import csv
import hashlib
import io
import json
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

SALT = "canal-1"  # changes only together with every expected value
REGIONS = {
    "N": "AC AM AP PA RO RR TO", "NE": "AL BA CE MA PB PE PI RN SE", "CO": "DF GO MS MT", "SE": "ES MG RJ SP",
    "S": "PR RS SC",
}  # fmt: skip
_REGION_OF = {state: region for region, states in REGIONS.items() for state in states.split()}
COLUMNS = (
    "External ID", "Created", "First Name", "Last Name", "Company", "Email", "Source", "Campaign",
    "Product Interest", "Description", "City", "State", "Region", "Zip Code", "Country",
    "Outcome", "Won at", "SDR", "SR", "Synthesised",
)  # fmt: skip


def pick(field: str, key: str, candidates: Sequence[str]) -> str:
    """One of the candidates: always the same for that field and key."""
    digest = hashlib.sha256(f"{SALT}|{field}|{key}".encode()).hexdigest()
    return candidates[int(digest, 16) % len(candidates)]


def slug(text: str) -> str:
    """Lower-case ASCII letters and digits with hyphens between, short enough for a domain label."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")[:63].strip("-") or "x"


def olist_leads(data: Path) -> list[dict[str, str]]:
    """The 8,000 leads in the order in which they arrived (day, then id), by `COLUMNS`.

    data: the folder that holds `olist`, `names-by-country` and `sec-companies`.  "Synthesised" names the
    columns that were made up.  Source is "" where none is known, which is not the literal "unknown".
    """
    leads = _read(data / "olist" / "olist_marketing_qualified_leads_dataset.csv")
    deals = {d["mql_id"]: d for d in _read(data / "olist" / "olist_closed_deals_dataset.csv")}
    sellers = _read(data / "olist" / "olist_sellers_dataset.csv")
    by_seller = {s["seller_id"]: s for s in sellers}
    forenames = _names(data / "names-by-country" / "common-forenames-by-country.csv")
    surnames = _names(data / "names-by-country" / "common-surnames-by-country.csv")
    companies = _companies(data / "sec-companies" / "company_tickers.json")
    states = [s["seller_state"] for s in sellers]
    segments = [d["business_segment"] for d in deals.values() if d["business_segment"]]

    rows = []
    for lead in sorted(leads, key=lambda r: (r["first_contact_date"], r["mql_id"])):
        key = lead["mql_id"]
        deal = deals.get(key, {})
        seller = by_seller.get(deal.get("seller_id", ""), {})
        first, last = pick("first_name", key, forenames), pick("last_name", key, surnames)
        company = pick("company", key, companies)
        made_up = ["First Name", "Last Name", "Company", "Email"]
        state = seller.get("seller_state", "")
        if not state:
            state = pick("region", key, states)
            made_up += ["State", "Region"]
        interest = deal.get("business_segment", "")
        if not interest:
            interest = pick("product_interest", lead["landing_page_id"], segments)
            made_up.append("Product Interest")
        values = (
            key, lead["first_contact_date"], first, last, company,
            f"{slug(first)}.{slug(last)}.{key[:8]}@{slug(company)}.example",
            lead["origin"], lead["landing_page_id"], interest, _description(deal),
            seller.get("seller_city", ""), state, _REGION_OF[state], seller.get("seller_zip_code_prefix", ""), "BR",
            "won" if deal else "open", deal.get("won_date", ""), deal.get("sdr_id", ""), deal.get("sr_id", ""),
            "; ".join(made_up),
        )  # fmt: skip
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def olist_leads_csv(data: Path) -> bytes:
    """`olist_leads` as a file: UTF-8, commas, CRLF."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(olist_leads(data))
    return out.getvalue().encode()


def _description(deal: dict[str, str]) -> str:
    parts = {
        "Lead type": deal.get("lead_type"),
        "Profile": deal.get("lead_behaviour_profile"),
        "Business type": deal.get("business_type"),
    }
    return "\n".join(f"{name}: {value}" for name, value in parts.items() if value)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _names(path: Path) -> list[str]:
    return [row["Localized Name"] for row in _read(path) if row["Country"] == "BR"]


def _companies(path: Path) -> list[str]:
    """Distinct names in file order, the null one left out."""
    rows = json.loads(path.read_text(encoding="utf-8"))["data"]
    return list(dict.fromkeys(row[1] for row in rows if row[1]))
