"""Countries: ISO 3166-1 codes, and their names in the three languages.

Stored and compared as two-letter codes; people, files and other systems may write a code, a three-letter
code, or a name in English, Spanish or Catalan.
"""

import re
from functools import lru_cache
from pathlib import Path

from app.kernel.fold import fold

_LANGUAGES = ("en", "es", "ca")
_PARENTHESES = re.compile(r"\(.*?\)|\[.*?\]")

# What people and other systems write beside the names that Babel knows.
_ALIASES = {
    "AE": "UAE|Emirates|Emiratos Árabes|Emirats Àrabs",
    "BA": "Bosnia",
    "BH": "Bahrein",
    "BL": "San Barthélemy",
    "BN": "Brunei Darussalam|Brunéi Darussalam",
    "BO": "Bolivia Plurinational State of|Bolivia Estado Plurinacional de",
    "BQ": "Bonaire Sint Eustatius and Saba|Bonaire San Eustaquio y Saba",
    "BR": "Brasil",
    "BS": "Bahamas",
    "BY": "Belorussia|Bielorússia|Belarus|Bielorrusia",
    "CC": "Islas Cocos Keeling",
    "CD": "Democratic Republic of the Congo|DR Congo|DRC|Zaire|Congo Kinshasa"
    "|República Democrática del Congo|Congo DRC|Congo Democratic Republic of the",
    "CG": "Congo|Congo Brazzaville|Republic of the Congo",
    "CH": "Suisse|Schweiz|Svizzera",
    "CI": "Ivory Coast|Costa de Marfil|Costa d'Ivori|Cote d'Ivoire",
    "CN": "PRC|People's Republic of China|República Popular China|Mainland China",
    "CV": "Cape Verde|Cabo Verde|Cap Verd",
    "CX": "Isla Christmas",
    "CZ": "Czech Republic|República Checa|República Txeca|Chequia|Czechia",
    "DE": "Deutschland|Federal Republic of Germany",
    "DO": "Rep. Dominicana|República Dominicana|Dominican Rep.",
    "EH": "Western Sahara|Sáhara Occidental",
    "ES": "España|Reino de España|Kingdom of Spain|Espanya",
    "FJ": "Fiji Islands",
    "FK": "Falkland Islands Malvinas|Islas Malvinas|Malvinas|Falklands|Falkland Islands Islas Malvinas"
    "|Islas Malvinas Falkland",
    "FM": "Micronesia Federated States of|Federated States of Micronesia|Micronesia Estados Federados de",
    "GB": "UK|U.K.|Great Britain|England|Scotland|Wales|Northern Ireland|Britain|Gran Bretaña"
    "|Gran Bretanya|Inglaterra|Anglaterra|Escocia|Escòcia|Gales|Gal·les|Irlanda del Norte"
    "|Irlanda del Nord|United Kingdom of Great Britain and Northern Ireland"
    "|Reino Unido de Gran Bretaña e Irlanda del Norte",
    "GM": "Gambia",
    "GR": "Hellas|Ellada",
    "GS": "Georgia del Sur y las Islas Sandwich del Sur",
    "HK": "Hong Kong|China Hong Kong Special Administrative Region|Hong Kong SAR"
    "|China región administrativa especial de Hong Kong",
    "HM": "Heard and McDonald Islands|Heard Island and McDonald Islands",
    "IE": "Eire|Republic of Ireland|República de Irlanda",
    "IR": "Islamic Republic of Iran|Persia|Irán República Islámica del|Iran Islamic Republic of",
    "IT": "Italia|Itàlia",
    "KG": "Kyrgyz Republic|Kirguizistán",
    "KN": "St Kitts Nevis|San Cristóbal y Nieves",
    "KP": "Democratic People's Republic of Korea|DPRK|Korea North|Korea Democratic People's Republic of"
    "|República Popular Democrática de Corea",
    "KR": "Korea|Republic of Korea|Korea South|South Korea|Korea Republic of|Corea|República de Corea"
    "|Korea the Republic of",
    "KZ": "Kazajstán",
    "LA": "Lao People's Democratic Republic|Lao|República Democrática Popular Lao",
    "MD": "Republic of Moldova|Moldova Republic of|República de Moldova|Moldavia|Moldova the Republic of",
    "MK": "Macedonia|FYROM|The former Yugoslav Republic of Macedonia|Macedonia Former Yugoslav Republic of",
    "MM": "Burma|Birmania|Birmània",
    "MO": "Macao|Macau|China Macao Special Administrative Region"
    "|China región administrativa especial de Macao|Macao SAR",
    "MP": "Islas Marianas Septentrionales",
    "NL": "Holland|Holanda|The Netherlands|Nederland|Países Bajos|Países Bajos Reino de los",
    "NZ": "Nueva Zelandia",
    "PN": "Pitcairn",
    "PS": "Palestine|Palestina|State of Palestine|Palestinian Territory Occupied|Palestinian Authority"
    "|Palestine State of|Estado de Palestina",
    "RU": "Russian Federation|Federación de Rusia|Federació Russa|Rusia",
    "SA": "Arabia Saudita|KSA",
    "SH": "St Helena Ascension and Tristan da Cunha",
    "SJ": "Svalbard and Jan Mayen Islands|Islas Svalbard y Jan Mayen",
    "SK": "Slovak Republic|República Eslovaca",
    "ST": "Sao Tome and Principe",
    "SX": "San Martín parte holandesa|Saint Martin Dutch part",
    "SY": "Syrian Arab Republic|República Árabe Siria",
    "SZ": "Swaziland|Swazilandia|Suazilandia",
    "TF": "French Southern and Antarctic Lands|Territorio de las Tierras Australes Francesas",
    "TL": "East Timor|Timor Oriental",
    "TR": "Turkey|Turkiye|Turquía|Türkiye",
    "TT": "Trinidad y Tabago",
    "TW": "Taiwan Province of China|Chinese Taipei|Republic of China",
    "TZ": "United Republic of Tanzania|República Unida de Tanzanía|Tanzania United Republic of",
    "UM": "US Minor Outlying Islands|United States Minor Outlying Islands"
    "|Islas menores alejadas de Estados Unidos",
    "US": "USA|U.S.A.|U.S.|United States of America|America|EEUU|EE.UU.|EE. UU.|EUA"
    "|Estados Unidos de América|Estats Units d'Amèrica|Estados Unidos|United States",
    "VA": "Holy See|Santa Sede|Vatican",
    "VC": "St Vincent|Saint Vincent and the Grenadine",
    "VE": "Bolivarian Republic of Venezuela|Venezuela Bolivarian Republic of"
    "|Venezuela República Bolivariana de",
    "VG": "British Virgin Islands|Virgin Islands British",
    "VI": "US Virgin Islands|United States Virgin Islands|Virgin Islands U.S."
    "|Islas Vírgenes de los Estados Unidos",
    "VN": "Viet Nam",
    "WF": "Wallis and Futuna Islands|Islas Wallis y Futuna",
}


