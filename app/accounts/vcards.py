"""A contact as an address card (vCard 3.0), which every telephone takes."""

from collections.abc import Iterator

from app.accounts.queries import ContactDetail
from app.accounts.sight import seen_values
from app.kernel.actor import Actor, Permission

_LONGEST = 75  # bytes of a line; RFC 2426, 2.6
_PLAIN = (
    ("title", "TITLE"),
    ("email", "EMAIL;TYPE=INTERNET,WORK"),
    ("phone", "TEL;TYPE=WORK,VOICE"),
    ("mobile", "TEL;TYPE=CELL"),
)
_ADDRESS = ("street", "city", "state", "postal_code", "country")


def card_of(actor: Actor, detail: ContactDetail) -> str:
    """The card of a contact, with the account's name, address and site as far as its page shows the account."""
    lines = ["BEGIN:VCARD", "VERSION:3.0", *_lines(actor, detail), "END:VCARD", ""]
    return "\r\n".join(_folded(line) for line in lines)


def _lines(actor: Actor, detail: ContactDetail) -> Iterator[str]:
    contact, account = detail.contact, detail.account
    seen = seen_values(actor, contact)
    yield f"N:{_text(contact.last_name)};{_text(contact.first_name)};;;"
    yield f"FN:{_text(contact.full_name)}"
    if account is not None and actor.can(Permission.ACCOUNT_VIEW):
        yield f"ORG:{_text(account.name)}"
    for name, head in _PLAIN:
        if seen[name]:
            yield f"{head}:{_text(seen[name])}"
    if account is not None:
        of_account = seen_values(actor, account)
        address = [of_account[f"billing_{name}"] for name in _ADDRESS]
        if any(address):
            yield f"ADR;TYPE=WORK:;;{';'.join(map(_text, address))}"
        if of_account["website"]:
            yield f"URL:{_text(of_account['website'])}"
    # What it is called in the vendor's other systems is the vendor's own.
    external_id = contact.external_id if actor.is_internal else None
    yield f"UID:{_text(external_id or contact.ref)}"
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
