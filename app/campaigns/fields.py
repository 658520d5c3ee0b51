"""The fields of a campaign: what each is called and what it asks of a value."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext

from app.accounts.fields import Field, FieldKind
from app.campaigns.models import CampaignStatus, CampaignType
from app.kernel import labels

LONGEST_TEXT = 32_000
LONGEST_NAME = 120

# In the order of forms, pages and files.
_FIELDS: tuple[Field, ...] = (
    Field("name", _l("Name"), _l("What it is called; no two have the same."), is_required=True),
    Field("status", _l("Status"), _l("Whether it is still to come, goes on, or is over."), FieldKind.CHOICE, 30),
    Field("type", _l("Type"), _l("How it reaches people."), FieldKind.CHOICE, 30),
    Field("source", _l("Source"), _l("The source that its leads come from."), FieldKind.CHOICE, 80, column="source_id"),
    Field("start_date", _l("Starts"), _l("Its first day."), FieldKind.DATE, column="starts_on"),
    Field("end_date", _l("Ends"), _l("Its last day."), FieldKind.DATE, column="ends_on"),
    Field("budgeted_cost", _l("Budgeted cost"), _l("What it may cost."), FieldKind.MONEY),
    Field("actual_cost", _l("Actual cost"), _l("What it has cost so far."), FieldKind.MONEY),
    Field("currency", _l("Currency"), _l("What its costs are counted in."), FieldKind.CHOICE, 3),
    Field("owner", _l("Owner"), _l("Who sees to it."), FieldKind.USER, 40, column="owner_user_id"),
    Field(
        "description", _l("Description"), _l("What it offers, to whom, and what it is to bring."), FieldKind.LONG_TEXT,
        LONGEST_TEXT,
    ),
    Field("external_id", _l("External id"), _l("Its name in the system it came from; no two have the same.")),
)  # fmt: skip
CAMPAIGN_FIELDS: dict[str, Field] = labels.named("campaign", _FIELDS)
STATUSES: Mapping[str, Any] = {
    CampaignStatus.PLANNED: lazy_pgettext("campaign", "Planned"),
    CampaignStatus.ACTIVE: lazy_pgettext("campaign", "Active"),
    CampaignStatus.DONE: lazy_pgettext("campaign", "Done"),
}
TYPES: Mapping[str, Any] = {
    CampaignType.EMAIL: _l("E-mail"),
    CampaignType.WEB: _l("Website"),
    CampaignType.EVENT: _l("Event"),
    CampaignType.WEBINAR: _l("Webinar"),
    CampaignType.ADVERTISEMENT: _l("Advertisement"),
    CampaignType.CALLS: _l("Phone calls"),
    CampaignType.POST: _l("Post"),
    CampaignType.PARTNER: _l("With a partner"),
    CampaignType.OTHER: _l("Other"),
}
# What members are said to have done reads in everyone's language until somebody renames it.
_FIRST = {"Sent": _l("Sent"), "Answered": _l("Answered"), "Attended": _l("Attended")}


def member_status_name(entry: Mapping[str, Any]) -> str:
    """What the reader calls a status of members."""
    return str(_FIRST.get(entry["name"], entry["name"]))