def country_code(text: str | None) -> str | None:
    """The two-letter code of a country given by code, three-letter code or name; None if it is none.

    Names in English, Spanish and Catalan and what people commonly write ("USA", "UK"); case, accents
    and punctuation do not count.
    """
    if not text:
        return None
    if len(text) == 2 and text in _codes():
        return text
    if len(text) > 100:
        return None
    found = _index().get(_plain(text))
    if found is None and "(" in text:
        found = _index().get(_plain(_PARENTHESES.sub(" ", text)))
    return found


def country_name(code: str, language: str = "en") -> str:
    """The country's name in en, es or ca (any other language: English); the code itself if it is none."""
    return _names(language if language in _LANGUAGES else "en").get(code, code)


def country_choices(language: str = "en") -> list[tuple[str, str]]:
    """(code, name) of every country, sorted by name as that language's readers expect, for select boxes."""
    names = _names(language if language in _LANGUAGES else "en")
    return sorted(names.items(), key=lambda item: fold(item[1]))


# Words that one source writes and another leaves out.
_SMALL_WORDS = frozenset(
    "the and of y i e de del dels la las los el els les l d da do".split()  # noqa: SIM905 - reads better
)


def _plain(text: str) -> str:
    """Folded, punctuation as blanks, dots gone, "saint" as "st", small words left out beside others."""
    words = re.sub(r"[^\w]+", " ", fold(text).replace(".", "").replace("'", " ")).split()
    if len(words) > 1 and all(len(word) == 1 for word in words):
        return "".join(words)
    kept = [word for word in words if word not in _SMALL_WORDS] if len(words) > 1 else words
    return " ".join("st" if word == "saint" else word for word in kept)


@lru_cache(maxsize=1)
def _codes() -> dict[str, str]:
    """Two-letter → three-letter code."""
    lines = (Path(__file__).parent / "data" / "country-codes.txt").read_text(encoding="ascii").splitlines()
    pairs = (line.split() for line in lines if line and not line.startswith("#"))
    return {two: three for two, three in pairs}  # noqa: C416 - dict() cannot tell that a line has two words


@lru_cache(maxsize=len(_LANGUAGES))
def _names(language: str) -> dict[str, str]:
    from babel import Locale

    territories = Locale.parse(language).territories
    return {code: territories[code] for code in _codes()}


@lru_cache(maxsize=1)
def _index() -> dict[str, str]:
    """Everything a country may be called, in its plain form → code.  Codes win over names."""
    index: dict[str, str] = {}
    for code, aliases in _ALIASES.items():
        index.update((_plain(alias), code) for alias in aliases.split("|"))
    for language in _LANGUAGES:
        for code, name in _names(language).items():
            index[_plain(name)] = code
            index.setdefault(_plain(_PARENTHESES.sub(" ", name)), code)
    for two, three in _codes().items():
        index[two.casefold()] = index[three.casefold()] = two
    return index
