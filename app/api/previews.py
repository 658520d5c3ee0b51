"""What a change of sharing would do, told instead of done (`?preview=true`); and what partners are given, told with it."""

from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, request
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.sharing.affected import Consequences, Line
from app.sharing.audience import Audience
from app.sharing.differences import Count, Difference
from app.sharing.models import PublicGroup, SharingRule
from app.sharing.principals import ALL_PARTNERS, Known, names_of, reaches_partners
from app.sharing.reach_counts import count_all, count_rule, count_sets, sets_given_to, sets_of_rule
from app.sharing.scope import scope
from app.sharing.subjects import SUBJECTS

MOST_NAMED = 50
# A preview tells whoever keeps sharing whom it concerns, whichever companies they see in their lists.
_NAMING = Actor.system("companies in previews")


def wants_preview() -> bool:
    """Whether nothing is to be changed.  Raises Invalid.

    With an Idempotency-Key one transaction holds the key and the act, and would hold SQLite's only writer's lock
    while all is counted.
    """
    given = request.args.get("preview", "false")
    if given not in ("true", "false"):
        raise Invalid({"preview": [_l("This is true or false.")]})
    if given == "true" and request.method == "POST" and "Idempotency-Key" in request.headers:
        raise Invalid({"Idempotency-Key": [_l("A preview changes nothing and takes no key.")]})
    return given == "true"


def preview_answer(session: Session, found: Consequences) -> Response:
    """Who would gain and lose how much."""
    changes = [_line(session, line) for line in found.lines]
    return jsonify(preview=True, complete=found.is_whole, changes=changes)


def _line(session: Session, line: Line) -> dict[str, Any]:
    is_partner = line.people[0].is_partner
    return {
        "side": "partners" if is_partner else "internal",
        "people": len(line.people),
        "principals": _companies(session, line) if is_partner else _users(line),
        "exact": line.is_exact,
        "records": {thing: _difference(each) for thing, each in line.found.items()},
    }


def _users(line: Line) -> list[dict[str, Any]]:
    return [{"type": "user", "id": actor.ref} for actor in line.people[:MOST_NAMED]]


def _companies(session: Session, line: Line) -> list[dict[str, Any]]:
    ids = list(dict.fromkeys(actor.company_id for actor in line.people))[:MOST_NAMED]
    refs = session.scalars(
        select(Account.ref).where(scope(Account, _NAMING), Account.id.in_(ids)).order_by(Account.id)
    )
    return [{"type": "partner_account", "id": ref} for ref in refs]


def _difference(found: Difference) -> dict[str, Any]:
    return {
        "gained": _count(found.gained),
        "lost": _count(found.lost),
        "raised": _count(found.more),
        "lowered": _count(found.less),
    }


def _count(count: Count) -> dict[str, Any]:
    return {"number": count.number, "more": count.is_more}


# What partners are given


def reach_of_rule(session: Session, rule: SharingRule) -> list[dict[str, Any]]:
    """Through a rule, as it is written now."""
    known = names_of(session, [rule.share_with_id])[rule.share_with_id]
    if not reaches_partners(session, known.key):
        return []
    return _told(session, known, count_rule(session, rule, sets_of_rule(session, rule)))


def reach_of_group(
    session: Session, group: PublicGroup, through: Known | None = None
) -> list[dict[str, Any]]:
    """Through what is given to a group.  through: of its members only this one."""
    known = through or names_of(session, [group.principal_id])[group.principal_id]
    if not reaches_partners(session, known.key):
        return []
    return _told(session, known, count_sets(session, sets_given_to(session, group.principal_id)))


def reach_of_defaults(session: Session, defaults: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """By what every partner user has of all records."""
    opened = [thing for thing in SUBJECTS if defaults[thing]["external"] != "private"]
    if not opened:
        return []
    everybody = Known(ALL_PARTNERS, ALL_PARTNERS, None, "")
    return _told(session, everybody, {thing: count_all(session, thing) for thing in opened})


def _told(session: Session, known: Known, counts: Mapping[str, Count]) -> list[dict[str, Any]]:
    if not counts:
        return []
    companies = len(Audience(session).companies_of(known.key))
    return [
        {
            "principal": known.to_json(),
            "object": thing,
            "records": count.number,
            "more": count.is_more,
            "partner_accounts": companies,
        }
        for thing, count in counts.items()
    ]
