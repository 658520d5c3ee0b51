"""Traces with what their words need from the database."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.routing.criteria import Criteria
from app.routing.models import RuleSet
from app.routing.rules import RuleBook, open_book
from app.routing.trace import CriteriaOf, explain


def explain_traces(
    session: Session, actor: Actor, traces: Sequence[Iterable[Mapping[str, Any]] | None]
) -> list[list[str]]:
    """Each trace as sentences, in the order given; nothing at all for partner people.

    One statement for the rule sets they name, and one for each that this process has not opened yet.
    """
    if actor.is_partner:
        return [[] for _trace in traces]
    given = [list(trace or ()) for trace in traces]
    find = criteria_of(session, {s["rules"] for trace in given for s in trace if s.get("step") == "rules"})
    return [explain(trace, find) for trace in given]


def criteria_of(session: Session, rule_set_ids: Iterable[int]) -> CriteriaOf:
    """Looks up the criteria of entries of these rule sets."""
    ids = set(rule_set_ids)
    books: dict[int, RuleBook] = {}
    if ids:
        books = {
            r.id: open_book(session, r) for r in session.scalars(select(RuleSet).where(RuleSet.id.in_(ids)))
        }

    def find(rule_set_id: int, position: int) -> Criteria | None:
        book = books.get(rule_set_id)
        entries = book.entries if book else ()
        return next((entry.criteria for entry in entries if entry.position == position), None)

    return find
