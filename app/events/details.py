"""What is told of an event beside its sentence: at once, and of what exactly changed."""

from collections.abc import Iterator, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext as _n

from app.accounts.fields import ACCOUNT_FIELDS, CONTACT_FIELDS
from app.campaigns.fields import CAMPAIGN_FIELDS
from app.cases.fields import CASE_FIELDS
from app.events.models import Event
from app.events.visibility import is_key
from app.fields.catalogue import catalogue
from app.fields.kinds import is_custom
from app.identity.history import PERSON_FIELDS
from app.kernel import labels
from app.kernel.db import db
from app.leads.fields import FIELDS as LEAD_FIELDS
from app.leads.visibility import field_label, visibility_words
from app.opportunities.fields import OPPORTUNITY_FIELDS

LONGEST_VALUE = 300
# For the machinery, or said by the line or a changed field already.
_UNSAID = frozenset({"filter", "version", "to_ref", "is_inverse"})
# What the line says already.
_GIVEN_TO = ("created", "assigned", "claimed", "transferred", "released", "declined", "expired", "recycled")
_SAID = frozenset(
    {("sign_in_failed", "reason"), ("exported", "object"), ("refused", "method"), ("refused", "act")}
    | {(verb, "to") for verb in _GIVEN_TO}
)


def note(event: Event, names: Mapping[str, str]) -> str:
    """What is worth saying at once beside the sentence, "" where it says all.  names: public name → name."""
    detail = event.detail
    match event.verb:
        case "sign_in_failed":
            return _reasons().get(str(detail.get("reason")), "")
        case "refused":
            return f"{detail.get('method', '')} {detail.get('act', '')}".strip()
        case "exported":
            return _exported().get(str(detail.get("object")), str(detail.get("object", "")))
        case "assigned" | "created" | "transferred" if detail.get("to"):
            return _("to %(owner)s", owner=detail["to"])
        case "token_created":
            return str(detail.get("label", ""))
        case "tagged" | "untagged":
            return str(detail.get("tag", ""))
        case "shared" if detail.get("with"):
            return _("with %(name)s", name=detail["with"])
        case "imported" if detail.get("rows") is not None:
            return _n("%(num)s row", "%(num)s rows", int(detail["rows"]))
        case "member_added" | "member_changed" | "member_removed" | "weight_changed" | "match_changed":
            member = str(detail.get("member", ""))
            return "" if is_key("member", member) else names.get(member, member)
        case "contact_added" | "contact_changed" | "contact_removed":
            return names.get(str(detail.get("contact", "")), "")
        case "characteristic_added" | "characteristic_removed":
            return ": ".join(str(detail[name]) for name in ("name", "value") if detail.get(name))
        case (
            "responsible_added"
            | "responsible_changed"
            | "responsible_removed"
            | "partner_user_enabled"
            | "interest_noted"
        ):
            return str(detail.get("name", ""))
        case "lead_fields_changed":
            return ", ".join(field_label(name) for name in list(event.changes)[:4])
        case "edited":
            return ", ".join(field_name(event.record_kind, name) for name in list(event.changes)[:4])
    return ""


def details(event: Event, detail: Mapping[str, Any], names: Mapping[str, str]) -> list[tuple[str, str]]:
    """(what, value) of everything that an event holds: changed fields as "old → new", then the rest.

    detail: what the reader is told of it.  Keys of rows never leave.
    """
    if event.verb == "lead_fields_changed":
        return _changed_sight(event)
    return [*_changed(event, names), *_told(event, detail, names)]


def _changed_sight(event: Event) -> list[tuple[str, str]]:
    """Of which fields partners see."""
    words, otherwise = visibility_words(), _("as for all partners")
    return [
        (field_label(name), f"{words.get(old, otherwise)} → {words.get(new, otherwise)}")
        for name, (old, new) in event.changes.items()
    ]


