"""Names, addresses and towns for the demo, drawn from lists by a seeded chance."""

from random import Random

from app.demo.files import names_of, places_in
from app.kernel.fold import fold


def person_of(chance: Random, country: str) -> tuple[str, str]:
    """A first and a last name of that country."""
    known = country if country in {"US", "CA", "GB", "FR", "DE", "AU", "ES"} else "US"
    last = names_of(known, "last") or names_of("US", "last")
    return chance.choice(names_of(known, "first")), chance.choice(last)


def mailbox_of(first: str, last: str) -> str:
    """The local part of an address: letters and dots."""
    return ".".join("".join(c for c in fold(part) if c.isascii() and c.isalnum()) for part in (first, last))


def domain_of_shop(name: str) -> str:
    """A reserved domain for a company of that name."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in fold(name)).strip("-")[:40] + ".example"


def town_of(chance: Random, territory: str) -> dict[str, str]:
    """A town of the territory."""
    return chance.choice(places_in(territory))
