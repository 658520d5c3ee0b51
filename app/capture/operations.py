"""Keeping web-to-lead forms: make, change, delete."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.campaigns.linking import campaign_named
from app.campaigns.models import Campaign
from app.capture.fields import Known, askable, hideable
from app.capture.models import LeadForm, LeadFormPost
from app.events.operations import record
from app.fields.catalogue import catalogue
from app.fields.values import BadValue
from app.identity.organisation import LANGUAGES
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.db import is_sqlite
from app.kernel.errors import Invalid, NotFound, Stale
from app.kernel.fold import fold
from app.kernel.text import clean_text
from app.leads.fields import IDENTIFYING
from app.leads.models import LeadSource
from app.leads.values import read_field, reading_for

WRITTEN = (
    "name", "language", "heading", "fields", "hidden", "thank_you_url", "thank_you_text", "frame_sites", "is_active",
)  # fmt: skip
DEFAULTS: Mapping[str, Any] = {
    "name": None, "language": "en", "heading": None, "fields": [], "hidden": {}, "thank_you_url": None,
    "thank_you_text": None, "frame_sites": [], "is_active": True,
}  # fmt: skip
LONGEST_NAME = 120
LONGEST_URL = 500
LONGEST_HELP = 255
LONGEST_THANKS = 2000
MOST_FIELDS = 60
MOST_SITES = 20
_HOST = re.compile(r"[a-z0-9.-]+(:[0-9]{1,5})?\Z", re.ASCII)


def get_lead_form(session: Session, actor: Actor, ref: str, *, for_update: bool = False) -> LeadForm:
    """A form that has not been deleted.  Raises NotAllowed, NotFound."""
    actor.require(Permission.LEAD_FORM_MANAGE)
    statement = select(LeadForm).where(LeadForm.ref == ref, LeadForm.deleted_at.is_(None))
    if for_update and not is_sqlite(session):
        statement = statement.with_for_update()
    form = session.scalar(statement.execution_options(populate_existing=True))
    if form is None:
        raise NotFound("lead form", ref)
    return form


def create_lead_form(session: Session, actor: Actor, given: Mapping[str, Any], *, now: datetime) -> LeadForm:
    """A form with a key of its own.  given: any of `WRITTEN`; those left out are as in `DEFAULTS`.

    Writes an event; does not commit.  Raises NotAllowed, Invalid.
    """
    actor.require(Permission.LEAD_FORM_MANAGE)
    values = _clean(session, actor, {**DEFAULTS, **given})
    form = LeadForm(
        ref=refs.new_ref(refs.LEAD_FORM),
        key=f"{refs.draw():020x}",
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
        version=1,
        **values,
    )
    session.add(form)
    session.flush()  # the event names its key
    record(session, actor, verb="created", subject=form, at=now, detail={"name": form.name})
    return form


def edit_lead_form(
    session: Session,
    actor: Actor,
    ref: str,
    given: Mapping[str, Any],
    *,
    version: int | None = None,
    now: datetime,
) -> LeadForm:
    """Change a form; what is on other sites already goes on to work.  Nothing when nothing changes.

    given: any of `WRITTEN`.  version: that the edit began from, None to overwrite.
    Raises NotAllowed, NotFound, Invalid, Stale.
    """
    actor.require(Permission.LEAD_FORM_MANAGE)
    form = get_lead_form(session, actor, ref, for_update=True)
    before = {name: getattr(form, name) for name in WRITTEN}
    values = _clean(session, actor, {**before, "hidden": shown_hidden(form, names_kept(session)), **given})
    changes = {name: (before[name], value) for name, value in values.items() if before[name] != value}
    if not changes:
        return form
    if version is not None and version != form.version:
        raise Stale(
            _l("Somebody changed this while you were editing. Reload to see it as it is now."),
            current={"version": form.version},
        )
    for name, (_old, new) in changes.items():
        setattr(form, name, new)
    form.stamp(actor, now)
    record(session, actor, verb="edited", subject=form, at=now, changes=changes)
    return form


def delete_lead_form(session: Session, actor: Actor, ref: str, *, now: datetime) -> None:
    """Take a form away for good, with what waits in its quarantine; its leads stay.

    Raises NotAllowed, NotFound.
    """
    actor.require(Permission.LEAD_FORM_MANAGE)
    form = get_lead_form(session, actor, ref, for_update=True)
    session.execute(delete(LeadFormPost).where(LeadFormPost.form_id == form.id))
    form.deleted_at, form.is_active = now, False
    form.stamp(actor, now)
    record(session, actor, verb="deleted", subject=form, at=now, detail={"name": form.name})


def shown_hidden(form: LeadForm, names: Mapping[str, str]) -> dict[str, Any]:
    """What it fills in as people write it: a source and a campaign by name, none that is gone.  names: `names_kept`."""
    return {
        name: names[value] if name in _BY_REF else value
        for name, value in form.hidden.items()
        if name not in _BY_REF or value in names
    }


def names_kept(session: Session) -> dict[str, str]:
    """Public name → name of every source and campaign; campaigns by their names too, as forms kept them before."""
    campaigns = session.execute(select(Campaign.ref, Campaign.name)).all()
    return {
        **{campaign.name: campaign.name for campaign in campaigns},
        **{campaign.ref: campaign.name for campaign in campaigns},
        **{source.ref: source.name for source in session.scalars(select(LeadSource))},
    }


# What is given, made fit to store


def _clean(session: Session, actor: Actor, given: Mapping[str, Any]) -> dict[str, Any]:
    own = catalogue(session).active("lead")
    readers: dict[str, Any] = {
        "name": _named,
        "language": _language,
        "heading": lambda value: clean_text(value, max_length=LONGEST_NAME, field="heading"),
        "fields": lambda value: _fields(value, askable(own)),
        "hidden": lambda value: _hidden(session, actor, value, hideable(own)),
        "thank_you_url": lambda value: _address(value, "thank_you_url"),
        "thank_you_text": lambda value: clean_text(
            value, max_length=LONGEST_THANKS, field="thank_you_text", multiline=True
        ),
        "frame_sites": _sites,
        "is_active": _flag,
    }
    values: dict[str, Any] = {}
    errors: dict[str, list[Any]] = {}
    for name, value in given.items():
        try:
            if name not in readers:
                raise Invalid({name: [_l("There is no such field.")]})
            values[name] = readers[name](value)
        except Invalid as error:
            errors |= error.errors
    twice = {field["name"] for field in values.get("fields", ())} & set(values.get("hidden", ()))
    if twice:
        errors["hidden"] = [
            _l("What the form asks for is not filled in by itself: %(names)s.", names=_list(twice))
        ]
    if errors:
        raise Invalid(errors)
    return values


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _named(value: Any) -> str:
    text = clean_text(value, max_length=LONGEST_NAME, field="name")
    if text is None:
        raise Invalid({"name": [_l("Give it a name.")]})
    return text


def _language(value: Any) -> str:
    if value not in LANGUAGES:
        raise Invalid({"language": [_l("Choose one of: %(known)s.", known=", ".join(LANGUAGES))]})
    return str(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid({"is_active": [_l("This is yes or no.")]})
    return value


def _fields(value: Any, known: Known) -> list[dict[str, Any]]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MOST_FIELDS:
        raise Invalid({"fields": [_l("This must be a list.")]})
    fields: list[dict[str, Any]] = []
    for number, each in enumerate(value):
        place = f"fields[{number}]"
        name = each.get("name") if isinstance(each, Mapping) else None
        if not isinstance(name, str) or name not in known:
            raise Invalid({f"{place}.name": [_l("A form cannot ask for this field.")]})
        if any(field["name"] == name for field in fields):
            raise Invalid({f"{place}.name": [_l("A form asks for a field once.")]})
        fields.append(
            {
                "name": name,
                "label": clean_text(each.get("label"), max_length=LONGEST_NAME, field=f"{place}.label") or "",
                "help": clean_text(each.get("help"), max_length=LONGEST_HELP, field=f"{place}.help") or "",
                "required": bool(each.get("required")),
            }
        )
    if not any(field["name"] in IDENTIFYING for field in fields):
        message = _l("Ask at least for a last name, a company, an e-mail address or a phone number.")
        raise Invalid({"fields": [message]})
    return fields


def _hidden(session: Session, actor: Actor, value: Any, known: Known) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Invalid({"hidden": [_l("This must be an object.")]})
    reading = reading_for(session, actor)
    kept: dict[str, Any] = {}
    for name, given in value.items():
        if name not in known:
            raise Invalid({"hidden": [_l("A form cannot fill in “%(name)s”.", name=str(name)[:60])]})
        if given is None or given == "":
            continue
        try:
            read_field(name, given, reading)
        except BadValue as bad:
            raise Invalid({f"hidden.{name}": [bad.message]}) from bad
        except Invalid as error:
            messages = [m for found in error.errors.values() for m in found]
            raise Invalid({f"hidden.{name}": messages}) from error
        kept[name] = _BY_REF[name](session, given) if name in _BY_REF else given
    return kept


def _source_ref(session: Session, name: str) -> str | None:
    return session.scalar(select(LeadSource.ref).where(LeadSource.name_fold == fold(name, 80)))


def _campaign_ref(session: Session, name: str) -> str:
    campaign = campaign_named(session, name)
    if campaign is None:
        message = _l("There is no campaign “%(name)s”. Make it first.", name=name[:60])
        raise Invalid({"hidden.campaign": [message]})
    return campaign.ref


# Kept by what they are, so that forms go on when they are renamed.
_BY_REF = {"source": _source_ref, "campaign": _campaign_ref}


def _address(value: Any, field: str) -> str | None:
    text = clean_text(value, max_length=LONGEST_URL, field=field)
    if text is None:
        return None
    if _site_of(text) is None or not text.isprintable() or " " in text:
        raise Invalid({field: [_l("Give a whole address that begins with https://.")]})
    return text


def _sites(value: Any) -> list[str]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MOST_SITES:
        raise Invalid({"frame_sites": [_l("At most %(limit)s values fit in a list.", limit=MOST_SITES)]})
    sites: list[str] = []
    for each in value:
        text = clean_text(each, field="frame_sites")
        site = _site_of(text) if text else None
        if text and site is None:
            raise Invalid({"frame_sites": [_l("Give sites as https://www.example.com, one each.")]})
        if site and site not in sites:
            sites.append(site)
    return sites


def _site_of(text: str) -> str | None:
    """`https://host` of an address; None for what is none.  Nothing that a header could be broken with."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    host = parts.netloc.lower()
    return f"https://{host}" if parts.scheme == "https" and "." in host and _HOST.match(host) else None


def site_of(address: str) -> str:
    """The site of an address that has been checked."""
    return _site_of(address) or ""
