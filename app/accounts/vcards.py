"""A contact as an address card (vCard 3.0), which every telephone takes."""

from collections.abc import Iterator

from app.accounts.models import Account, Contact
from app.accounts.queries import ContactDetail

_LONGEST = 75  # bytes of a line; RFC 2426, 2.6


def card_of(detail: ContactDetail) -> str:
    """The card of a contact, with the account's name, address and site as far as its page shows the account."""
    lines = ["BEGIN:VCARD", "VERSION:3.0", *_lines(detail.contact, detail.account), "END:VCARD", ""]
    return "\r\n".join(_folded(line) for line in lines)


def _lines(contact: Contact, account: Account | None) -> Iterator[str]:
    yield f"N:{_text(contact.last_name)};{_text(contact.first_name)};;;"
    yield f"FN:{_text(contact.full_name)}"
    if account is not None:
        yield f"ORG:{_text(account.name)}"
    if contact.title:
        yield f"TITLE:{_text(contact.title)}"
    if contact.email:
        yield f"EMAIL;TYPE=INTERNET,WORK:{_text(contact.email)}"
    if contact.phone:
        yield f"TEL;TYPE=WORK,VOICE:{_text(contact.phone)}"
    if contact.mobile:
        yield f"TEL;TYPE=CELL:{_text(contact.mobile)}"
    if account is not None:
        address = (
            account.billing_street, account.billing_city, account.billing_state, account.billing_postal_code,
            account.billing_country,
        )  # fmt: skip
        if any(address):
            yield f"ADR;TYPE=WORK:;;{';'.join(map(_text, address))}"
        if account.website:
            yield f"URL:{_text(account.website)}"
    yield f"UID:{_text(contact.external_id or contact.ref)}"
    yield f"REV:{contact.updated_at:%Y%m%dT%H%M%SZ}"


def _text(value: str | None) -> str:
    escaped = (value or "").replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")


def _folded(line: str) -> str:
    """In lines of at most 75 bytes, no character cut in two."""
    pieces, size = [""], 0
    for character in line:
        width = len(character.encode())
        if size + width > _LONGEST:
            pieces.append(" ")
            size = 1
        pieces[-1] += character
        size += width
    return "\r\n".join(pieces)
