"""The panel that logs a call, note, task, meeting or e-mail."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext
from wtforms import BooleanField, RadioField, StringField, TextAreaField
from wtforms.fields import DateTimeLocalField
from wtforms.validators import Optional

from app.activities.fields import KINDS
from app.activities.models import ActivityKind
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.web.choices import options
from app.web.forms import Form

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext


class ActivityForm(Form):
    """What happened or is planned.  Times are in the zone of whoever writes."""

    kind = RadioField(
        _l("Kind"),
        choices=options((kind.value, words.label) for kind, words in KINDS.items()),
        default="call",
    )
    subject = StringField(_l("Subject"))
    text = TextAreaField(_l("What happened"))
    at = DateTimeLocalField(_l("When"), [Optional()], description=_l("Empty means now."))
    due_at = DateTimeLocalField(_l("Due"), [Optional()])
    planned = BooleanField(_l("Still to be done"))

    def values(self, actor: Actor) -> dict[str, Any]:
        """What `log_activity` takes.  Raises Invalid for a date that is none."""
        self.validate()
        broken = {name: list(self[name].errors) for name in ("at", "due_at") if self[name].errors}
        if broken:
            raise Invalid(broken)
        kind = self.kind.data or "call"
        is_planned = self.planned.data or kind == ActivityKind.TASK
        return {
            "kind": kind,
            "subject": self.subject.data,
            "text": self.text.data,
            "at": None if is_planned else _aware(self.at.data, actor),
            "due_at": _aware(self.due_at.data, actor),
            "done": not is_planned,
        }


def _aware(moment: datetime | None, actor: Actor) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=ZoneInfo(actor.time_zone))
