"""What the pages of accounts and contacts share: pickers, forms filled from records, what a refusal shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.accounts.categories import category_name
from app.accounts.changes import StaleEdit
from app.accounts.fields import Field, FieldKind
from app.accounts.forms import RecordForm
from app.accounts.queries import find_names
from app.accounts.related import accounts_named, suggest_accounts
from app.fields.catalogue import Definition
from app.fields.inputs import label_of
from app.fields.values import as_typed, names_of_people, people_in
from app.fields.values import in_words as in_words_of_own
from app.identity.forms import LANGUAGE_NAMES
from app.kernel import refs
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.kernel.fold import fold
from app.kernel.paging import COUNT_CAP
from app.kernel.text import clean_text
from app.web.filters import country_name, number

MOST_OFFERED = 6


@dataclass(frozen=True, slots=True)
class Difference:
    """A field in which an edit and the record differ, in words."""

    label: str
    yours: str
    now: str


def fill_pickers(session: Session, actor: Actor, form: RecordForm, given: dict[str, Any]) -> dict[str, Any]:
    """`given` with public names for what was typed into pickers.

    Raises Invalid where the text names no account, or several; `form.offers` then lists those it may mean;
    and for text that cannot be stored.
    """
    errors: dict[str, list[Any]] = {}
    for name, field in form.fields.items():
        if field.kind is FieldKind.ACCOUNT and name in given:
            text = clean_text(given[name], field=name) or ""
            found = accounts_meant(session, actor, text, form.picked(name)) if text else []
            given[name] = found[0][0] if len(found) == 1 else None
            if text and not found:
                errors[name] = [_("There is no account whose name begins with “%(text)s”.", text=text[:60])]
            elif len(found) > 1:
                errors[name] = [_("Several accounts can be meant. Choose one.")]
                form.offers[name] = found
    if errors:
        raise Invalid(errors)
    return given


def accounts_meant(session: Session, actor: Actor, text: str, picked: str) -> list[tuple[str, str]]:
    """(public name, name) of the accounts that the text can mean: those of exactly that name, else beginning with it."""
    if refs.is_ref(refs.ACCOUNT, text):
        return [(text, text)]
    found = accounts_named(session, actor, text, limit=MOST_OFFERED) or suggest_accounts(
        session, actor, text, limit=MOST_OFFERED
    )
    offered = [(account.ref, _with_place(account)) for account in found]
    chosen = [offer for offer in offered if offer[0] == picked]
    if not chosen and picked and found:
        names = find_names(session, actor, [picked])
        chosen = [(ref, name) for ref, name in names.items() if fold(name) == fold(text)]
    return chosen or offered


def _with_place(account: Any) -> str:
    place = account.site or account.billing_city
    return f"{account.name} · {place}" if place else account.name


def form_data(
    session: Session, actor: Actor, fields: Mapping[str, Any], entry: Any, owner_ref: str
) -> dict[str, Any]:
    """What a form of the record starts with; references by name, with their public names beside them."""
    data: dict[str, Any] = {"version": entry.version}
    for name, field in fields.items():
        if isinstance(field, Definition):
            data[name] = as_typed(field, entry.custom.get(name))
            continue
        value = getattr(entry, field.attribute)
        if field.kind is FieldKind.USER:
            data[name] = owner_ref
        elif field.is_reference:
            found = (
                find_names(session, actor, [], keys={field.kind.value: value}) if value is not None else {}
            )
            ref, text = next(iter(found.items()), ("", ""))
            data[name] = text if field.kind is FieldKind.ACCOUNT else ref
            data[f"{name}_ref"] = ref
        else:
            data[name] = "" if value is None else _as_typed(value)
    return data


def _as_typed(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return str(value)


def show_differences(session: Session, actor: Actor, form: RecordForm, error: StaleEdit) -> list[Difference]:
    """Take over what others changed in fields that the edit left alone; the rest as yours and now.

    The form goes on from the present version, so that saving again means it.
    """
    form.version.data = str(error.version)
    differences = []
    for name, now in error.current.items():
        field = form.fields[name]
        if isinstance(field, Definition):
            if name in error.untouched:
                form[name].process_data(as_typed(field, now))
                continue
            words = in_words_of_own(field, now, names_of_people(session, people_in([field], [{name: now}])))
            yours = label_of(form[name]) or _("empty")
            differences.append(Difference(str(field.label), yours, words or _("empty")))
            continue
        if name in error.untouched:
            form[name].data = "" if now is None else _as_typed(now)
            continue
        yours = _shown(form[name])
        differences.append(
            Difference(str(field.label), str(yours or _("empty")), in_words(session, actor, field, now))
        )
    return differences


def _shown(given: Any) -> Any:
    """What an input shows: the words of a choice, else the text."""
    choices = getattr(given, "choices", None)
    if choices is None:
        return given.data
    offered = choices() if callable(choices) else choices
    return next((choice.label for choice in offered if choice.value == given.data), "")


def in_words(session: Session, actor: Actor, field: Field, value: Any) -> str:
    """A field's value as people read it."""
    if value is None or value == "":
        return _("empty")
    match field.kind:
        case FieldKind.COUNTRY:
            return country_name(value)
        case FieldKind.NUMBER | FieldKind.MONEY:
            return number(value)
        case FieldKind.CHOICE:
            return category_name(value)
        case FieldKind.LANGUAGE:
            return dict(LANGUAGE_NAMES).get(str(value), str(value))
        case FieldKind.ACCOUNT | FieldKind.CONTACT:
            return find_names(session, actor, [value]).get(value, _("one you may not see"))
    return str(value)


def filters_given(names: Sequence[str]) -> dict[str, list[str]]:
    """The filters among `names` that the address of this page carries."""
    return {
        name: request.args.getlist(name)
        for name in names
        if any(v.strip() for v in request.args.getlist(name))
    }


def count_text(count: int) -> str:
    """ "12", or "1,000+" beyond what is counted."""
    return f"{number(COUNT_CAP)}+" if count > COUNT_CAP else number(count)
