"""/registries/{name}: the lists that an administrator keeps."""

from collections.abc import Sequence
from typing import Any

from flask import Response, jsonify
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.accounts.relations.registries import REGISTRIES as RELATIONS
from app.api.answers import no_content, page_json, plain_list_arguments, record_answer, sliced
from app.api.routes import Area
from app.api.schemas.common import list_query
from app.api.schemas.setup import RegistryItem, RegistryItemIn, RegistryItemList
from app.cases.registry import STATUSES as CASE_STATUSES
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, NotFound
from app.leads.registries import REASONS, SOURCES, STATUSES, UNQUALIFIED_REASONS
from app.opportunities.registry import OUTCOMES, STAGES
from app.partners.levels import LEVELS
from app.registries.operations import (
    Registry,
    add_item,
    edit_item,
    list_items,
    place_item,
    remove_item,
)
from app.web.access import current_actor, needs

area = Area(
    "Registries", "Statuses, sources, reasons, levels, types and areas, as an administrator keeps them."
)
REGISTRIES = {
    registry.name: registry
    for registry in (
        STATUSES,
        SOURCES,
        REASONS,
        UNQUALIFIED_REASONS,
        LEVELS,
        CASE_STATUSES,
        STAGES,
        OUTCOMES,
        *RELATIONS,
    )
}
RegistryQuery = list_query("RegistryQuery")


@area.get("/registries/<registry>", "List a registry", {200: RegistryItemList}, query=RegistryQuery)
@needs(Permission.SETUP_VIEW)
def list_registry(registry: str) -> Response:
    """In its order, retired entries included."""
    limit, cursor, _filters = plain_list_arguments()
    session, actor, known = db.session(), current_actor(), _registry(registry)
    items = list_items(session, known)
    page = sliced(actor, ["registry", registry], items, lambda item: int(item.id), limit=limit, cursor=cursor)
    shown = iter(_items(session, known, page.items))
    return jsonify(page_json(page, lambda _item: next(shown)))


@area.post("/registries/<registry>", "Add an entry to a registry", {201: RegistryItem})
@needs(Permission.SOURCE_MANAGE)  # sources; the others ask for more themselves
def new_item(registry: str, body: RegistryItemIn) -> Response:
    """At the end."""
    known = _registry(registry)
    if body.position is not None:
        raise Invalid({"position": [_l("A new entry comes to the end. Move it then.")]})
    with transaction() as session:
        item = add_item(session, current_actor(), known, _values(body), now=clock.now())
        [answer] = _items(session, known, [item])
    return record_answer(answer, 201)


@area.patch(
    "/registries/<registry>/<item_id>",
    "Change an entry of a registry",
    {200: RegistryItem},
    takes_version=False,
)
@needs(Permission.SOURCE_MANAGE)  # as above
def change_item(registry: str, item_id: str, body: RegistryItemIn) -> Response:
    """Retired ones stay with the records that have them, and are not offered any more."""
    known, now = _registry(registry), clock.now()
    with transaction() as session:
        item = edit_item(session, current_actor(), known, item_id, _values(body), now=now)
        if body.position is not None:
            item = place_item(session, current_actor(), known, item_id, to=body.position, now=now)
        [answer] = _items(session, known, [item])
    return record_answer(answer)


@area.delete("/registries/<registry>/<item_id>", "Remove an entry of a registry", takes_version=False)
@needs(Permission.SOURCE_MANAGE)  # as above
def end_item(registry: str, item_id: str) -> Response:
    """One in use is refused (409 in-use): retire it."""
    with transaction() as session:
        remove_item(session, current_actor(), _registry(registry), item_id, now=clock.now())
    return no_content()


def _registry(name: str) -> Registry:
    found = REGISTRIES.get(name)
    if found is None:
        raise NotFound("registry", name)
    return found


def _values(body: RegistryItemIn) -> dict[str, Any]:
    values = body.model_dump(exclude_unset=True, exclude={"position"})
    if "active" in values:
        values["is_active"] = values.pop("active")
    return values


def _items(session: Session, registry: Registry, items: Sequence[Any]) -> list[dict[str, Any]]:
    bodies = []
    for item, more in zip(items, registry.show(session, items), strict=True):
        body: dict[str, Any] = {"id": item.ref, "name": item.name, "position": item.position}
        if registry.has_key:
            body["key"] = item.key
        body |= more
        if registry.can_retire:
            body["active"] = item.is_active
        bodies.append(body)
    return bodies
