"""The panel that logs a call, note, task, meeting or e-mail with what comes next, and the form that changes one."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext
from wtforms import (
    BooleanField,
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields import DateField, DateTimeLocalField
from wtforms.validators import Optional

from app.activities.fields import KINDS
from app.activities.models import Activity, ActivityKind
from app.activities.values import AHEAD
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.web.choices import options
from app.web.forms import Form

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext
# When something is due that was planned for a day without an hour.
DAY_BEGINS = time(9)
REMINDERS = (
    ("", _l("No reminder")),
    ("0", _l("When it is due")),
    ("15", _l("15 minutes before")),
    ("60", _l("An hour before")),
    ("1440", _l("A day before")),
)
# How the plan's fields are called in the panel.
_OF_PLAN = {
    "next_subject": "then",
    "next_text": "then",
    "next_due_at": "then_on",
    "next_remind_at": "then_on",
}


class ActivityForm(Form):
    """What happened or is planned.  Times are in the zone of whoever writes.

    people: public names of contacts and colleagues.  then, then_on, then_remind: what comes next, in the same go.
    """

    kind = RadioField(
        _l("Kind"),
        choices=options((kind.value, words.label) for kind, words in KINDS.items()),
        default="call",
    )
    subject = StringField(_l("Subject"))
    text = TextAreaField(_l("What happened"))
    at = DateTimeLocalField(_l("When"), [Optional()], description=_l("Empty means now."))
    due_at = DateTimeLocalField(_l("Due"), [Optional()])
    ends_at = DateTimeLocalField(_l("Until"), [Optional()])
    place = StringField(_l("Place"))
    planned = BooleanField(_l("Planned, not done yet"))
    people = SelectMultipleField(_l("With"), choices=[], validate_choice=False)
    assignee = SelectField(_l("Who does it"), choices=[], validate_choice=False)
    remind = SelectField(_l("Reminder"), choices=options(REMINDERS), default="")
    then = StringField(_l("Next step"))
    then_on = DateField(_l("Date"), [Optional()])
    then_remind = BooleanField(_l("Remind me that morning"))

    def read(self, actor: Actor, *, now: datetime) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """What `log_and_plan` takes.  A moment that lies ahead plans it, whether or not that was ticked.

        Raises Invalid for a date that is none, a next step without words.
        """
        _refuse_broken(self, ("at", "due_at", "ends_at", "remind", "then_on"))
        kind = self.kind.data or "call"
        at, due_at = _aware(self.at.data, actor), _aware(self.due_at.data, actor)
        is_ahead = kind != ActivityKind.NOTE and at is not None and at > now + AHEAD
        is_planned = bool(self.planned.data) or kind == ActivityKind.TASK or is_ahead
        if is_ahead and due_at is None:
            due_at = at
        logged = {
            "kind": kind,
            "subject": self.subject.data,
            "text": self.text.data,
            "at": None if is_planned else at,
            "due_at": due_at,
            "ends_at": _aware(self.ends_at.data, actor) if kind == ActivityKind.MEETING else None,
            "place": self.place.data,
            "done": not is_planned,
            "people": self.people.data or [],
            "assignee": (self.assignee.data or None) if is_planned else None,
            "remind_at": _reminder(self.remind.data, due_at) if is_planned else None,
        }
        return logged, self._plan(actor)

    def _plan(self, actor: Actor) -> dict[str, Any] | None:
        then = (self.then.data or "").strip()
        if not then:
            if self.then_on.data:
                raise Invalid({"then": [_l("Say what comes next on that day.")]})
            return None
        due_at = morning_of(self.then_on.data, actor)
        people = [ref for ref in self.people.data or [] if ref.startswith("cont_")]
        remind_at = due_at if self.then_remind.data else None
        return {
            "kind": "task", "subject": then, "due_at": due_at, "remind_at": remind_at, "people": people,
        }  # fmt: skip


class CommentForm(Form):
    """What somebody writes to the other side of a lead.  company: the partner whom they think of as they write."""

    company = HiddenField()
    text = TextAreaField(_l("Text"))


class EditForm(Form):
    """An activity as it is changed on its own page."""

    version = HiddenField()
    kind = SelectField(
        _l("Kind"), choices=options((kind.value, words.label) for kind, words in KINDS.items())
    )
    subject = StringField(_l("Subject"))
    text = TextAreaField(_l("What is it about"))
    at = DateTimeLocalField(_l("Done"), [Optional()])
    due_at = DateTimeLocalField(_l("Due"), [Optional()], description=_l("Of a meeting: when it begins."))
    ends_at = DateTimeLocalField(_l("Until"), [Optional()])
    place = StringField(_l("Place"))
    assignee = SelectField(_l("Who does it"), choices=[], validate_choice=False)
    remind_at = DateTimeLocalField(_l("Remind"), [Optional()])
    outcome = TextAreaField(_l("What came of it"))
    people = SelectMultipleField(_l("With"), choices=[], validate_choice=False)

    def read(self, actor: Actor, activity: Activity) -> dict[str, Any]:
        """What `edit_activity` takes.  Raises Invalid for a date that is none.

        What the form did not change is left out, so that seconds that it does not show stay.
        """
        _refuse_broken(self, ("at", "due_at", "ends_at", "remind_at"))
        values: dict[str, Any] = {
            "kind": self.kind.data,
            "subject": self.subject.data,
            "text": self.text.data,
            "place": self.place.data,
            "outcome": self.outcome.data,
            "people": self.people.data or [],
        }
        if self.assignee.data:
            values["assignee"] = self.assignee.data
        for name in ("at", "due_at", "ends_at", "remind_at"):
            if self[name].data != _local(getattr(activity, name), actor):
                values[name] = _aware(self[name].data, actor)
        if not activity.is_done:
            values.pop("at", None)
        return values


def edit_form(activity: Activity, actor: Actor, people: list[str], assignee: str) -> EditForm:
    """The form with what the activity says."""
    moments = {
        name: _local(getattr(activity, name), actor) for name in ("at", "due_at", "ends_at", "remind_at")
    }
    texts = {name: getattr(activity, name) or "" for name in ("subject", "text", "place", "outcome")}
    return EditForm(
        formdata=None,
        data={
            "version": activity.version, "kind": activity.kind.value, "people": people, "assignee": assignee,
            **moments, **texts,
        },
    )  # fmt: skip


def named_in_panel(errors: Mapping[str, Any]) -> dict[str, Any]:
    """Complaints about the plan at the fields of the panel."""
    return {_OF_PLAN.get(name, name): messages for name, messages in errors.items()}


def morning_of(day: date | None, actor: Actor) -> datetime | None:
    """The moment at which something is due on a day, by the person's clock."""
    return None if day is None else _aware(datetime.combine(day, DAY_BEGINS), actor)


def _refuse_broken(form: Form, names: tuple[str, ...]) -> None:
    form.validate()
    broken = {name: list(form[name].errors) for name in names if form[name].errors}
    if broken:
        raise Invalid(broken)


def _reminder(chosen: str | None, due_at: datetime | None) -> datetime | None:
    if not chosen:
        return None
    if due_at is None:
        raise Invalid({"due_at": [_l("Say when it is due, to be reminded of it.")]})
    return due_at - timedelta(minutes=int(chosen))


def _aware(moment: datetime | None, actor: Actor) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=ZoneInfo(actor.time_zone))


def _local(moment: datetime | None, actor: Actor) -> datetime | None:
    """As an input shows it: on the person's clock, to the minute."""
    if moment is None:
        return None
    return moment.astimezone(ZoneInfo(actor.time_zone)).replace(tzinfo=None, second=0, microsecond=0)
