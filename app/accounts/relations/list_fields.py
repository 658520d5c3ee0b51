"""What hangs on accounts as fields of the lists of accounts, and of contacts by their account.

Types of characteristics and reasons of relationships are fields of their own, read with each request.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountResponsible, Contact
from app.accounts.queries import find_names
from app.accounts.relations import segments
from app.accounts.relations.areas import list_areas
from app.accounts.relations.models import (
    AccountCharacteristic,
    AccountInterest,
    CharacteristicType,
    RelationshipReason,
)
from app.identity.models import User
from app.kernel.actor import Actor, Level
from app.kernel.among import among
from app.kernel.fold import fold
from app.lists.catalogue import (
    RELATED,
    Condition,
    Kind,
    ListField,
    MakeCondition,
    Provider,
    Resolve,
    Say,
    add_fields,
    add_provider,
)
from app.lists.people import colleague_choices
from app.routing.criteria import Op
from app.sharing.scope import scope

ONE_OF = (Op.EQUALS, Op.NOT_EQUALS, Op.IN, Op.NOT_IN)
WITH_EMPTY = (*ONE_OF, Op.IS_EMPTY, Op.IS_NOT_EMPTY)
TEXTS = (Op.EQUALS, Op.NOT_EQUALS, Op.STARTS_WITH, Op.IN, Op.NOT_IN, Op.IS_EMPTY, Op.IS_NOT_EMPTY)
_NEGATIVE = (Op.NOT_EQUALS, Op.NOT_IN, Op.IS_EMPTY)
# (session, actor, texts) → keys of the accounts that have one of them; no texts: that have any.
Find = Callable[[Session, Actor, Sequence[str]], Any]


def _condition(find: Find, on: Any) -> MakeCondition:
    """on: the column that holds the account's key.  A contact of a hidden account meets nothing."""

    def make(session: Session, actor: Actor, op: Op, value: Any) -> Condition:
        values: Sequence[str] = ()
        if op not in (Op.IS_EMPTY, Op.IS_NOT_EMPTY):
            values = value if isinstance(value, tuple) else (value,)
        found = segments.among(session, on, find(session, actor, values))
        return _seen(actor, on, ~found if op in _NEGATIVE else found)

    return make


def _seen(actor: Actor, on: Any, condition: Condition) -> Condition:
    return condition if on is Account.id else segments.of_seen_account(actor) & condition


# Interests


def _interests(*, is_interested: bool) -> Find:
    def find(session: Session, _actor: Actor, areas: Sequence[str]) -> Any:
        if areas:
            return segments.with_interest(session, areas, is_interested=is_interested)
        return select(AccountInterest.account_id).where(AccountInterest.is_interested.is_(is_interested))

    return find


def _needs(session: Session, _actor: Actor, areas: Sequence[str]) -> Any:
    return segments.with_open_need(session, areas)


def _has_need(on: Any) -> MakeCondition:
    def make(session: Session, actor: Actor, _op: Op, value: Any) -> Condition:
        found = segments.among(session, on, segments.with_open_need(session))
        return _seen(actor, on, found if value else ~found)

    return make


def _areas(session: Session, _actor: Actor) -> list[tuple[str, str]]:
    return [(area.ref, area.path) for area in list_areas(session)]


