"""What is told apart: the columns of a lead that reports group by, and the pairs of them that are counted beforehand.

`fact_columns` says each once, as SQL; the counts (`counting`), whoever counts live (`reading`) and the check of both
(`verify`) read the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, case, cast, func, literal, literal_column

from app.kernel.actor import Actor
from app.leads.models import Lead
from app.reports import steps
from app.reports.classes import band_of, class_of, local_day


@dataclass(frozen=True, slots=True)
class Cut:
    """Two columns of facts that are told apart, b "" for one alone; columns with a plus between them stand as one.

    needs: the column without which a lead is left out.  beside: the column by whose values leads are counted apart, each
    under the name of the cut with the value behind it.  Columns are those of facts, but that of the two that an owner may be
    `owner` has people alone, and `held` queues, each "" for the other.
    """

    name: str
    a: str = ""
    b: str = ""
    needs: str = ""
    beside: str = ""


# The month under which all months are counted together, so that reports of all of them read no more rows than they show.
EVER = 0
CUTS: Mapping[str, Cut] = {
    cut.name: cut
    for cut in (
        Cut("all"),
        *(
            Cut(name, name)
            for name in ("partner", "source", "campaign", "country", "product", "owner", "band")
        ),
        Cut("campaign/source", "campaign", "source"),
        Cut("partner/source", "partner", "source"),
        Cut("campaign/country", "campaign", "country"),
        Cut("partner/country", "partner", "country"),
        Cut("source/country", "source", "country"),
        # Of a few rows each; what else is filtered by one thing is quickly read of facts by an index, see `ReportFact`.
        Cut("product/source", "product", "source"),
        Cut("product/campaign", "product", "campaign"),
        Cut("product/country", "product", "country"),
        *(Cut(f"{name}/band", name, "band") for name in ("source", "campaign", "country", "product")),
        # Who comes first of very many, of whom few are looked at more closely.
        Cut("taken", "partner", needs="taken_class"),
        Cut("touched", "partner", needs="touched_class"),
        Cut("taken/partner", "partner", "taken_class", "taken_class"),
        Cut("taken/queue", "queue", "taken_class", "taken_class"),
        Cut("touched/partner", "partner", "touched_class", "touched_class"),
        Cut("touched/queue", "queue", "touched_class", "touched_class"),
        Cut("waiting/partner", "partner", "waiting_day", "waiting_day"),
        Cut("waiting/queue", "waits_in", "waiting_day", "waiting_day"),
        # Of what many leads have in common, as a country that holds a third of them.
        Cut("owner:", "owner", beside="country"),
        Cut("taken/partner:", "partner", "taken_class", "taken_class", beside="country"),
        Cut("taken/queue:", "queue", "taken_class", "taken_class", beside="country"),
        Cut("touched/partner:", "partner", "touched_class", "touched_class", beside="country"),
        Cut("touched/queue:", "queue", "touched_class", "touched_class", beside="country"),
        Cut("waiting/partner:", "partner", "waiting_day", "waiting_day", beside="country"),
        Cut("waiting/queue:", "waits_in", "waiting_day", "waiting_day", beside="country"),
        # Of a queue, in which a sixth of all leads may be.
        Cut("all:", needs="held", beside="held"),
        *(Cut(f"{name}:", name, needs="held", beside="held") for name in ("campaign", "product", "band")),
        # What partners' leads are like, for the comparison of scorecards.
        Cut("kind", "product", "source+country", "partner"),
    )
}
COLUMNS = (
    "month", "partner", "source", "campaign", "country", "product", "owner", "queue", "band", "stage", "handed_over",
    "unqualified", "taken_class", "touched_class", "waits_in", "waiting_day",
)  # fmt: skip


# What the key of a queue is told from those of people by, in the column of owners.
QUEUE = "q"


def is_held(owner: Any) -> ColumnElement[bool]:
    """SQL of whether an owner is a queue."""
    return func.substr(owner, 1, 1) == QUEUE


def _key(column: Any) -> ColumnElement[str]:
    return func.coalesce(cast(column, String), "")


def _owner() -> ColumnElement[str]:
    in_queue = literal_column(f"'{QUEUE}'").concat(cast(Lead.owner_queue_id, String))
    return func.coalesce(cast(Lead.owner_user_id, String), in_queue, "")


def fact_columns(actor: Actor, zone: str, names: Sequence[str] = COLUMNS) -> dict[str, ColumnElement[Any]]:
    """SQL of these columns of a fact for a lead that the actor reads.  zone: of the organisation."""
    return {name: _SQL[name](actor, zone) for name in names}


# Column of a fact → its SQL for an actor and a zone, made of those alone that are wanted.
_SQL: Mapping[str, Callable[[Actor, str], ColumnElement[Any]]] = {
    "month": lambda _actor, zone: local_day(Lead.arrived_at, literal(zone)) // 100,
    "partner": lambda *_: _key(Lead.partner_account_id),
    "source": lambda *_: _key(Lead.source_id),
    "campaign": lambda *_: _key(Lead.campaign_id),
    "country": lambda *_: func.coalesce(Lead.country, ""),
    "product": lambda *_: func.coalesce(Lead.product_interest, ""),
    "owner": lambda *_: _owner(),
    "queue": lambda *_: _key(Lead.last_queue_id),
    "band": lambda *_: band_of(Lead.score),
    "stage": lambda actor, _zone: steps.stage_of(actor),
    "handed_over": lambda *_: case((Lead.marketing_qualified_at.is_not(None), 1), else_=0),
    "unqualified": lambda *_: case((steps.is_unqualified(), 1), else_=0),
    "taken_class": lambda *_: class_of(Lead.taken_after),
    "touched_class": lambda *_: class_of(Lead.touched_after),
    "waits_in": lambda *_: case((steps.is_unclaimed(), _key(Lead.owner_queue_id)), else_=""),
    "waiting_day": lambda _actor, zone: case(
        (steps.is_unclaimed(), cast(local_day(Lead.waiting_since, literal(zone)), String)), else_=""
    ),
}


def measures_of(fact: Mapping[str, Any]) -> tuple[int, ...]:
    """In which of `steps.MEASURES` a lead with these columns counts."""
    stage = fact["stage"]
    return (
        *(1 if place <= stage else 0 for place in range(len(steps.KEYS))),
        fact["handed_over"],
        fact["unqualified"],
    )


Counts = dict[tuple[str, int, str, str], list[int]]


def add_fact(counts: Counts, fact: Mapping[str, Any], times: int) -> None:
    """Count a lead in every cut, in its month and in all together, so many times; negative to take it out."""
    measures = measures_of(fact)
    owner = fact["owner"]
    fact = {**fact, **({"owner": "", "held": owner} if owner.startswith(QUEUE) else {"held": ""})}
    for name, cut in CUTS.items():
        if cut.needs and not fact[cut.needs]:
            continue
        a, b = _told(fact, cut.a), _told(fact, cut.b)
        stored = name + _told(fact, cut.beside)
        for month in (fact["month"], EVER):
            found = counts.get((stored, month, a, b))
            if found is None:
                counts[stored, month, a, b] = [times * each for each in measures]
            else:
                for place, each in enumerate(measures):
                    if each:
                        found[place] += times


def _told(fact: Mapping[str, Any], names: str) -> str:
    return "/".join([fact[name] for name in names.split("+")]) if names else ""


def find_cut(a: str, b: str, needs: str, *, beside: str = "") -> Cut | None:
    """The cut that is exactly this."""
    told = a, b, needs, beside
    return next((cut for cut in CUTS.values() if (cut.a, cut.b, cut.needs, cut.beside) == told), None)


def cut_of(by: str, beside: str) -> tuple[Cut, bool] | None:
    """The cut that tells `by` apart for one value of `beside`, and whether they stand the other way round in it."""
    wanted = [name for name in (by, beside) if name]
    if len(wanted) < 2:
        return (CUTS[wanted[0]] if wanted else CUTS["all"]), False
    for cut in CUTS.values():
        if not (cut.needs or cut.beside) and {cut.a, cut.b} == set(wanted):
            return cut, cut.a != by
    return None
