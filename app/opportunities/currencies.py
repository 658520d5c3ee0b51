"""Currencies in use, as ISO 4217 names them, and amounts as people read them."""

from decimal import Decimal

from babel import Locale
from babel.numbers import get_currency_name, get_currency_precision
from flask_babel import format_currency, get_locale

# Active ones that money is counted in; no metals, bonds, test codes or baskets.
CODES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP
    CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF
    IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD
    MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB
    RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD
    UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905 - a table
)
# Offered first.
COMMON = ("EUR", "USD", "GBP", "CHF")


def read(text: str) -> str | None:
    """The code that somebody typed, None where there is no such currency."""
    code = text.strip().upper()
    return code if code in CODES else None


def decimals(code: str) -> int:
    """How many a currency has."""
    return int(get_currency_precision(code))


def fits(amount: Decimal, code: str) -> bool:
    """Whether the currency has coins as small as the amount asks for."""
    return amount == round(amount, min(decimals(code), 3))


def money(amount: float | Decimal | None, code: str | None) -> str:
    """An amount with its currency, "" for none; whole amounts carry no decimals."""
    if amount is None or code is None:
        return ""
    value = round(Decimal(str(amount)), 3)
    locale = get_locale() or Locale("en")
    pattern = locale.currency_formats["standard"].pattern
    if value == value.to_integral_value():
        pattern = pattern.replace(".00", "")
        return str(format_currency(value, code, format=pattern, currency_digits=False))
    return str(format_currency(value, code))


def choices(first: str = "") -> list[tuple[str, str]]:
    """(code, "EUR – Euro"), the organisation's own and the common ones first."""
    locale = get_locale()
    ahead = list(dict.fromkeys(code for code in (first, *COMMON) if code in CODES))
    rest = sorted(CODES - set(ahead))
    return [(code, f"{code} – {get_currency_name(code, locale=locale)}") for code in (*ahead, *rest)]
