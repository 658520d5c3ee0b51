"""/settings: the organisation's one record."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.api.answers import check_version, moment, record_answer, version_of
from app.api.previews import preview_answer, reach_of_defaults, wants_preview
from app.api.routes import Area
from app.api.schemas.setup import LeadFieldsIn, Settings, SettingsChanges, SettingsOrPreview
from app.api.schemas.sharing import PreviewQuery
from app.identity.lead_fields import EVERYONE, read_lead_fields, set_lead_fields
from app.identity.organisation import FOURTH_CATEGORY, edit_organisation
from app.identity.portal import set_portal_roles
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, let_go, transaction
from app.kernel.errors import Invalid
from app.sharing.prospects import of_defaults
from app.web.access import current_actor, needs

area = Area(
    "Settings", "The organisation: its defaults, what partners see before a claim, its zone and names."
)


@area.get("/settings", "Read the settings", {200: Settings})
@needs(Permission.SETUP_VIEW)
def read_settings() -> Response:
    return record_answer(_settings(db.session(), current_actor()))


@area.patch("/settings", "Change settings", {200: SettingsOrPreview}, query=PreviewQuery)
@needs(Permission.SETTING_MANAGE)
def change_settings(body: SettingsChanges) -> Response:
    """By administrators."""
    values = body.model_dump(exclude_unset=True)
    empty = [name for name, value in values.items() if value is None and name != "accent"]
    if empty:
        raise Invalid({name: [_l("This cannot be empty.")] for name in empty})
    if "accent" in values:
        values["accent"] = values["accent"] or ""
    with transaction() as session:
        actor = current_actor()
        check_version(lambda: _settings(session, actor))
        if wants_preview():
            tried = _tried(session, actor, body, values)
            let_go()  # counting needs no lock
            return preview_answer(session, of_defaults(session, tried))
        _change(session, actor, body, values)
        answer = _settings(session, actor)
        if "defaults" in values:
            answer["partner_reach"] = reach_of_defaults(session, answer["defaults"])
    return record_answer(answer)


def _tried(session: Session, actor: Actor, body: SettingsChanges, values: dict[str, Any]) -> dict[str, Any]:
    """The organisation-wide defaults as the change would leave them; nothing of it stays.  Raises as it would."""
    undone = session.begin_nested()
    try:
        _change(session, actor, body, values)
        return dict(get_organisation(session).defaults)
    finally:
        undone.rollback()


def _change(session: Session, actor: Actor, body: SettingsChanges, given: Mapping[str, Any]) -> None:
    values = {name: value for name, value in given.items() if name != "lead_fields"}
    roles = values.pop("portal_roles", None)
    if roles is not None:
        set_portal_roles(session, actor, roles, now=clock.now())
    version = get_organisation(session).version
    edit_organisation(session, actor, values, version=version, now=clock.now())
    if body.lead_fields is not None:
        _change_fields(session, actor, body.lead_fields)


def _change_fields(session: Session, actor: Actor, given: LeadFieldsIn) -> None:
    levels = given.levels or {}
    if EVERYONE in levels:
        raise Invalid({"lead_fields.levels": [_l("There is no such partner level any more.")]})
    wanted: dict[str, Mapping[str, str | None]] = {**levels}
    if given.all is not None:
        wanted[EVERYONE] = {**given.all}
    set_lead_fields(session, actor, wanted, knowingly=given.knowingly, now=clock.now())


def _settings(session: Session, actor: Actor) -> dict[str, Any]:
    organisation = get_organisation(session)
    fields = read_lead_fields(session)
    names = {
        language: {thing: words for thing, words in known.items() if thing != FOURTH_CATEGORY}
        for language, known in (organisation.names or {}).items()
    }
    body: dict[str, Any] = {
        "name": organisation.name,
        "accent": organisation.accent or None,
        "language": organisation.language,
        "time_zone": organisation.time_zone,
        "currency": organisation.currency,
        "strict_capture": organisation.strict_capture,
        "preview_fields": list(organisation.preview_fields),
        "lead_fields": {
            "all": dict(fields.everyone),
            "levels": {level.ref: dict(level.own) for level in fields.levels if level.own},
        },
        "defaults": organisation.defaults,
        "names": {language: known for language, known in names.items() if known},
        "field_names": organisation.field_names,
        "prm_enabled_at": moment(organisation.prm_enabled_at),
        "portal_published_at": moment(organisation.portal_published_at),
        "portal_roles": list(organisation.portal_roles),
    }
    body["version"] = version_of(actor, body, organisation.version)
    return body
