"""The lists that relations of accounts come from: reasons, types of characteristics, areas, roles."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import AccountResponsible
from app.accounts.relations.areas import in_tree_order, keys_below
from app.accounts.relations.models import (
    AccountCharacteristic,
    AccountInterest,
    AccountRelationship,
    CharacteristicType,
    InterestArea,
    RelationshipReason,
    ResponsibleRole,
)
from app.kernel.actor import Permission
from app.kernel.errors import InUse, Invalid
from app.kernel.fold import fold
from app.kernel.text import clean_text
from app.registries.operations import LONGEST_NAME, Registry

LONGEST_VALUE = 120
MOST_VALUES = 200
DEEPEST_AREA = 10
_MARK = "|"


# Reasons


def _read_inverse(value: Any) -> str:
    return clean_text(value, max_length=LONGEST_NAME, field="inverse") or ""


def _prepare_reason(session: Session, item: RelationshipReason | None, columns: dict[str, Any]) -> None:
    """No two reasons read alike, whichever side they are read from; what is in use keeps its direction."""
    name = columns.get("name", item.name if item else "")
    inverse = columns.get("inverse", item.inverse if item else "")
    if fold(inverse) == fold(name):
        inverse = columns["inverse"] = ""
    columns.setdefault("inverse", inverse)
    rows = session.scalars(select(RelationshipReason))
    taken = {
        fold(word) for row in rows if item is None or row.id != item.id for word in (row.name, row.inverse)
    }
    for field, word in (("name", name), ("inverse", inverse)):
        if word and fold(word) in taken:
            raise Invalid({field: [_l("“%(name)s” is there already.", name=word)]})
    if item is not None and item.is_symmetric != (not inverse) and _is_used(session, _uses_of_reason(item)):
        raise InUse(
            _l("Relationships have “%(name)s”: which way it reads stays. Add another.", name=item.name)
        )


def _uses_of_reason(reason: RelationshipReason) -> Select[Any]:
    return select(AccountRelationship.id).where(AccountRelationship.reason_id == reason.id)


def _lines_of_reasons(lines: Sequence[str]) -> list[dict[str, Any]]:
    """ "Supplier of | Supplied by"."""
    split = [line.partition(_MARK) for line in lines]
    return [{"name": name.strip(), "inverse": inverse.strip()} for name, _mark, inverse in split]


# Types of characteristics


def _read_allowed(value: Any) -> list[str]:
    """Values to choose from, each once.  Raises Invalid."""
    if value is None:
        return []
    if not isinstance(value, list | tuple) or len(value) > MOST_VALUES:
        raise Invalid({"allowed": [_l("Give at most %(most)s values.", most=MOST_VALUES)]})
    found: dict[str, str] = {}
    for text in value:
        cleaned = clean_text(text, max_length=LONGEST_VALUE, field="allowed")
        if cleaned:
            found.setdefault(fold(cleaned), cleaned)
    return list(found.values())


def _prepare_type(session: Session, item: CharacteristicType | None, columns: dict[str, Any]) -> None:
    """A value that accounts have stays among those to choose from."""
    columns.setdefault("allowed", item.allowed if item else [])
    allowed = {fold(value) for value in columns["allowed"]}
    if item is None or not allowed:
        return
    held = AccountCharacteristic
    lost = session.scalars(
        select(held.value)
        .where(held.type_id == item.id, held.value_fold.not_in(allowed))
        .order_by(held.value_fold)
        .limit(1)
    ).first()
    if lost is not None:
        raise InUse(_l("Accounts have “%(name)s”: keep it among the values.", name=lost))


def _uses_of_type(type_: CharacteristicType) -> Select[Any]:
    return select(AccountCharacteristic.id).where(AccountCharacteristic.type_id == type_.id)


def _lines_of_types(lines: Sequence[str]) -> list[dict[str, Any]]:
    """ "Fleet | small, large"."""
    split = [line.partition(_MARK) for line in lines]
    return [{"name": name.strip(), "allowed": split_values(values)} for name, _mark, values in split]


def split_values(text: str) -> list[str]:
    """Values as they are typed, one a line or with commas between them."""
    return [value.strip() for line in text.splitlines() for value in line.split(",") if value.strip()]


# Areas


def _read_parent(value: Any) -> Any:
    return clean_text(value, max_length=LONGEST_NAME, field="parent_id")


def _prepare_area(session: Session, item: InterestArea | None, columns: dict[str, Any]) -> None:
    """The key of the area above, named by its public name or its name; no area stands below itself."""
    if "parent_id" not in columns or columns["parent_id"] is None:
        return
    named = columns["parent_id"]
    rows = session.execute(select(InterestArea.id, InterestArea.ref, InterestArea.name)).all()
    found = [key for key, ref, name in rows if ref == named or fold(name) == fold(named)]
    if not found:
        raise Invalid({"parent_id": [_l("There is no such area.")]})
    if item is not None and found[0] in keys_below(session, item.id):
        raise Invalid({"parent_id": [_l("An area cannot stand below itself.")]})
    _refuse_too_deep(session, found[0])
    columns["parent_id"] = found[0]


def _refuse_too_deep(session: Session, area_id: int | None) -> None:
    above = {key: parent for key, parent in session.execute(select(InterestArea.id, InterestArea.parent_id))}  # noqa: C416 - rows are no pairs to mypy
    steps = 0
    while area_id is not None:
        area_id, steps = above.get(area_id), steps + 1
        if steps >= DEEPEST_AREA:
            raise Invalid({"parent_id": [_l("There are too many areas above this one.")]})


def _uses_of_area(area: InterestArea) -> Select[Any]:
    interests = select(AccountInterest.id).where(AccountInterest.area_id == area.id)
    below = select(InterestArea.id).where(InterestArea.parent_id == area.id)
    return select(interests.union_all(below).subquery().c[0])


def _lines_of_areas(lines: Sequence[str]) -> list[dict[str, Any]]:
    """ "Bikes > Road bikes > Gravel", or lines indented below the one they belong to."""
    found: list[dict[str, Any]] = []
    stack: list[tuple[int, str]] = []
    for line in lines:
        indent = len(line) - len(line.lstrip())
        while stack and stack[-1][0] >= indent:
            stack.pop()
        parent = stack[-1][1] if stack else None
        for part in (part.strip() for part in line.replace("›", ">").split(">")):
            if part:
                found.append({"name": part, **({"parent_id": parent} if parent else {})})
                parent = part
        if parent:
            stack.append((indent, parent))
    return found


def _name_of_area(session: Session, area_id: int | None) -> str | None:
    area = session.get(InterestArea, area_id) if area_id is not None else None
    return area.name if area is not None else None


# What uses an entry


def _is_used(session: Session, uses: Select[Any]) -> bool:
    return session.scalar(uses.limit(1)) is not None


def _count(session: Session, uses: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(uses.limit(1001).subquery())) or 0


def _used_by_relationships(session: Session, reason: RelationshipReason) -> str:
    count = _count(session, _uses_of_reason(reason))
    return ngettext("%(num)s relationship", "%(num)s relationships", count) if count else ""


def _used_by_characteristics(session: Session, type_: CharacteristicType) -> str:
    count = _count(session, _uses_of_type(type_))
    return (
        ngettext("%(num)s characteristic of accounts", "%(num)s characteristics of accounts", count)
        if count
        else ""
    )


def _used_by_interests(session: Session, area: InterestArea) -> str:
    interests = _count(session, select(AccountInterest.id).where(AccountInterest.area_id == area.id))
    below = _count(session, select(InterestArea.id).where(InterestArea.parent_id == area.id))
    said = []
    if interests:
        said.append(ngettext("%(num)s interest of accounts", "%(num)s interests of accounts", interests))
    if below:
        said.append(ngettext("%(num)s area below it", "%(num)s areas below it", below))
    return ", ".join(said)


def _used_by_responsibles(session: Session, role: ResponsibleRole) -> str:
    count = _count(session, _uses_of_role(role))
    return ngettext("%(num)s person responsible", "%(num)s people responsible", count) if count else ""


def _uses_of_role(role: ResponsibleRole) -> Select[Any]:
    named = or_(
        AccountResponsible.role == role.name, func.lower(AccountResponsible.role) == role.name.lower()
    )
    return select(AccountResponsible.id).where(named)


def _show_reasons(_session: Session, reasons: Sequence[RelationshipReason]) -> list[dict[str, Any]]:
    return [{"inverse": reason.inverse or None} for reason in reasons]


def _show_areas(session: Session, areas: Sequence[InterestArea]) -> list[dict[str, Any]]:
    refs = {key: ref for key, ref in session.execute(select(InterestArea.id, InterestArea.ref))}  # noqa: C416 - rows are no pairs to mypy
    return [{"parent_id": refs.get(area.parent_id or 0)} for area in areas]


RELATIONSHIP_REASONS = Registry(
    "relationship_reasons",
    RelationshipReason,
    Permission.SETTING_MANAGE,
    _uses_of_reason,
    {"inverse": _read_inverse},
    name_uses=_used_by_relationships,
    prepare=_prepare_reason,
    read_lines=_lines_of_reasons,
    shown=_show_reasons,
)
CHARACTERISTIC_TYPES = Registry(
    "characteristic_types",
    CharacteristicType,
    Permission.SETTING_MANAGE,
    _uses_of_type,
    {"allowed": _read_allowed},
    name_uses=_used_by_characteristics,
    prepare=_prepare_type,
    read_lines=_lines_of_types,
)
INTEREST_AREAS = Registry(
    "interest_areas",
    InterestArea,
    Permission.SETTING_MANAGE,
    _uses_of_area,
    {"parent_id": _read_parent},
    name_uses=_used_by_interests,
    prepare=_prepare_area,
    arrange=in_tree_order,
    group=lambda area: area.parent_id,
    told={"parent_id": _name_of_area},
    read_lines=_lines_of_areas,
    shown=_show_areas,
)
RESPONSIBLE_ROLES = Registry(
    "responsible_roles",
    ResponsibleRole,
    Permission.SETTING_MANAGE,
    _uses_of_role,
    name_uses=_used_by_responsibles,
)
REGISTRIES = (RELATIONSHIP_REASONS, CHARACTERISTIC_TYPES, INTEREST_AREAS, RESPONSIBLE_ROLES)
