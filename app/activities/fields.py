"""What kinds of activity there are: their names, icons and the words a timeline uses for them."""

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from app.activities.models import ActivityKind

LONGEST_SUBJECT = 255
LONGEST_TEXT = 32_000
LONGEST_PLACE = 255


@dataclass(frozen=True, slots=True)
class KindWords:
    """label: on a button.  done, planned: what the person did or means to do.  ask: what to write about it."""

    label: Any
    icon: str
    done: Any
    planned: Any
    ask: Any


KINDS: dict[ActivityKind, KindWords] = {
    ActivityKind.CALL: KindWords(
        _l("Call"), "phone", _l("called"), _l("plans a call"), _l("What was said, and what comes next?")
    ),
    ActivityKind.NOTE: KindWords(
        _l("Note"), "note", _l("noted"), _l("noted"), _l("What should others know?")
    ),
    ActivityKind.TASK: KindWords(
        _l("Task"), "check-circle", _l("finished a task"), _l("has a task"), _l("What is to be done?")
    ),
    ActivityKind.MEETING: KindWords(
        _l("Meeting"), "calendar", _l("met them"), _l("plans a meeting"), _l("Who met, and what came of it?")
    ),
    ActivityKind.EMAIL: KindWords(
        _l("E-mail"), "mail", _l("wrote an e-mail"), _l("plans an e-mail"), _l("What was written?")
    ),
}
