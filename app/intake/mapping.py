"""Which column of an uploaded table means which field: a suggestion that the person confirms or changes.

Knows how the headers of common exports (Salesforce, HubSpot, Zoho, Dynamics, Google, Outlook) and plain
spreadsheets in English, Spanish and Catalan call things.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from app.intake.manner import ACCOUNT, CONTACT, LEAD, OF_ACCOUNT, PAIR
from app.kernel import refs
from app.kernel.fold import fold

# Beside a field's own name and its labels.  Case, accents, blanks and punctuation do not count.
SYNONYMS: Mapping[str, str] = {
    "last_name": "Surname|Family Name|Second Name|Apellido|Apellidos|Primer Apellido|Cognom|Cognoms|Lastname",
    "first_name": "Given Name|Forename|Firstname|Nombre|Nombre de pila|Nom|Nom de pila|Prénom",
    "full_name": "Contact Name|Fullname|Display Name|Complete Name|Person|Contact Person|Persona de contacto|Nombre del contacto"
    "|Persona de contacte|Nom del contacte",
    "full_name_two": "Nombre completo|Nombre y apellidos|Apellidos y nombre|Nom complet|Nom i cognoms|Cognoms i nom",
    "title": "Job Title|Position|Role|Cargo|Puesto|Càrrec|Job|Job Position|Job Role",
    "company": "Company Name|Account|Account Name|Company / Account|Organization|Organisation|Organization Name"
    "|Organisation Name|Associated Company|Business Name|Business|Employer|Firm|Empresa|Compañía|Razón Social"
    "|Nombre de la empresa|Nombre Empresa|Companyia|Raó social|Nom de l'empresa|Organización|Organització",
    "email": "Email Address|E-mail Address|E-mail|Mail|Primary Email|Work Email|Business Email|Email 1"
    "|E-mail 1 - Value|Correo|Correo electrónico|Correu|Correu electrònic|Email Addresses|Correo-e|EMail1",
    "phone": "Phone Number|Telephone|Telephone Number|Tel|Tel.|Business Phone|Work Phone|Office Phone|Phone 1"
    "|Phone 1 - Value|Primary Phone|Main Phone|Teléfono|Telèfon|Teléfono fijo|Fixed Phone|Landline",
    "mobile": "Mobile Phone|Mobile Number|Mobile Phone Number|Cell|Cell Phone|Cellphone|Handy|Móvil|Mòbil"
    "|Teléfono móvil|Telèfon mòbil|Celular",
    "website": "Web Site|Web|URL|Homepage|Home Page|Website URL|Company Website|Web Address|Domain"
    "|Company Domain Name|Página web|Sitio web|Pàgina web|Lloc web|Web Page",
    "status": "Lead Status|Stage|Lead Stage|Estado del lead|Estat del lead|Estatus",
    "source": "Lead Source|Origin|Original Source|Channel|Source Name|Origen|Origen del lead|Fuente|Font|Canal"
    "|Fuente de posible cliente|UTM Source",
    "rating": "Lead Rating|Temperature|Valoración|Valoració|Calificación|Prioridad|Priority",
    "industry": "Sector|Industry Sector|Vertical|Branch|Industria|Indústria|Ramo|Line of Business",
    "employees": "No. of Employees|No of Employees|Number of Employees|Num Employees|# Employees|Employee Count"
    "|Employee Size|Headcount|Company Size|NumberOfEmployees|Empleados|Número de empleados|N.º de empleados"
    "|Nº empleados|Treballadors|Nombre de treballadors|Empleats|Nombre d'empleats|Plantilla",
    "annual_revenue": "Revenue|Annual Sales|Turnover|Yearly Revenue|Sales Revenue|Ingresos anuales|Facturación"
    "|Facturación anual|Ingressos anuals|Facturació|Facturació anual|Ventas anuales|Volumen de negocio",
    "street": "Address|Street Address|Address Line 1|Address 1|AddressLine1|Address1|Mailing Street|Street 1"
    "|Address 1: Street 1|Dirección|Calle|Domicilio|Adreça|Carrer|Business Street|Primary Street",
    "city": "Town|Mailing City|Address 1: City|Locality|Ciudad|Población|Municipio|Localidad|Ciutat|Població"
    "|Municipi|Business City|Primary City",
    "state": "State/Province|State / Region|State/Region|Province|Region|County|State or Province|Mailing State"
    "|Address 1: State/Province|Provincia|Estado/Provincia|Comunidad Autónoma|Región|Província|Comarca|Regió"
    "|Business State|Primary State|StateProvince|State Province Code|StateProvinceCode",
    "postal_code": "Zip|Zip Code|ZIP/Postal Code|Zip / Postal Code|Postal|Postcode|Post Code|PLZ|Mailing Zip"
    "|Mailing Zip/Postal Code|Address 1: ZIP/Postal Code|Código postal|CP|C.P.|Codi postal|Business Postal Code"
    "|Primary Postal Code",
    "country": "Country/Region|Country / Region|Country Code|Country Name|Mailing Country|Nation|País"
    "|Address 1: Country/Region|Business Country/Region|Código de país|Codi de país|Primary Country",
    "product_interest": "Product|Product of Interest|Products|Interested In|Interest|Solution|Producto"
    "|Producto de interés|Interés|Producte|Producte d'interès|Interès|Business Segment",
    "campaign": "Campaign Name|Campaign Source|UTM Campaign|Campaña|Campanya|Landing Page|Landing Page ID|Campaign ID",
    "campaign_id": "Campaign|Campaign Name|Campaign Source|UTM Campaign|Campaña|Campanya|Landing Page|Campaign ID",
    "campaign_name": "Campaign|Campaign Name|Campaign Source|UTM Campaign|Campaña|Campanya|Landing Page",
    "description": "Notes|Note|Comments|Comment|Remarks|Message|Details|Descripción|Notas|Comentarios"
    "|Observaciones|Mensaje|Descripció|Comentaris|Observacions|Missatge|Lead Description",
    "external_id": "External Identifier|Lead ID|Record ID|Id|Lead Number|Reference|Ref|ID externo|ID extern"
    "|Identificador|Referencia|Referència|Record Id - Contact|Contact ID|Account ID|UUID|Key",
    "arrived_at": "Created|Created At|Created Time|Created On|Create Date|Created Date|Date Created|Creation Date"
    "|Date|Date Received|Received|Arrival Time|Submitted At|Timestamp|Fecha|Fecha de creación|Fecha de alta"
    "|Creado|Data de creació|Data d'alta|Data|First Contact Date",
    "budget": "Presupuesto|Pressupost",
    "authority": "Decision Maker|Autoridad|Decisor|Autoritat",
    "need": "Needs|Necesidad|Necessitat",
    "timeframe": "Time Frame|Timeline|Purchase Timeframe|Buying Timeframe|Plazo|Termini",
    # Accounts and contacts
    "name": "Account Name|Company|Company Name|Organization|Organization Name|Reseller|Reseller Name|Customer"
    "|Customer Name|Cliente|Client|Nombre de la cuenta|Nom del compte|Empresa|Razón Social|Raó social",
    "account_number": "Account No|Account No.|Customer Number|Customer No|Número de cuenta|Número de compte"
    "|Código de cliente|Codi de client",
    "site": "Account Site|Location|Sede|Seu",
    "type": "Account Type|Business Type|Tipo|Tipo de cuenta|Tipus|Tipus de compte",
    "category": "Customer Category|Categoría|Categoria",
    "account_id": "Account|Account Name|Company|Company Name|Organization|Parent Account|Cuenta|Empresa|Compte",
    "reports_to_id": "Reports To|Manager|Depende de|Depèn de",
    "parent_id": "Parent Account|Parent Company|Parent|Cuenta matriz|Empresa matriz|Compte pare|Empresa matriu",
    "billing_street": "Billing Address|Billing Address Line 1|Address|Street|Street Address|Address Line 1",
    "billing_city": "City|Town|Ciudad|Ciutat|Población|Població",
    "billing_state": "Billing State/Province|State|State/Province|Province|Region|Provincia|Província",
    "billing_postal_code": "Billing Zip|Billing Zip/Postal Code|Billing Code|Zip|Zip Code|Postal Code|Postcode"
    "|Código postal|Codi postal",
    "billing_country": "Billing Country/Region|Country|Country/Region|País",
    "shipping_street": "Shipping Address|Shipping Address Line 1|Delivery Address",
    "shipping_postal_code": "Shipping Zip|Shipping Zip/Postal Code|Shipping Code",
    "shipping_state": "Shipping State/Province",
    "shipping_country": "Shipping Country/Region",
}  # fmt: skip

# Words that say what the table is about, and units and languages in parentheses, do not change the meaning.
_OBJECT = re.compile(r"^(?:lead|contact|account|person|prospect|customer|primary|main)[\s:._/-]+")
_BRACKETS = re.compile(r"\(.*?\)|\[.*?\]")


def suggest_mapping(
    headers: Sequence[str], fields: Mapping[str, Iterable[object]], *, guess: bool = True
) -> dict[str, str | None]:
    """Header → field, or None where nothing fits; each field at most once, the surest match first.

    guess: False for what nobody will look at: only a field's name or label counts, whole.

    fields: name → its labels in the three languages (anything with a str()); names and labels win over
    SYNONYMS, and exact headers over those with an object's name in front ("Lead Source", "Account: City").
    """
    own: dict[str, str] = {}
    others: dict[str, str] = {}
    for field, labels in fields.items():
        for label in (field, *labels):
            own.setdefault(_plain(str(label)), field)
    for field in fields:
        for synonym in SYNONYMS.get(field, "").split("|"):
            others.setdefault(_plain(synonym), field)
    others.pop("", None)
    mapping: dict[str, str | None] = dict.fromkeys(headers)
    free = set(fields)
    for read in (_plain, _bare) if guess else (_plain,):
        for known in (own, others) if guess else (own,):
            for header in headers:
                match = known.get(read(header))
                if match in free and mapping[header] is None:
                    mapping[header] = match
                    free.discard(match)
    return mapping


def _plain(header: str) -> str:
    """Letters, marks and digits only, folded."""
    return "".join(c for c in fold(header) if unicodedata.category(c)[0] in "LMN") or fold(header)


def _bare(header: str) -> str:
    text = fold(_BRACKETS.sub(" ", header))
    return _plain(_OBJECT.sub("", text) or text)


# Files of accounts and contacts together, and what exports of Canal hold

_ACCOUNT_WORD = re.compile(
    r"^(?:account|company|organi[sz]ation|customer|business|cuenta|empresa|compte|compañía|companyia)\b[\s:._/-]*",
    re.IGNORECASE,
)
_CONTACT_WORD = re.compile(r"^(?:contact|contacto|contacte|person|persona)\b[\s:._/-]*", re.IGNORECASE)
_NAMES = frozenset({"last_name", "full_name", "full_name_two"})
# What a person has rather than a company, where a header does not say whose it is.
_PERSONAL = frozenset(
    {
        "last_name",
        "first_name",
        "full_name",
        "full_name_two",
        "title",
        "email",
        "mobile",
        "reports_to_id",
        "language",
        "time_zone",
    }
)


def suggest(
    kind: str,
    headers: Sequence[str],
    fields: Mapping[str, Iterable[object]],
    samples: Mapping[str, Sequence[str]],
    *,
    guess: bool = True,
) -> dict[str, str | None]:
    """As `suggest_mapping`, for any kind of rows.  samples: header → values; public names tell what they are."""
    if kind == PAIR and guess:
        found = _suggest_pair(headers, fields)
    else:
        found = suggest_mapping(headers, fields, guess=guess)
    if kind == CONTACT and guess and _NAMES.isdisjoint(found.values()):
        for header in headers:
            if found[header] is None and _plain(header) == "name":
                found[header] = "full_name"
    find_public_names(kind, found, samples)
    return found


def find_public_names(kind: str, found: dict[str, str | None], samples: Mapping[str, Sequence[str]]) -> None:
    """Columns that hold names which Canal gave to records of that kind."""
    kinds = {
        LEAD: {refs.LEAD: "id"},
        ACCOUNT: {refs.ACCOUNT: "id"},
        CONTACT: {refs.CONTACT: "id"},
        PAIR: {refs.ACCOUNT: "account.id", refs.CONTACT: "id"},
    }[kind]
    for header, guessed in found.items():
        given = samples.get(header) or ()
        if not given or guessed not in (None, "external_id"):
            continue
        for ref_kind, name in kinds.items():
            if name not in found.values() and all(refs.is_ref(ref_kind, value) for value in given):
                found[header] = name


def _suggest_pair(headers: Sequence[str], fields: Mapping[str, Iterable[object]]) -> dict[str, str | None]:
    """Header → field of a file of accounts and contacts.

    A header that says whose it is ("Account phone") is the account's or the contact's; another that both
    could have goes with the columns beside it.
    """
    own = suggest_mapping(headers, fields, guess=False)
    accounts = {
        n.removeprefix(OF_ACCOUNT): labels for n, labels in fields.items() if n.startswith(OF_ACCOUNT)
    }
    contacts = {n: labels for n, labels in fields.items() if not n.startswith(OF_ACCOUNT)}
    taken = {name for name in own.values() if name}
    half = CONTACT
    for header in headers:
        if own[header]:
            half = ACCOUNT if str(own[header]).startswith(OF_ACCOUNT) else CONTACT
            if not (half == CONTACT and own[header] not in _PERSONAL):
                continue
            taken.discard(str(own[header]))  # "Phone" is the label of a field of both
            own[header] = None
    half = CONTACT
    for header in headers:
        if own[header]:
            half = ACCOUNT if str(own[header]).startswith(OF_ACCOUNT) else CONTACT
            continue
        name, half = _half_of(header, half, accounts, contacts, taken)
        if name:
            taken.add(name)
        own[header] = name
    return own


def _half_of(
    header: str,
    beside: str,
    accounts: Mapping[str, Iterable[object]],
    contacts: Mapping[str, Iterable[object]],
    taken: set[str],
) -> tuple[str | None, str]:
    """(field, half) of one header.  beside: the half of the column before it."""
    free_accounts = {n: labels for n, labels in accounts.items() if f"{OF_ACCOUNT}{n}" not in taken}
    free_contacts = {n: labels for n, labels in contacts.items() if n not in taken}
    for word, half in ((_ACCOUNT_WORD, ACCOUNT), (_CONTACT_WORD, CONTACT)):
        if word.match(header):
            rest = word.sub("", header)
            free = free_accounts if half == ACCOUNT else free_contacts
            name = _only(rest, free) if rest else "name" if half == ACCOUNT else None
            if name or half == ACCOUNT:
                name = name or _only(header, free)
            if name in free:
                return (f"{OF_ACCOUNT}{name}" if half == ACCOUNT else name), half
    person, company = _only(header, free_contacts), _only(header, free_accounts)
    if person in _PERSONAL or (person and (company is None or beside == CONTACT)):
        return person, CONTACT
    if company:
        return f"{OF_ACCOUNT}{company}", ACCOUNT
    return None, beside


def _only(header: str, fields: Mapping[str, Iterable[object]]) -> str | None:
    return suggest_mapping([header], fields)[header]
