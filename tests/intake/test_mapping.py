"""Suggestions for which column means which field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.intake.mapping import suggest_mapping

LEAD = {
    "last_name": ["Last name", "Apellidos", "Cognoms"],
    "first_name": ["First name", "Nombre", "Nom"],
    "title": ["Title", "Cargo", "Càrrec"],
    "company": ["Company", "Empresa", "Empresa"],
    "email": ["E-mail", "Correo electrónico", "Correu electrònic"],
    "phone": ["Phone", "Teléfono", "Telèfon"],
    "mobile": ["Mobile", "Móvil", "Mòbil"],
    "website": ["Website", "Sitio web", "Lloc web"],
    "status": ["Status", "Estado", "Estat"],
    "source": ["Source", "Origen", "Origen"],
    "rating": ["Rating", "Valoración", "Valoració"],
    "industry": ["Industry", "Sector", "Sector"],
    "employees": ["Employees", "Empleados", "Empleats"],
    "annual_revenue": ["Annual revenue", "Ingresos anuales", "Ingressos anuals"],
    "street": ["Street", "Calle", "Carrer"],
    "city": ["City", "Ciudad", "Ciutat"],
    "state": ["State", "Provincia", "Província"],
    "postal_code": ["Postal code", "Código postal", "Codi postal"],
    "country": ["Country", "País", "País"],
    "product_interest": ["Product interest"],
    "campaign_name": ["Campaign"],
    "description": ["Description"],
    "external_id": ["External id"],
    "arrived_at": ["Arrived"],
}
ACCOUNT = {
    "name": ["Name"], "phone": ["Phone"], "website": ["Website"], "industry": ["Industry"], "employees": ["Employees"],
    "type": ["Type"], "billing_street": ["Billing street"], "billing_city": ["Billing city"],
    "billing_state": ["Billing state"], "billing_postal_code": ["Billing postal code"],
    "billing_country": ["Billing country"], "shipping_city": ["Shipping city"],
}  # fmt: skip


def test_field_names_and_labels_match_in_any_of_the_languages_whatever_case_space_and_accents():
    headers = ["LASTNAME", "first_name", " Empresa ", "correu electronic", "CÓDIGO  POSTAL", "pais"]
    assert list(suggest_mapping(headers, LEAD).values()) == [
        "last_name", "first_name", "company", "email", "postal_code", "country",
    ]  # fmt: skip


# Header > field, as those programs write them.
EXPORTS = {
    "Salesforce": """
        Lead ID > external_id, First Name > first_name, Last Name > last_name,
        Title > title, Company / Account > company, Email > email,
        Phone > phone, Mobile > mobile, Street > street,
        City > city, State/Province > state, Zip/Postal Code > postal_code,
        Country > country, Lead Source > source, Lead Status > status,
        No. of Employees > employees, Annual Revenue > annual_revenue, Rating > rating,
        Industry > industry, Website > website, Description > description,
        Created Date > arrived_at, Lead Owner > -, Unread By Owner > -
    """,
    "Zoho": """
        Record Id > external_id, Lead Owner > -, Company > company,
        First Name > first_name, Last Name > last_name, Designation > -,
        Email > email, Phone > phone, Fax > -,
        Mobile > mobile, Website > website, Lead Source > source,
        Lead Status > status, Industry > industry, No. of Employees > employees,
        Annual Revenue > annual_revenue, Rating > rating, Created Time > arrived_at,
        Street > street, City > city, State > state,
        Zip Code > postal_code, Country > country, Description > description
    """,
    "HubSpot": """
        Record ID > external_id, First Name > first_name, Last Name > last_name,
        Email > email, Phone Number > phone, Mobile Phone Number > mobile,
        Company Name > company, Job Title > title, Lead Status > status,
        Original Source > source, Create Date > arrived_at, Street Address > street,
        City > city, State/Region > state, Postal Code > postal_code,
        Country/Region > country, Website URL > website, Number of Employees > employees,
        Annual Revenue > annual_revenue, Industry > industry
    """,
    "Dynamics": """
        First Name > first_name, Last Name > last_name, Job Title > title,
        Business Phone > phone, Mobile Phone > mobile, Email Address > email,
        Company Name > company, Website > website, Address 1: Street 1 > street,
        Address 1: City > city, Address 1: State/Province > state, Address 1: ZIP/Postal Code > postal_code,
        Address 1: Country/Region > country, No. of Employees > employees, Created On > arrived_at
    """,
    "Spanish spreadsheet": """
        Nombre > first_name, Apellidos > last_name, Empresa > company,
        Cargo > title, Correo > email, Teléfono > phone,
        Móvil > mobile, Dirección > street, Población > city,
        Provincia > state, CP > postal_code, País > country,
        Origen > source, Nº empleados > employees, Facturación > annual_revenue,
        Observaciones > description, Fecha > arrived_at
    """,
    "Catalan spreadsheet": """
        Nom > first_name, Cognoms > last_name, Companyia > company,
        Càrrec > title, Correu > email, Telèfon > phone,
        Adreça > street, Població > city, Província > state,
        Codi postal > postal_code, País > country, Font > source,
        Comentaris > description
    """,
}


@pytest.mark.parametrize("export", EXPORTS)
def test_headers_of_common_exports_are_understood(export):
    pairs = [pair.strip().split(" > ") for pair in EXPORTS[export].split(",")]
    expected = {header: None if field == "-" else field for header, field in pairs}
    assert suggest_mapping(list(expected), LEAD) == expected


def test_accounts_have_names_and_billing_addresses():
    headers = [
        "Account Name",
        "Account Phone",
        "Billing Zip/Postal Code",
        "City",
        "Country",
        "Account: Type",
        "Shipping City",
    ]
    assert list(suggest_mapping(headers, ACCOUNT).values()) == [
        "name", "phone", "billing_postal_code", "billing_city", "billing_country", "type", "shipping_city",
    ]  # fmt: skip


def test_the_surest_column_gets_the_field_wherever_it_stands():
    headers = ["Lead Company", "Organization", "Company"]
    assert suggest_mapping(headers, LEAD) == {
        "Lead Company": None,
        "Organization": None,
        "Company": "company",
    }
    assert suggest_mapping(headers[:2], LEAD) == {"Lead Company": None, "Organization": "company"}
    assert suggest_mapping(headers[:1], LEAD) == {"Lead Company": "company"}


@pytest.mark.parametrize("header", ["", "???", "Fax", "Lead Owner", "Do Not Call", "Company Fax", "x" * 200])
def test_what_nothing_fits_is_left_open(header):
    assert suggest_mapping([header], LEAD) == {header: None}


def test_units_in_brackets_do_not_count():
    assert suggest_mapping(["Annual Revenue (EUR)"], LEAD) == {"Annual Revenue (EUR)": "annual_revenue"}


@given(
    st.lists(
        st.sampled_from([*LEAD, "E-mail", "Correo", "Zip", "Name", "x"]) | st.text(max_size=20), unique=True
    )
)
def test_no_field_is_suggested_twice_and_every_column_is_listed(headers):
    suggested = suggest_mapping(headers, LEAD)
    assert list(suggested) == headers
    found = [f for f in suggested.values() if f is not None]
    assert len(found) == len(set(found))
