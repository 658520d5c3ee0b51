"""The editor of a form: what was typed into it, read from the page's inputs and written into them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from app.capture.fields import Known
from app.capture.models import LeadForm

TEXTS = ("name", "language", "heading", "thank_you_url", "thank_you_text")
# What new forms ask, with what must be given.
USUAL = {
    "first_name": False,
    "last_name": True,
    "company": False,
    "email": True,
    "phone": False,
    "description": False,
}
# Filled in by most forms, and so shown first.
OFTEN = ("source", "campaign", "product_interest")
FAR = 10_000


@dataclass(slots=True)
class Line:
    """A field that the form could ask.  place: what was typed as its place in the order."""

    name: str
    known: Any
    is_asked: bool = False
    is_required: bool = False
    place: str = ""
    label: str = ""
    help: str = ""


@dataclass(slots=True)
class FormDraft:
    """All inputs of the editor, as text.  problems: name of a part → messages."""

    texts: dict[str, str] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    hidden: dict[str, str] = field(default_factory=dict)
    sites: str = ""
    is_active: bool = True
    version: str = ""
    problems: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """What the operations take."""
        asked = sorted((line for line in self.lines if line.is_asked), key=lambda line: _number(line.place))
        return {
            **{name: self.texts.get(name) or None for name in TEXTS},
            "fields": [
                {"name": line.name, "label": line.label, "help": line.help, "required": line.is_required}
                for line in asked
            ],
            "hidden": {name: text for name, text in self.hidden.items() if text.strip()},
            "frame_sites": self.sites.split(),
            "is_active": self.is_active,
        }


def new_draft(known: Known, language: str) -> FormDraft:
    """What the editor of a new form begins with."""
    asked = [{"name": name, "required": required} for name, required in USUAL.items()]
    return FormDraft({"language": language}, _lines(asked, known))


def draft_of(form: LeadForm, hidden: Mapping[str, Any], known: Known) -> FormDraft:
    """The form as it is.  hidden: as people write it."""
    return FormDraft(
        {name: getattr(form, name) or "" for name in TEXTS},
        _lines(form.fields, known),
        {name: _text(value) for name, value in hidden.items()},
        "\n".join(form.frame_sites),
        form.is_active,
        str(form.version),
    )


def sent_draft(sent: MultiDict[str, str], known: Known, hideable: Known) -> FormDraft:
    """What was typed."""
    lines = [
        Line(
            name,
            each,
            bool(sent.get(f"ask-{name}")),
            bool(sent.get(f"must-{name}")),
            sent.get(f"place-{name}", ""),
            sent.get(f"label-{name}", ""),
            sent.get(f"help-{name}", ""),
        )
        for name, each in known.items()
    ]
    lines.sort(key=lambda line: (not line.is_asked, _number(line.place)))
    return FormDraft(
        {name: sent.get(name, "") for name in TEXTS},
        lines,
        {name: sent.get(f"hidden-{name}", "") for name in hideable},
        sent.get("frame_sites", ""),
        bool(sent.get("is_active")),
        sent.get("version", ""),
    )


def _lines(asked: Sequence[Mapping[str, Any]], known: Known) -> list[Line]:
    chosen = {str(each["name"]): each for each in asked if each["name"] in known}
    lines = [
        Line(
            name,
            known[name],
            True,
            bool(each.get("required")),
            str(place),
            each.get("label", ""),
            each.get("help", ""),
        )
        for place, (name, each) in enumerate(chosen.items(), 1)
    ]
    return [*lines, *(Line(name, each) for name, each in known.items() if name not in chosen)]


def _number(text: str) -> int:
    text = text.strip()[:5]
    return int(text) if text.isascii() and text.isdecimal() else FAR


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
