"""The forms of campaigns.  What a value must be is the operations' to say."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request
from wtforms import HiddenField, SelectField, StringField, TextAreaField

from app.accounts.fields import Field
from app.accounts.forms import RecordForm, Rows
from app.accounts.queries import Person
from app.campaigns.fields import CAMPAIGN_FIELDS, STATUSES, TYPES, member_status_name
from app.campaigns.models import Campaign
from app.fields.inputs import Marked
from app.opportunities import currencies
from app.web.choices import options
from app.web.forms import Form

_LAYOUT: Mapping[str, Rows] = {
    "main": [
        ("name",),
        ("status", "type"),
        ("start_date", "end_date"),
        ("source", "owner"),
        ("description",),
    ],
    "more": [("budgeted_cost", "actual_cost"), ("currency", "external_id")],
}
# How many empty lines the form has for further statuses of members.
_SPARE = 2


def _text(name: str, kind: Any = StringField, **more: Any) -> Any:
    field = CAMPAIGN_FIELDS[name]
    marks = [Marked()] if field.is_required else []
    return kind(label=field.label, description=field.help, validators=marks, **more)


def _select(name: str) -> Any:
    return _text(name, SelectField, choices=[], validate_choice=False)


class CampaignForm(RecordForm):
    """A campaign, with the statuses of its members."""

    fields: Mapping[str, Field] = CAMPAIGN_FIELDS
    layout = _LAYOUT

    name = _text("name")
    status = _select("status")
    type = _select("type")
    source = _select("source")
    start_date = _text("start_date")
    end_date = _text("end_date")
    budgeted_cost = _text("budgeted_cost")
    actual_cost = _text("actual_cost")
    currency = _select("currency")
    owner = _select("owner")
    description = _text("description", TextAreaField)
    external_id = _text("external_id")

    def offer_lists(self, sources: Sequence[str], people: Sequence[Person], currency: str) -> None:
        """Fill what depends on lists; a value that is out of use stays choosable where it is."""
        self.status.choices = options([(str(key), label) for key, label in STATUSES.items()])
        self.type.choices = options([("", "–"), *((str(key), label) for key, label in TYPES.items())])
        named = self.source.data
        missing = [(named, named)] if named and named not in sources else []
        self.source.choices = options([("", "–"), *((name, name) for name in sources), *missing])
        self.currency.choices = options([("", "–"), *currencies.choices(currency)])
        self.owner.choices = options([("", "–"), *((person.ref, person.name) for person in people)])


def form_data(campaign: Campaign, source: str | None, owner_ref: str | None) -> dict[str, Any]:
    """What the form of a campaign begins with."""

    def plain(value: Any) -> str:
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return "" if value is None else str(value)

    data = {name: plain(getattr(campaign, field.attribute)) for name, field in CAMPAIGN_FIELDS.items()}
    return data | {"source": source or "", "owner": owner_ref or "", "version": str(campaign.version)}


def status_lines(campaign: Campaign | None, first: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The lines in which the statuses of members are written, as sent or as they are, and a few empty ones."""
    sent = statuses_sent()
    if sent is not None:
        lines = [dict(each) for each in sent if each["name"]]
    else:
        known = campaign.member_statuses if campaign is not None else first
        lines = [{**each, "name": member_status_name(each)} for each in known]
        for line in lines if campaign is None else []:
            line["key"] = ""
    return [*lines, *({"key": "", "name": "", "answered": False} for _ in range(_SPARE))]


def statuses_sent(campaign: Campaign | None = None) -> list[dict[str, Any]] | None:
    """The statuses of members that the request holds; None where it has none.

    campaign: of an edit; a status that still reads as it came keeps the name it came with.
    """
    if "member_name" not in request.form:
        return None
    keys, names = request.form.getlist("member_key"), request.form.getlist("member_name")
    answered = set(request.form.getlist("member_answered"))
    kept = {each["key"]: each for each in (campaign.member_statuses if campaign else ())}
    lines = []
    for place, name in enumerate(names):
        key = keys[place] if place < len(keys) else ""
        before = kept.get(key)
        if before is not None and name.strip() == member_status_name(before):
            name = before["name"]
        lines.append({"key": key, "name": name.strip(), "answered": str(place) in answered})
    return lines


class MemberForm(Form):
    """Adding one lead or contact, by name or public name."""

    record = StringField()
    record_ref = HiddenField()
