"""The partner people that somebody signs in as who looks at the demo."""

from typing import TYPE_CHECKING

from app.identity.models import User

if TYPE_CHECKING:
    from app.demo.company import Company

NEWCOMERS = ("pia@northwest.example", "otto@rival.example", "montse@shop.example")


def newcomers(company: "Company") -> list[User]:
    """Those of them that there are, in this order."""
    return [company.named[email] for email in NEWCOMERS if email in company.named]
