"""A timeline in words: who did what, from an event or an activity."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import format_decimal
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext as _n

from app.accounts.categories import category_name
from app.accounts.fields import ACCOUNT_FIELDS, CONTACT_FIELDS
from app.activities.comments import Readers
from app.activities.fields import KINDS
from app.activities.models import Activity
from app.activities.people import PersonNamed
from app.activities.places import PlaceName
from app.cases.fields import CASE_FIELDS, value_name
from app.events.models import Event
from app.fields.catalogue import catalogue
from app.fields.kinds import is_custom
from app.kernel.actor import Actor
from app.kernel.db import db
from app.leads.choices import reason_name, status_name
from app.leads.fields import FIELDS as LEAD_FIELDS
from app.opportunities.fields import OPPORTUNITY_FIELDS
from app.opportunities.fields import value_name as name_of_value

LONGEST_VALUE = 80
# Of what hangs on a record, beside its own fields.
_OTHER_FIELDS = {
    "owner": _l("Owner"),
    "interest": _l("Interested"),
    "need": _l("Need"),
    "need_met": _l("Need is met"),
    "role": _l("Role"),
    "kind": _l("Kind"),
    "converted": _l("To convert"),
    "won_amount": _l("To win"),
    "currency": _l("Currency"),
}
_FIELDS: dict[str, Mapping[str, Any]] = {
    "lead": LEAD_FIELDS,
    "account": ACCOUNT_FIELDS,
    "contact": CONTACT_FIELDS,
    "opportunity": OPPORTUNITY_FIELDS,
    "case": CASE_FIELDS,
}
# Kept by name in the events of leads.
_NAMED_IN_LEADS = {"status": status_name, "unqualified_reason": reason_name}


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One line of a timeline.

    ref: of the activity, "" for an event.  who: "" for what nobody in person did.  what: the rest of the
    sentence.  text: what was written.  details: field → "old → new".  due_at: of something planned.
    people: who takes part beside them.  on: the record it is on, where that is not the one whose page it stands on.
    readers: of a note on a lead, who reads it.  link: the record that the text is the name of, where it is one.
    """

    ref: str
    icon: str
    who: str
    what: str
    at: datetime
    text: str = ""
    details: tuple[tuple[str, str], ...] = ()
    tone: str = ""
    kind: str = ""
    is_done: bool = True
    due_at: datetime | None = None
    ends_at: datetime | None = None
    place: str = ""
    outcome: str = ""
    people: Sequence[PersonNamed] = ()
    on: PlaceName | None = None
    readers: Readers | None = None
    link: PlaceName | None = None


def activity_row(
    activity: Activity,
    author: str,
    *,
    people: Sequence[PersonNamed] = (),
    on: PlaceName | None = None,
    readers: Readers | None = None,
) -> TimelineRow:
    """An activity as a line: "Pau Riera called", and below it what it was about."""
    words = KINDS[activity.kind]
    what = words.done if activity.is_done else words.planned
    is_comment = readers is not None and bool(readers.to)
    if readers is not None and readers.to:
        what = _("wrote to %(side)s", side=readers.to)
    text = f"{activity.subject}\n{activity.text}" if activity.text else activity.subject
    return TimelineRow(
        ref=activity.ref,
        icon="message" if is_comment else words.icon,
        who=author,
        what=str(what) if author else _capital(str(what)),
        at=activity.at,
        text=text,
        tone="violet" if is_comment else "green" if activity.is_done else "amber",
        kind=activity.kind,
        is_done=activity.is_done,
        due_at=activity.due_at,
        ends_at=activity.ends_at,
        place=activity.place or "",
        outcome=activity.outcome or "",
        people=people,
        on=on,
        readers=readers,
    )


