"""A field as an administrator writes it, checked."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _l

from app.fields.kinds import KIND_NAMES, OBJECTS, PREFIX, WITH_CHOICES, Kind
from app.fields.models import CustomField
from app.kernel.errors import Invalid
from app.kernel.fold import fold
from app.kernel.text import clean_text
from app.leads.visibility import Visibility

LONGEST_LABEL, LONGEST_NAME, LONGEST_TEXT = 80, 40, 2000
MOST_CHOICES = 300
LANGUAGES = ("es", "ca")
_OTHERS = re.compile("[^a-z0-9]+")


@dataclass(slots=True)
class ChoiceDraft:
    """One of the list.  key: "" for a new one."""

    key: str = ""
    name: str = ""
    names: dict[str, str] = field(default_factory=dict)
    is_retired: bool = False


@dataclass(slots=True)
class FieldDraft:
    """What was typed.  visibility: of leads, when partners see it; "" leaves it as it is."""

    object: str = "account"
    kind: str = ""
    label: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    help: str = ""
    description: str = ""
    asked_by: str = ""
    reason: str = ""
    choices: list[ChoiceDraft] = field(default_factory=list)
    first_value: str = ""
    is_required: bool = False
    is_internal: bool = False
    by_partner: bool = True
    visibility: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """The same, fit to store."""

    name: str
    kind: str
    label: str
    labels: dict[str, str]
    help: str
    description: str
    asked_by: str
    reason: str
    choices: list[dict[str, Any]]
    first_value: str
    is_required: bool
    is_internal: bool
    by_partner: bool
    visibility: Visibility | None


def draft_of(row: CustomField) -> FieldDraft:
    """A stored field as a draft."""
    return FieldDraft(
        object=row.object,
        kind=row.kind,
        label=row.label,
        labels=dict(row.labels),
        help=row.help,
        description=row.description,
        asked_by=row.asked_by,
        reason=row.reason,
        choices=[
            ChoiceDraft(c["key"], c["name"], dict(c.get("names") or {}), bool(c.get("retired")))
            for c in row.choices
        ],
        first_value=row.first_value,
        is_required=row.is_required,
        is_internal=row.is_internal,
        by_partner=row.by_partner,
    )


def read_draft(draft: FieldDraft, taken: Collection[str], *, known: CustomField | None = None) -> Written:
    """The draft, checked.  taken: names of fields that the object has or had.  known: the field that is changed.

    Raises Invalid with every fault found.
    """
    errors: dict[str, list[Any]] = {}
    if draft.object not in OBJECTS:
        errors["object"] = [_l("Choose one of those listed.")]
    if draft.kind not in set(Kind):
        errors["kind"] = [_l("Choose one of those listed.")]
    texts: dict[str, str] = {}
    for name, longest, message in (
        ("label", LONGEST_LABEL, _l("Give it a name.")),
        ("help", LONGEST_TEXT, _l("Say in a sentence what is to be filled in: people read it at the field.")),
        ("description", LONGEST_TEXT, _l("Say what the field is for: nobody knows it in a year otherwise.")),
        ("asked_by", 120, _l("Say who asked for it.")),
        ("reason", LONGEST_TEXT, None),
        ("first_value", LONGEST_TEXT, None),
    ):
        texts[name] = _text(draft, name, longest, message, errors)
    labels = _languages(draft.labels, "labels", LONGEST_LABEL, errors)
    choices = _choices(draft, errors)
    visibility = _visibility(draft, errors)
    if errors:
        raise Invalid(errors)
    return Written(
        name=known.name if known is not None else free_name(texts["label"], taken),
        kind=draft.kind,
        labels=labels,
        choices=choices,
        is_required=draft.is_required,
        is_internal=draft.is_internal,
        # Asked of leads' fields alone.
        by_partner=draft.by_partner if draft.object == "lead" else known is None or known.by_partner,
        visibility=visibility,
        **texts,
    )


def _text(
    draft: FieldDraft, name: str, longest: int, message: Any | None, errors: dict[str, list[Any]]
) -> str:
    try:
        text = clean_text(getattr(draft, name), max_length=longest, field=name, multiline=longest > 255) or ""
    except Invalid as error:
        errors.update(error.errors)
        return ""
    if not text and message is not None:
        errors[name] = [message]
    return text


def _languages(
    given: dict[str, str], where: str, longest: int, errors: dict[str, list[Any]]
) -> dict[str, str]:
    found = {}
    for language in LANGUAGES:
        try:
            text = clean_text(given.get(language), max_length=longest, field=where)
        except Invalid as error:
            errors.update(error.errors)
            continue
        if text:
            found[language] = text
    return found


def _visibility(draft: FieldDraft, errors: dict[str, list[Any]]) -> Visibility | None:
    if draft.object != "lead" or not draft.visibility:
        return None
    if draft.visibility not in set(Visibility):
        errors["visibility"] = [_l("Choose one of those listed.")]
        return None
    if draft.kind == Kind.USER and draft.visibility != Visibility.HIDDEN:
        errors["visibility"] = [_l("Partners are not told the names of your people: it is hidden from them.")]
        return None
    return Visibility(draft.visibility)


def _choices(draft: FieldDraft, errors: dict[str, list[Any]]) -> list[dict[str, Any]]:
    if draft.kind not in WITH_CHOICES:
        return []
    found: list[dict[str, Any]] = []
    keys = {each.key for each in draft.choices if each.key}
    names: set[str] = set()
    for each in draft.choices:
        try:
            name = clean_text(each.name, max_length=LONGEST_LABEL, field="choices")
        except Invalid as error:
            errors.update(error.errors)
            continue
        if name is None:
            if each.key:
                errors["choices"] = [_l("A choice needs a name.")]
            continue
        if fold(name) in names:
            errors["choices"] = [_l("“%(name)s” is there twice.", name=name)]
        names.add(fold(name))
        key = each.key or free_key(name, keys)
        keys.add(key)
        spelled = _languages(each.names, "choices", LONGEST_LABEL, errors)
        found.append({"key": key, "name": name, "names": spelled, "retired": each.is_retired})
    if not found:
        errors.setdefault("choices", [_l("Give at least one choice.")])
    if len(found) > MOST_CHOICES:
        errors["choices"] = [_l("At most %(most)s choices fit in a list.", most=MOST_CHOICES)]
    return found


def free_name(label: str, taken: Collection[str]) -> str:
    """The name of a field called so: `c_customer_segment`."""
    return _free(PREFIX + (_plain(label)[:LONGEST_NAME].strip("_") or "field"), taken)


def free_key(name: str, taken: Collection[str]) -> str:
    """What records hold for a choice called so."""
    return _free(_plain(name)[:LONGEST_NAME].strip("_") or "choice", taken)


def _plain(text: str) -> str:
    return _OTHERS.sub("_", fold(text)).strip("_")


def _free(wanted: str, taken: Collection[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name


def kind_pairs() -> Sequence[tuple[str, str]]:
    """The types as a form offers them."""
    return [(kind.value, str(name)) for kind, name in KIND_NAMES.items()]
