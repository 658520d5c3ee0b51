"""Setup: what objects and their fields are called, language by language, with what sentences make of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.identity.models import Organisation
from app.identity.queries import get_organisation
from app.identity.words import set_words, with_words
from app.kernel import clock, labels
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, NotFound, Stale
from app.setup.words_samples import sentences
from app.web.access import current_actor, needs
from app.words.edition import Edition, noun_of, nouns_of
from app.words.given import LONGEST
from app.words.nouns import LANGUAGES, STANDARD, Noun
from app.words.translations import Renamed, standard_labels, standard_noun, standard_translations

bp = Blueprint("words", __name__, url_prefix="/setup/words")

NAMES = {"en": "English", "es": "Español", "ca": "Català"}


@dataclass(frozen=True, slots=True)
class Line:
    """An object of the list.  nouns: language → (what it is called, the standard word where that is another)."""

    thing: str
    nouns: Mapping[str, tuple[Noun, Noun | None]]
    renamed_fields: int


@bp.get("")
@needs(Permission.SETTING_MANAGE)
def index() -> str:
    """Every object with its words."""
    organisation = get_organisation(db.session())
    own = {code: nouns_of(code, known) for code, known in organisation.names.items()}
    lines = [_line(organisation, own, thing) for thing in STANDARD]
    return render_template("setup/words.html", lines=lines, languages=NAMES)


@bp.get("/<string:thing>")
@needs(Permission.SETTING_MANAGE)
def show(thing: str) -> str:
    """One object: its words, its fields, and how sentences read with them."""
    _known(thing)
    return _page(thing, get_organisation(db.session()))


@bp.post("/<string:thing>")
@needs(Permission.SETTING_MANAGE)
def save(thing: str) -> ResponseReturnValue:
    """Keep the words, or only try them, or take the standard ones again, by the button that was pressed."""
    _known(thing)
    act = request.form.get("act", "save")
    nouns, fields = ({}, {}) if act == "reset" else (_nouns(thing), _labels(thing))
    version = request.form.get("version", "")
    if act == "try":
        return _page(thing, get_organisation(db.session()), typed=request.form, nouns=nouns)
    try:
        with transaction() as session:
            actor, number = current_actor(), int(version) if version.isdecimal() else 0
            is_new = set_words(session, actor, thing, nouns, fields, version=number, now=clock.now())
    except Invalid as error:
        return _page(thing, get_organisation(db.session()), error.errors, request.form), 422
    except Stale:
        message = _("Somebody has changed settings meanwhile. Check the values and save again.")
        return _page(thing, get_organisation(db.session()), {"version": [message]}, request.form), 409
    if act == "reset" and is_new:
        flash(_("The standard words are back, in every language."), "success")
    else:
        flash(_("Saved.") if is_new else _("Nothing was changed."), "success" if is_new else "info")
    return redirect(url_for("words.show", thing=thing), 303)


def _known(thing: str) -> None:
    if thing not in STANDARD:
        raise NotFound("words", thing)


def _standard(thing: str) -> dict[str, Noun]:
    return {code: standard_noun(standard_translations(code), code, thing) for code in LANGUAGES}


def _line(organisation: Organisation, own: Mapping[str, Mapping[str, Noun]], thing: str) -> Line:
    nouns: dict[str, tuple[Noun, Noun | None]] = {}
    for code, standard in _standard(thing).items():
        said = Renamed(standard_translations(code), Edition("", {code: own.get(code, {})}), code)
        one, many = (said.ugettext(form) for form in STANDARD[thing])
        is_standard = (one, many) == (standard.one, standard.many)
        nouns[code] = (Noun(one, many), None if is_standard else standard)
    renamed = {name for known in organisation.field_names.values() for name in known.get(thing, ())}
    return Line(thing, nouns, len(renamed))


def _page(
    thing: str,
    organisation: Organisation,
    errors: Mapping[str, Sequence[Any]] | None = None,
    typed: Mapping[str, str] | None = None,
    *,
    nouns: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """nouns: those to show sentences with, where they are only tried."""
    values = dict(typed) if typed is not None else _stored(thing, organisation)
    problems = {name: [str(message) for message in messages] for name, messages in (errors or {}).items()}
    tried = nouns or {}
    names = {code: dict(known) for code, known in organisation.names.items()}
    if typed is not None and nouns is not None:
        try:
            names = with_words(organisation, thing, tried, {})["names"]
        except Invalid as error:
            problems = {
                name: [str(message) for message in messages] for name, messages in error.errors.items()
            }
    return render_template(
        "setup/words_of.html",
        thing=thing,
        languages=NAMES,
        standard=_standard(thing),
        fields=_fields(thing),
        values=values,
        errors=problems,
        version=organisation.version,
        is_renamed=any(thing in known for known in organisation.names.values())
        or any(thing in known for known in organisation.field_names.values()),
        sentences=sentences(thing, names),
        longest=LONGEST,
    )


def _fields(thing: str) -> dict[str, dict[str, str]]:
    """Field → language → its standard label."""
    found: dict[str, dict[str, str]] = {name: {} for name in labels.fields_of(thing)}
    for code in LANGUAGES:
        for name, label in standard_labels(thing, code).items():
            found[name][code] = label
    return found


def _stored(thing: str, organisation: Organisation) -> dict[str, str]:
    """What the form begins with, by the names of its inputs."""
    values = {}
    for code, standard in _standard(thing).items():
        own = organisation.names.get(code, {}).get(thing)
        noun = noun_of(code, thing, own) if own else standard
        values[f"{code}-one"], values[f"{code}-many"] = (noun.one, noun.many) if own else ("", "")
        values[f"{code}-gender"] = str(noun.gender or "")
        for name, label in organisation.field_names.get(code, {}).get(thing, {}).items():
            values[f"{code}-{name}-label"] = label
    return values


def _nouns(thing: str) -> dict[str, list[str]]:
    """The nouns that were typed; those left empty, or the standard ones, are none."""
    found = {}
    for code, standard in _standard(thing).items():
        one, many = (" ".join(request.form.get(f"{code}-{part}", "").split()) for part in ("one", "many"))
        gender = request.form.get(f"{code}-gender", "") if code != "en" else ""
        is_standard = (one, many, gender or standard.gender) == (standard.one, standard.many, standard.gender)
        if is_standard or not (one or many):
            continue
        found[code] = [one, many, *([gender] if gender else [])]
    return found


def _labels(thing: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name, standard in _fields(thing).items():
        for code in LANGUAGES:
            text = " ".join(request.form.get(f"{code}-{name}-label", "").split())
            if text and text != standard[code]:
                found.setdefault(code, {})[name] = text
    return found