def event_row(event: Event, reader: Actor, told: str = "") -> TimelineRow:
    """An event as a line: "Mara changed City".  told: what it is in words, where that names other records.

    Partner people read whom a lead went to within their company only: what happens to it after they gave it
    back, and the queue it came from, are the vendor's.
    """
    # A person has a key; what the system does is told without a subject.
    who = event.actor_name if event.actor_id is not None else ""
    icon, make = _VERBS.get(event.verb, ("edit", _anything))
    seen = _seen(event, reader)
    what = told or (_edited(event.record_kind, seen) if event.verb == "edited" else make(event))
    return TimelineRow(
        ref="",
        icon=icon,
        who=who,
        what=what if who else _capital(what),
        at=event.at,
        details=_details(event, seen, reader),
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def field_label(record_kind: str, name: str) -> str:
    """What a field is called on screen; its own name where nobody knows it."""
    if name in _OTHER_FIELDS:
        return str(_OTHER_FIELDS[name])
    if is_custom(name):
        return catalogue(db.session()).label(record_kind, name) or name
    field = _FIELDS.get(record_kind, {}).get(name)
    return str(field.label) if field is not None else name.replace("_", " ")


def _seen(event: Event, reader: Actor) -> Mapping[str, Any]:
    """What was changed, without the fields of a lead that the reader never sees."""
    if event.record_kind != "lead":
        return event.changes
    return {name: change for name, change in event.changes.items() if name not in reader.hidden_fields}


def _edited(record_kind: str, seen: Mapping[str, Any]) -> str:
    names = [field_label(record_kind, name) for name in seen]
    if not names:
        return _("changed something that you do not see")
    if len(names) == 1:
        return _("changed %(field)s", field=names[0])
    return _n("changed %(num)s field", "changed %(num)s fields", len(names))


def _created(event: Event) -> str:
    if event.detail.get("to"):
        return _("created this and gave it to %(owner)s", owner=event.detail["to"])
    return _("created this")


def _assigned(event: Event) -> str:
    to = event.detail.get("to", "")
    if event.detail.get("offered_until"):
        return _("offered it to %(owner)s", owner=to)
    return _("gave it to %(owner)s", owner=to)


def _with_reason(text: Any) -> Callable[[Event], str]:
    def make(event: Event) -> str:
        reason = event.detail.get("reason")
        return _("%(what)s: %(reason)s", what=str(text), reason=_reason(reason)) if reason else str(text)

    return make


def _reason(key: str) -> str:
    known = _REASONS.get(key)
    return str(known) if known is not None else key.replace("_", " ")


def _said(text: Any) -> Callable[[Event], str]:
    """A sentence with what was said to it, in the words of whoever did it."""

    def make(event: Event) -> str:
        said = event.detail.get("reason")
        return _("%(what)s: %(reason)s", what=str(text), reason=said) if said else str(text)

    return make


def _plain(text: Any) -> Callable[[Event], str]:
    return lambda _event: str(text)


def _named(text: Any) -> Callable[[Event], str]:
    """A sentence with the name that the event's detail gives."""
    return lambda event: str(text) % {"name": event.detail.get("name", "")}


def _characteristic(text: Any) -> Callable[[Event], str]:
    return lambda event: (
        str(text) % {"name": event.detail.get("name", ""), "value": event.detail.get("value", "")}
    )


def _shared(event: Event) -> str:
    return _("shared it with %(name)s", name=event.detail.get("with", ""))


def _merged(event: Event) -> str:
    """By the names of what went away with it, of those that the reader is told; see `events.hiding`."""
    names = [str(each["name"]) for each in event.detail.get("merged", ()) if each.get("name")]
    if not names:
        return _("merged another record into this")
    return _("merged %(names)s into this", names=", ".join(names))


def _anything(event: Event) -> str:
    return _("did this: %(verb)s", verb=event.verb.replace("_", " "))


_REASONS = {
    "invalid": _l("the data is not valid"),
    "duplicate": _l("had it already"),
    "no_capacity": _l("no capacity"),
    "not_our_market": _l("not our market"),
    "other": _l("other reasons"),
}


def _handed_over(event: Event) -> str:
    """By somebody, or because the score got there."""
    if event.actor_id is not None or "threshold" not in event.detail:
        return _("handed it over as marketing-qualified")
    return _(
        "it reached a score of %(score)s and was handed over as marketing-qualified",
        score=event.detail["score"],
    )


# verb → icon and the words for it.
def _tag(text: Any) -> Callable[[Event], str]:
    return lambda event: str(text) % {"tag": event.detail.get("tag", "")}


_VERBS: dict[str, tuple[str, Callable[[Event], str]]] = {
    "created": ("plus", _created),
    "edited": ("edit", _anything),
    "closed": ("check-circle", _said(_l("closed it"))),
    "reopened": ("undo", _said(_l("opened it again"))),
    "deleted": ("trash", _plain(_l("deleted this"))),
    "restored": ("rotate", _plain(_l("restored this"))),
    "marked_left_out": ("eye-off", _plain(_l("left this out of views, reports and campaigns"))),
    "unmarked_left_out": ("eye", _plain(_l("took this into views, reports and campaigns again"))),
    "marked_ready": ("flag", _plain(_l("marked this as ready for a new product"))),
    "unmarked_ready": ("flag", _plain(_l("no longer marked this as ready for a new product"))),
    "merged": ("merge", _merged),
    "erased": (
        "shield",
        lambda event: _("erased the person's data: %(why)s", why=event.detail.get("why", "")),
    ),
    "merged_into": ("merge", _plain(_l("merged this into another"))),
    "claimed": ("hand", _plain(_l("claimed it"))),
    "converted": ("refresh", _plain(_l("converted it"))),
    "unconverted": ("undo", _plain(_l("undid the conversion"))),
    "won": ("check-circle", _plain(_l("won it"))),
    "lost": ("x-circle", _plain(_l("lost it"))),
    "contact_added": ("contact", _plain(_l("gave somebody a part in it"))),
    "contact_changed": ("contact", _plain(_l("changed somebody's part in it"))),
    "contact_removed": ("contact", _plain(_l("took somebody out of it"))),
    "assigned": ("arrow-right", _assigned),
    "transferred": ("arrow-right", _assigned),
    "released": ("undo", _with_reason(_l("gave it back"))),
    "declined": ("x-circle", _with_reason(_l("declined it"))),
    "expired": ("hourglass", _plain(_l("the offer was not answered in time"))),
    "recycled": ("undo", _plain(_l("nothing was done on it in time, and it went back"))),
    "accepted": ("check", _plain(_l("accepted it"))),
    "marketing_qualified": ("flag", _handed_over),
    "routed": ("route", _assigned),
    "undone": ("undo", _plain(_l("took the change of owner back"))),
    "activity_deleted": ("trash", _plain(_l("deleted an activity"))),
    "exported": ("download", _plain(_l("exported a list"))),
    "tagged": ("tag", _tag(_l("tagged it “%(tag)s”"))),
    "untagged": ("tag", _tag(_l("took the tag “%(tag)s” off"))),
    "shared": ("eye", _shared),
    "unshared": ("lock", _plain(_l("ended a share of it"))),
    "attached": ("paperclip", _named(_l("attached %(name)s"))),
    "detached": ("paperclip", _named(_l("deleted the document %(name)s"))),
    "responsible_added": ("user-plus", _named(_l("made %(name)s responsible"))),
    "responsible_removed": ("user-x", _named(_l("took %(name)s off the people responsible"))),
    "responsible_changed": (
        "user",
        _named(_l("changed the role of %(name)s, one of the people responsible")),
    ),
    "related": ("link", _plain(_l("related it to another account"))),
    "unrelated": ("link", _plain(_l("ended a relationship to another account"))),
    "characteristic_added": ("tag", _characteristic(_l("added %(name)s: %(value)s"))),
    "characteristic_removed": ("tag", _characteristic(_l("removed %(name)s: %(value)s"))),
    "interest_noted": ("target", _named(_l("noted an interest: %(name)s"))),
    "partner_enabled": ("handshake", _plain(_l("made it a partner"))),
    "partner_edited": ("handshake", _plain(_l("changed the partnership"))),
    "partner_suspended": ("pause", _plain(_l("suspended the partnership"))),
    "partner_resumed": ("play", _plain(_l("resumed the partnership"))),
    "target_set": ("target", _plain(_l("set a target"))),
    "target_changed": ("target", _plain(_l("changed a target"))),
    "target_removed": ("target", _plain(_l("took a target back"))),
    "partner_user_enabled": ("user-plus", _named(_l("invited %(name)s as a partner user"))),
}


def _details(event: Event, seen: Mapping[str, Any], reader: Actor) -> tuple[tuple[str, str], ...]:
    """Old and new values, by the fields' labels; keys of other records are not shown."""
    shown = []
    order = list(_FIELDS.get(event.record_kind, ()))
    names = sorted(seen, key=lambda name: (order.index(name) if name in order else len(order), name))
    for name in names:
        old, new = seen[name]
        if name == "owner" and reader.is_partner and event.verb != "transferred":
            continue
        if _is_key(old) or _is_key(new):
            continue
        before, after = _value(event.record_kind, name, old), _value(event.record_kind, name, new)
        shown.append((field_label(event.record_kind, name), f"{before} → {after}"))
    return tuple(shown)


def _is_key(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("acct_", "cont_", "user_", "lead_", "queue_", "opp_"))


def _value(record_kind: str, name: str, value: Any) -> str:
    if value is None or value == "":
        return _("empty")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        return format_decimal(value)
    if name == "category" and record_kind == "account":
        return category_name(value)
    if record_kind == "lead" and name in _NAMED_IN_LEADS:
        value = _NAMED_IN_LEADS[name](str(value))
    if record_kind == "case":
        value = value_name(name, str(value))
    if record_kind == "opportunity":
        value = name_of_value(name, str(value))
    return cut_short(str(value))


def cut_short(text: str) -> str:
    """A value as a line of a timeline has room for it."""
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
