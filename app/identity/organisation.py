"""The organisation's one row: what is switched on once and for good, and what an administrator sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.events.operations import record
from app.fields.catalogue import catalogue, new_key
from app.identity.models import Organisation
from app.kernel.actor import Actor, Permission
from app.kernel.clock import zones
from app.kernel.db import db, is_sqlite
from app.kernel.errors import Invalid, Stale, WrongOrder
from app.kernel.text import clean_text
from app.leads.fields import PREVIEWABLE
from app.leads.visibility import SETTABLE
from app.opportunities.currencies import CODES
from app.words import nouns
from app.words.given import given_field_names, given_names

LANGUAGES = nouns.LANGUAGES
# As `static/css/tokens.css` names them.
ACCENTS = (
    "indigo", "blue", "cyan", "teal", "green", "olive", "orange", "red", "rose", "plum", "violet", "graphite",
)  # fmt: skip
USUAL_ACCENT = ACCENTS[0]  # of pages where none was chosen
EDITABLE = (
    "name", "accent", "language", "time_zone", "currency", "strict_capture", "preview_fields", "fourth_category", "defaults",
    "names", "field_names",
)  # fmt: skip
LEVELS = ("private", "read", "read_write")
# Objects whose defaults can be chosen; contacts follow their accounts unless they are named too.
CHOOSABLE_DEFAULTS = ("account", "contact", "lead", "opportunity", "case", "document", "saved_view")
# Where `names` keeps what the fourth category of accounts is called, beside the names of the objects.
FOURTH_CATEGORY = "fourth_account_category"


class PrmOff(WrongOrder):
    """The portal is published after PRM is switched on."""

    message = _l("Switch partner management on first.")


@dataclass(frozen=True, slots=True)
class _Subject:
    """The organisation as events name it; it has no public name of its own."""

    __tablename__ = "organisation"
    id: int = 1
    ref: str = "organisation"


SUBJECT = _Subject()


def switch_prm_on(
    session: Session,
    actor: Actor,
    defaults: Mapping[str, Mapping[str, str]],
    *,
    detail: Mapping[str, Any],
    now: datetime,
) -> None:
    """Switch partner management on; `sharing.enabling` calls it, after what would reach partners is decided.

    defaults: object → side → level, of those that change; what partners have of the others is private.
    detail: what was decided, for the event.  The organisation is locked by the caller and it is off.
    Does not commit.  Raises NotAllowed, Invalid.
    """
    actor.require(Permission.PRM_ENABLE)
    organisation = lock_organisation(session)
    before = organisation.defaults
    organisation.prm_enabled_at, organisation.prm_enabled_by_id = now, actor.user_id
    organisation.defaults = defaults_with_partners(before, _defaults(defaults))
    organisation.version += 1
    changes = {"defaults": (before, organisation.defaults)} if before != organisation.defaults else {}
    record(session, actor, verb="prm_enabled", subject=SUBJECT, at=now, changes=changes, detail=dict(detail))


def publish_portal(session: Session, actor: Actor, *, now: datetime) -> bool:
    """Let partner users sign in from now on; False when they could already.

    Writes an event; does not commit.  Raises NotAllowed, PrmOff.
    """
    actor.require(Permission.PORTAL_PUBLISH)
    organisation = lock_organisation(session)
    if organisation.prm_enabled_at is None:
        raise PrmOff
    if organisation.portal_published_at is not None:
        return False
    organisation.portal_published_at = now
    organisation.version += 1
    record(session, actor, verb="portal_published", subject=SUBJECT, at=now)
    return True


def edit_organisation(
    session: Session, actor: Actor, values: Mapping[str, Any], *, version: int | None = None, now: datetime
) -> Organisation:
    """Change settings of the organisation; those not given stay.

    values: any of `EDITABLE`.  fourth_category: the name of the fourth category of accounts, None for none.
    preview_fields: what all partners see of a lead before they claim it; what tells whom to call is not put among
    them here, see `lead_fields`.  defaults: object → {"internal": level,
    "external": level}, either left out, of `CHOOSABLE_DEFAULTS`.  names: language → object → [singular, plural] or, in
    Spanish and Catalan, with a gender as the third; field_names: language → object → field → label; both replace all
    that were given before.  Writes an event with old and new values.
    Raises NotAllowed, Invalid, Stale.
    """
    actor.require(Permission.SETTING_MANAGE)
    organisation = lock_organisation(session)
    wanted = _clean(values)
    if "names" in wanted:
        wanted["names"] = _with_fourth_category(wanted["names"], fourth_category_of(organisation) or None)
    if "fourth_category" in wanted:
        wanted["names"] = _with_fourth_category(
            wanted.get("names", organisation.names), wanted.pop("fourth_category")
        )
    if "preview_fields" in wanted:
        wanted |= _with_preview(organisation, wanted["preview_fields"])
    if "defaults" in wanted:
        wanted["defaults"] = _with_defaults(organisation, wanted["defaults"])
    changes = {
        name: (getattr(organisation, name), value)
        for name, value in wanted.items()
        if getattr(organisation, name) != value
    }
    if version is not None and version != organisation.version and changes:
        raise Stale(current={name: old for name, (old, _new) in changes.items()})
    if not changes:
        return organisation
    for name, (_old, new) in changes.items():
        setattr(organisation, name, new)
    if "names" in changes or "field_names" in changes:
        organisation.words_key = new_key() if organisation.names or organisation.field_names else ""
    organisation.version += 1
    record(session, actor, verb="edited", subject=SUBJECT, at=now, changes=changes)
    return organisation


def fourth_category_of(organisation: Organisation) -> str:
    """What the fourth category of accounts is called, "" while it has no name."""
    names: Sequence[str] = (organisation.names or {}).get("en", {}).get(FOURTH_CATEGORY, ())
    return names[0] if names else ""


def lock_organisation(session: Session) -> Organisation:
    """The one row as it is now, held against changes until the transaction ends."""
    statement = select(Organisation).execution_options(populate_existing=True)
    return session.scalars(statement if is_sqlite(session) else statement.with_for_update()).one()


def hold_organisation(session: Session) -> None:
    """Let nobody change the row until the transaction ends; any number of transactions may hold it at once.

    Taken by what may reach partners, so that it comes before partners are let in or after, never beside it.
    """
    if not is_sqlite(session):
        session.execute(select(Organisation.id).with_for_update(read=True))


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    cleaned: dict[str, Any] = {}
    errors: dict[str, list[Any]] = {}
    for name, value in values.items():
        make = _CLEANERS.get(name)
        try:
            if make is None:
                raise Invalid({name: [_l("There is no such setting.")]})
            cleaned[name] = make(value)
        except Invalid as error:
            errors[name] = [message for messages in error.errors.values() for message in messages]
    if errors:
        raise Invalid(errors)
    return cleaned


def _name(value: Any) -> str:
    name = clean_text(value, max_length=60, field="name")
    if name is None:
        raise Invalid({"name": [_l("Give the organisation a name.")]})
    return name


def _one_of(field: str, known: Sequence[str] | frozenset[str]) -> Any:
    def clean(value: Any) -> str:
        if value not in known:
            raise Invalid({field: [_l("Choose one of those listed.")]})
        return str(value)

    return clean


def _zone(value: Any) -> Any:
    return _one_of("time_zone", zones())(value)


def _preview(value: Any) -> list[str]:
    own, people = catalogue(db.session()).all("lead"), catalogue(db.session()).of_people("lead")
    known = (*SETTABLE, *(name for name in own if name not in people))
    if not isinstance(value, list | tuple) or any(name not in known for name in value):
        raise Invalid({"preview_fields": [_l("Choose among those listed.")]})
    return [name for name in known if name in value]


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid({"strict_capture": [_l("This is yes or no.")]})
    return value


def _defaults(value: Any) -> dict[str, dict[str, str]]:
    """Object → side → level, of the sides that are given."""
    if not isinstance(value, Mapping):
        raise Invalid({"defaults": [_l("This must be an object.")]})
    chosen = {}
    for thing, levels in value.items():
        if thing not in CHOOSABLE_DEFAULTS:
            known = ", ".join(CHOOSABLE_DEFAULTS)
            raise Invalid({"defaults": [_l("Defaults can be chosen of: %(known)s.", known=known)]})
        given = {side: level for side, level in levels.items() if level is not None}
        if not given or set(given) - {"internal", "external"} or set(given.values()) - set(LEVELS):
            raise Invalid({"defaults": [_l("Choose one of: %(known)s.", known=", ".join(LEVELS))]})
        chosen[thing] = given
    return chosen


_CLEANERS: dict[str, Any] = {
    "defaults": _defaults,
    "names": given_names,
    "field_names": given_field_names,
    "name": _name,
    "accent": _one_of("accent", ("", *ACCENTS)),
    "language": _one_of("language", LANGUAGES),
    "time_zone": _zone,
    "currency": _one_of("currency", CODES),
    "strict_capture": _flag,
    "preview_fields": _preview,
    "fourth_category": lambda value: clean_text(value, max_length=40, field="fourth_category"),
}


def _with_preview(organisation: Organisation, names: Sequence[str]) -> dict[str, Any]:
    """What is shown before a claim, and what stays hidden beside it.  Raises Invalid."""
    if set(names) - {*PREVIEWABLE, *organisation.preview_fields}:
        raise Invalid({"preview_fields": [_l("Choose among those listed.")]})
    hidden = [name for name in organisation.hidden_fields if name not in names]
    return {"preview_fields": names, "hidden_fields": hidden}


def _with_fourth_category(renamed: Mapping[str, Any] | None, name: str | None) -> dict[str, Any]:
    """The names with that one in every language, or without it."""
    names = {language: dict(known) for language, known in (renamed or {}).items()}
    for language in LANGUAGES:
        known = names.setdefault(language, {})
        known.pop(FOURTH_CATEGORY, None)
        if name is not None:
            known[FOURTH_CATEGORY] = [name, name]
    return {language: known for language, known in names.items() if known}


def _with_defaults(organisation: Organisation, chosen: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """All defaults, those of the objects named changed.  chosen: object → side → level.

    Raises Invalid: partners never have more than the vendor's people, and nothing while there are none.
    """
    after = _changed(organisation.defaults, chosen)
    if organisation.prm_enabled_at is None and any(
        levels["external"] != "private" for thing, levels in after.items() if thing in chosen
    ):
        message = _l("What partners have stays private until partner management is switched on.")
        raise Invalid({"defaults": [message]})
    return after


def defaults_with_partners(
    before: Mapping[str, Mapping[str, str]], chosen: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """The defaults with which partners are let in: private to them, unless chosen otherwise.  Raises Invalid."""
    private = {thing: {**levels, "external": "private"} for thing, levels in before.items()}
    return _changed(private, chosen)


def _changed(
    before: Mapping[str, Mapping[str, str]], chosen: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    after = {thing: dict(levels) for thing, levels in before.items()}
    if "account" in chosen and "contact" not in chosen:
        chosen = {**chosen, "contact": chosen["account"]}
    for thing, levels in chosen.items():
        after[thing].update(levels)
        outside, inside = (LEVELS.index(after[thing][side]) for side in ("external", "internal"))
        if outside > inside:
            message = _l("What partners have by default is never more than what your own people have.")
            raise Invalid({"defaults": [message]})
    return after
