"""The fields of an opportunity: what each is called and what it asks of a value.

The form, the API, exports, criteria and the record of events all read this one list.
"""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from app.accounts.fields import Field, FieldKind
from app.kernel import labels
from app.opportunities.models import ContactRole, OpportunityStage, OutcomeReason, StageCategory

LONGEST_TEXT = 32_000
MOST_AMOUNT = 10**15

# In the order of forms, pages and files.
_FIELDS: tuple[Field, ...] = (
    Field("name", _l("Name"), _l("What it is about, in a line."), max_length=255, is_required=True),
    Field("account_id", _l("Account"), _l("Who may buy."), FieldKind.ACCOUNT, 255, is_required=True),
    Field("amount", _l("Amount"), _l("What it is worth, if it is won."), FieldKind.MONEY),
    Field("currency", _l("Currency"), _l("What the amount is counted in."), FieldKind.CHOICE, 3),
    Field("stage", _l("Stage"), _l("How far it has come."), FieldKind.CHOICE, 60, column="stage_id"),
    Field(
        "probability", _l("Probability"),
        _l("In percent. The stage fills it in; say otherwise where you know better."), FieldKind.NUMBER,
    ),
    Field(
        "close_date", _l("Close date"), _l("When it is expected to be decided."), FieldKind.DATE,
        column="close_on",
    ),
    Field(
        "partner_account_id", _l("Partner"), _l("The partner that works on it with you."), FieldKind.ACCOUNT,
        255,
    ),
    Field("owner", _l("Owner"), _l("Who sees to it."), FieldKind.USER, 40, column="owner_user_id"),
    Field("outcome", _l("Reason"), _l("Why it was won or lost."), FieldKind.CHOICE, 60, column="outcome_id"),
    Field(
        "outcome_note", _l("What came of it"), _l("In your own words, for the next one like it."),
        FieldKind.LONG_TEXT, LONGEST_TEXT,
    ),
    Field("campaign", _l("Campaign"), _l("The campaign that brought it."), column="campaign_name"),
    Field(
        "description", _l("Description"), _l("Anything that helps whoever works on it."), FieldKind.LONG_TEXT,
        LONGEST_TEXT,
    ),
    Field("external_id", _l("External id"), _l("Its name in the system it came from; no two have the same.")),
)  # fmt: skip
OPPORTUNITY_FIELDS: dict[str, Field] = labels.named("opportunity", _FIELDS)
# What partner people change of those that are theirs to work on.
BY_PARTNER = frozenset(
    {"name", "amount", "currency", "stage", "probability", "close_date", "outcome", "outcome_note", "description"}
)  # fmt: skip
# What no partner reads.
VENDOR_ONLY = frozenset({"campaign", "external_id"})

ROLES: Mapping[str, Any] = {
    ContactRole.DECISION_MAKER: _l("Decides"),
    ContactRole.INFLUENCER: _l("Advises"),
    ContactRole.BUYER: _l("Buys"),
    ContactRole.USER: _l("Will use it"),
    ContactRole.TECHNICAL: _l("Technical"),
    ContactRole.OTHER: _l("Other"),
}
CATEGORIES: Mapping[str, Any] = {
    StageCategory.OPEN: _l("Open"),
    StageCategory.WON: _l("Won"),
    StageCategory.LOST: _l("Lost"),
}
# Entries that come with Canal read in everyone's language until an administrator renames them.
_FIRST = {
    "Prospecting": _l("Prospecting"),
    "Proposal": _l("Proposal"),
    "Negotiation": _l("Negotiation"),
    "Won": _l("Won"),
    "Lost": _l("Lost"),
    "Best offer": _l("Best offer"),
    "Good relationship": _l("Good relationship"),
    "Other": _l("Other"),
    "Price": _l("Price"),
    "Went to a competitor": _l("Went to a competitor"),
    "No decision": _l("No decision"),
    "Another reason": _l("Another reason"),
}


def entry_name(entry: OpportunityStage | OutcomeReason) -> str:
    """What the reader calls a stage or a reason."""
    return str(_FIRST.get(entry.name, entry.name))


def value_name(field: str, value: str) -> str:
    """What the reader calls a value as events keep it."""
    return str(_FIRST.get(value, value)) if field in ("stage", "outcome") else value