def _area_cells(*where: Any, with_need: bool = False) -> Resolve:
    def cells(session: Session, _actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
        held = AccountInterest
        rows = session.execute(
            select(held.account_id, held.area_id, held.need).where(
                among(session, held.account_id, keys), *where
            )
        ).all()
        paths = {area.id: area.path for area in list_areas(session)} if rows else {}
        found: dict[Any, list[str]] = defaultdict(list)
        for account_id, area_id, need in rows:
            found[account_id].append(f"{paths[area_id]}: {need}" if with_need else paths[area_id])
        return {key: sorted(texts) for key, texts in found.items()}

    return cells


def _need_cells(session: Session, actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    having = set(_open_needs(session, actor, keys))
    return {key: key in having for key in keys}


_open_needs = _area_cells(
    AccountInterest.need.is_not(None), AccountInterest.need_met_at.is_(None), with_need=True
)


# People, relationships, the tree


def _answered(_session: Session, actor: Actor, people: Sequence[str]) -> Any:
    return segments.answered_for_by(actor, people) if people else select(AccountResponsible.account_id)


def _people_cells(session: Session, _actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    held = AccountResponsible
    rows = session.execute(
        select(held.account_id, User.name)
        .join(User, User.id == held.user_id)
        .where(among(session, held.account_id, keys))
        .order_by(User.name, User.id)
    )
    found: dict[Any, list[str]] = defaultdict(list)
    for account_id, name in rows:
        found[account_id].append(name)
    return found


def _names(session: Session, actor: Actor, values: Collection[str]) -> Mapping[str, str]:
    return find_names(session, actor, list(values))


def _related(reason: str | None = None) -> Find:
    def find(session: Session, actor: Actor, refs: Sequence[str]) -> Any:
        keys = [segments.related_to(session, actor, ref, reason) for ref in refs]
        return keys[0] if len(keys) == 1 else keys[0].union(*keys[1:])

    return find


def _below(_session: Session, actor: Actor, refs: Sequence[str]) -> Any:
    return segments.below(actor, refs)


def _says(yes: Any, no: Any, some: Any, none: Any) -> Say:
    """A clause for each way of comparing; `yes` and `no` name what is compared with as %(it)s."""

    def say(op: Op, value: str) -> str:
        match op:
            case Op.IS_EMPTY:
                return str(none)
            case Op.IS_NOT_EMPTY:
                return str(some)
            case Op.NOT_EQUALS | Op.NOT_IN:
                return str(no) % {"it": value}
        return str(yes) % {"it": value}

    return say


_SAYS = {
    "interest": _says(
        _l("it is interested in %(it)s"), _l("no interest in %(it)s is noted"), _l("an interest is noted"),
        _l("no interest is noted"),
    ),
    "disinterest": _says(
        _l("it is not interested in %(it)s"), _l("no lack of interest in %(it)s is noted"),
        _l("a lack of interest is noted"), _l("no lack of interest is noted"),
    ),
    "need_in": _says(
        _l("it has a need not yet met in %(it)s"), _l("it has no need that is not met in %(it)s"),
        _l("it has a need not yet met"), _l("it has no need that is not met"),
    ),
    "responsible": _says(
        _l("%(it)s answers for it"), _l("%(it)s does not answer for it"), _l("somebody answers for it"),
        _l("nobody answers for it"),
    ),
    "related_to": _says(_l("it is related to %(it)s"), _l("it is not related to %(it)s"), "", ""),
    "below": _says(_l("it stands below %(it)s"), _l("it does not stand below %(it)s"), "", ""),
}  # fmt: skip


def _reference(name: str, label: Any, find: Find, on: Any) -> ListField:
    return ListField(
        name, label, Kind.REFERENCE, on, _condition(find, on), ONE_OF, names=_names, picks="account",
        is_column=False, is_export=False, says=_SAYS.get(name), section=RELATED,
    )  # fmt: skip


def _says_need(_op: Op, value: str) -> str:
    return _("it has a need not yet met") if value == _("yes") else _("it has no need that is not met")


def _fields(on: Any) -> list[ListField]:
    is_one, is_none = AccountInterest.is_interested.is_(True), AccountInterest.is_interested.is_(False)

    def several(name: str, label: Any, find: Find, choices: Any, cells: Resolve) -> ListField:
        return ListField(
            name, label, Kind.NAMES, on, _condition(find, on), WITH_EMPTY, choices, resolve=cells, text=", ".join,
            says=_SAYS[name], section=RELATED,
        )  # fmt: skip

    return [
        several(
            "interest", _l("Interested in"), _interests(is_interested=True), _areas, _area_cells(is_one)
        ),
        several(
            "disinterest",
            _l("Not interested in"),
            _interests(is_interested=False),
            _areas,
            _area_cells(is_none),
        ),
        ListField(
            "need", _l("Need not yet met"), Kind.YES_NO, on, _has_need(on), resolve=_need_cells,
            says=_says_need, section=RELATED,
        ),
        several("need_in", _l("Need not yet met in"), _needs, _areas, _open_needs),
        several("responsible", _l("Responsible"), _answered, colleague_choices, _people_cells),
        _reference("related_to", _l("Related to"), _related(), on),
        _reference("below", _l("Below, at any depth"), _below, on),
    ]  # fmt: skip


# What administrators list


def _characteristic(type_: CharacteristicType, on: Any) -> ListField:
    held = AccountCharacteristic

    def make(session: Session, actor: Actor, op: Op, value: Any) -> Condition:
        found = select(held.account_id).where(held.type_id == type_.id)
        if op is Op.STARTS_WITH:
            found = found.where(held.value_fold.startswith(fold(value, 120), autoescape=True))
        elif op not in (Op.IS_EMPTY, Op.IS_NOT_EMPTY):
            values = value if isinstance(value, tuple) else (value,)
            found = found.where(held.value_fold.in_([fold(each, 120) for each in values]))
        has = segments.among(session, on, found)
        return _seen(actor, on, ~has if op in _NEGATIVE else has)

    def cells(session: Session, _actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
        rows = session.execute(
            select(held.account_id, held.value)
            .where(held.type_id == type_.id, among(session, held.account_id, keys))
            .order_by(held.value_fold)
        )
        shown: dict[Any, list[str]] = defaultdict(list)
        for account_id, value in rows:
            shown[account_id].append(value)
        return shown

    offered = [(str(value), str(value)) for value in type_.allowed]
    return ListField(
        f"is_{type_.ref}", type_.name, Kind.NAMES, on, make, WITH_EMPTY if offered else TEXTS,
        (lambda _session, _actor: offered) if offered else None, resolve=cells, text=", ".join, section=RELATED,
    )  # fmt: skip


def _kept_by_administrators(on: Any) -> Provider:
    """A field for each type of characteristic, and for each way in which a reason reads."""

    def provide(session: Session, _actor: Actor) -> Sequence[ListField]:
        types = session.scalars(select(CharacteristicType).order_by(CharacteristicType.position))
        found = [_characteristic(type_, on) for type_ in types]
        reasons = session.scalars(select(RelationshipReason).order_by(RelationshipReason.position))
        for reason in reasons:
            found.append(_reference(f"is_{reason.ref}", reason.name, _related(reason.name), on))
            if reason.inverse:
                found.append(_reference(f"has_{reason.ref}", reason.inverse, _related(reason.inverse), on))
        return found if on is Account.id else [_of_account(field) for field in found]

    return provide


# Contacts


def _of_account(theirs: ListField) -> ListField:
    """A field of the account as one of its contacts: cells of those whose account the reader sees."""

    def cells(session: Session, actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
        seen = session.scalars(
            select(Account.id).where(scope(Account, actor, Level.READ), among(session, Account.id, keys))
        ).all()
        return theirs.resolve(session, actor, seen) if theirs.resolve is not None and seen else {}

    label = _l("%(field)s (account)", field=theirs.label)
    return replace(theirs, label=label, resolve=cells, is_export=False)


add_fields("account", *_fields(Account.id))
add_fields("contact", *(_of_account(field) for field in _fields(Contact.account_id)))
add_provider("account", _kept_by_administrators(Account.id))
add_provider("contact", _kept_by_administrators(Contact.account_id))