def _changed(event: Event, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, pair in event.changes.items():
        if isinstance(pair, list) and len(pair) == 2 and not any(is_key(name, v) for v in pair):
            old, new = (value_text(value, names) for value in pair)
            yield field_name(event.record_kind, name), f"{old} → {new}"


def _told(event: Event, detail: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    called = _details()
    for name, value in detail.items():
        if value is None or value == "" or is_key(name, value) or name in _UNSAID:
            continue
        if (event.verb, name) not in _SAID:
            yield called.get(name, _capital(name.replace("_", " "))), value_text(value, names)
    given = detail.get("filter")
    if isinstance(given, dict) and given:
        told = "; ".join(f"{name}: {value_text(values, names)}" for name, values in given.items())
        yield _("Filters"), told


def field_name(kind: str, name: str) -> str:
    """What a field is called on screen; its own name where nobody knows it."""
    field = _FIELDS.get(kind, {}).get(name)
    if field is not None:
        return str(field.label)
    if is_custom(name):
        return catalogue(db.session()).label(kind, name) or name
    known = _OTHER_FIELDS.get(name)
    return str(known) if known is not None else _capital(name.replace("_", " "))


def value_text(value: Any, names: Mapping[str, str]) -> str:
    """A value as people read it; long ones are cut."""
    if value is None or value == "":
        return _("empty")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list | tuple):
        text = ", ".join(value_text(item, names) for item in value) if value else _("empty")
    elif isinstance(value, dict):
        text = "; ".join(f"{key}: {value_text(item, names)}" for key, item in value.items())
    else:
        text = names.get(str(value), str(value))
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _reasons() -> dict[str, str]:
    return {
        "password": _("wrong password"),
        "code": _("wrong code"),
        "state": _("the user or the company may not sign in"),
        "portal": _("the portal is not open to them"),
    }


def _exported() -> dict[str, str]:
    return {
        "lead": labels.many("lead", title=True),
        "account": labels.many("account", title=True),
        "contact": labels.many("contact", title=True),
        "opportunity": labels.many("opportunity", title=True),
        "case": labels.many("case", title=True),
        "campaign": labels.many("campaign", title=True),
        "audit_log": _("Audit log"),
        "lead_form": _("Web forms"),
        "lead_form_post": _("Quarantine"),
        "access": _("What a person sees"),
    }


def _details() -> dict[str, str]:
    return {
        "reason": _("Reason"),
        "left_out": _("Before it, without an entry of their own"),
        "on": _("Attached to"),
        "cause": _("Cause"),
        "label": _("Label"),
        "name": _("Name"),
        "number": _("Number"),
        "role": _("Role"),
        "days": _("Days"),
        "offered_until": _("Offered until"),
        "filename": _("File"),
        "records": _("Records"),
        "columns": _("Columns"),
        "member": _("Member"),
        "with": _("With"),
        "level": _("Level"),
        "until": _("Until"),
        "kind": _("Kind"),
        "language": _("Language"),
        "done": _("Done"),
        "weight": _("Weight"),
        "match": _("Takes part for"),
        "token": _("Token"),
        "prefix": _("Begins with"),
        "session": _("Session"),
        "entries": _("Entries"),
        "held_since": _("Held since"),
        "keep": _("Keep"),
        "narrow": _("Narrow to your own people"),
        "remove": _("Remove"),
    }


_FIELDS: dict[str, Mapping[str, Any]] = {
    "lead": LEAD_FIELDS,
    "account": ACCOUNT_FIELDS,
    "contact": CONTACT_FIELDS,
    "opportunity": OPPORTUNITY_FIELDS,
    "case": CASE_FIELDS,
    "campaign": CAMPAIGN_FIELDS,
}
_OTHER_FIELDS: dict[str, Any] = {
    **PERSON_FIELDS,
    "guidance": _l("Guidance"),
    "matters": _l("Fields that matter"),
    "moves": _l("Allowed moves"),
    "lead_process.required": _l("What it needs before that"),
    "lead_process.definition": _l("What qualified means here"),
    "owner": _l("Owner"),
    "subject": _l("Subject"),
    "body": _l("Text"),
    "defaults": _l("Organisation-wide defaults"),
    "preview_fields": _l("Partners see, before they claim"),
    "hidden_fields": _l("Hidden from partners"),
    "strict_capture": _l("Ask for last name, company and status at once"),
    "accent": _l("Accent colour"),
    "names": _l("Names of objects"),
    "field_names": _l("Names of fields"),
    "inverse": _l("From the other side"),
    "allowed": _l("Values to choose from"),
    "interest": _l("Interested"),
    "need": _l("Need"),
    "need_met": _l("Need is met"),
}
