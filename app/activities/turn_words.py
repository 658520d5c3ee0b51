"""Turns of cases and opportunities as lines of a timeline."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.activities.places import PlaceName
from app.activities.turns import Turned
from app.activities.words import TimelineRow, cut_short
from app.cases.models import Case
from app.opportunities.fields import ROLES, entry_name

# What became of it → icon, tone, and the words for it with somebody before them, and with nobody to be named.
_CASE_TURNS: dict[str, tuple[str, str, Any, Any]] = {
    "made": ("case", "amber", _l("opened a case"), _l("A case was opened")),
    "closed": ("check-circle", "green", _l("closed a case"), _l("A case was closed")),
    "reopened": ("undo", "amber", _l("opened a case again"), _l("A case was opened again")),
}
_OPPORTUNITY_TURNS: dict[str, tuple[str, str, Any, Any]] = {
    "made": ("dollar", "", _l("created an opportunity"), _l("An opportunity was created")),
    "won": ("check-circle", "green", _l("won an opportunity"), _l("An opportunity was won")),
    "lost": ("x-circle", "red", _l("lost an opportunity"), _l("An opportunity was lost")),
    "reopened": ("undo", "amber", _l("opened an opportunity again"), _l("An opportunity was opened again")),
}


def turn_row(told: Turned) -> TimelineRow:
    """What became of a case or an opportunity as a line: "Mara closed a case", and below it which."""
    record = told.record
    if isinstance(record, Case):
        became, words, name = "reopened" if record.is_open else "closed", _CASE_TURNS, record.title
        said = [(_("What came of it"), record.resolution)]
    else:
        became = "reopened" if record.is_open else record.category.value
        words, name = _OPPORTUNITY_TURNS, record.name
        said = [
            (_("What came of it"), entry_name(told.outcome) if told.outcome else None),
            (_("Note"), record.outcome_note),
        ]
    icon, tone, active, passive = words["made" if told.turn.is_beginning else became]
    role = [(_("Role"), str(ROLES[told.role]))] if told.role else []
    return TimelineRow(
        ref="",
        icon=icon,
        who=told.who,
        what=str(active if told.who else passive),
        at=told.turn.at,
        text=name,
        details=(
            *role,
            *((label, cut_short(text)) for label, text in said if text and not told.turn.is_beginning),
        ),
        tone=tone,
        link=PlaceName(record.__tablename__, record.ref, name),
    )
