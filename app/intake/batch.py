"""A few hundred rows taken in together: known ones updated, new ones flagged, routed and stored.

The number of statements does not grow with the rows.  Everything is written in the caller's transaction,
so that a batch is in the database whole or not at all; a dry run is the same, rolled back.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.accounts.consent import opt_outs_noted
from app.campaigns.linking import join_many
from app.fields.catalogue import catalogue
from app.fields.records import note_use, write
from app.intake.campaigns import name_campaigns
from app.intake.known_leads import Known, find_meant
from app.intake.lead_rows import SOURCE, Plan, RefusedRow, TakenRow, missing_of_new
from app.intake.lead_updates import NOT_CONVERTED, plan_change, refusal_to_qualify, write_changes
from app.intake.sources import Sources
from app.intake.statuses import Status, Statuses
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.kernel.fold import fold
from app.leads.arrivals import Arrival, store_arrivals
from app.leads.duplicates import Likeness, find_duplicates
from app.leads.fields import QUALIFICATION
from app.leads.models import Lead, StatusCategory
from app.leads.process import is_open
from app.routing.routes import route_many
from app.scores.upkeep import note_arrived, score_arrivals
from app.sharing.keys import reserve_keys


@dataclass(frozen=True, slots=True)
class Later:
    """A record that is to hang below another, which was not there yet when its row came up.

    kind: of both.  ref: the lower one's public name.  text: how the row names the upper one.
    """

    line: int
    kind: str
    ref: str
    text: str


@dataclass(slots=True)
class Taken:
    """What became of a batch.

    created: how many records are new; new: those that are leads, with where they went.  refused: with reasons.  warnings: (line, what), in words.
    sources: those added, by folded name; `Sources.keep` remembers them once the batch is committed.
    flagged: how many accounts and contacts were created that are probably there already.  later: what to
    look up when all rows are in.  halves: of a file of both, "account.created" and the like → how many.
    """

    created: int = 0
    new: list[Arrival] = field(default_factory=list)
    updated: int = 0
    unchanged: int = 0
    refused: list[RefusedRow] = field(default_factory=list)
    warnings: list[tuple[int, Any]] = field(default_factory=list)
    sources: dict[str, int] = field(default_factory=dict)
    flagged: int = 0
    later: list[Later] = field(default_factory=list)
    halves: Counter[str] = field(default_factory=Counter)

    @property
    def accepted(self) -> int:
        return self.created + self.updated + self.unchanged


@dataclass(frozen=True, slots=True)
class Batch:
    """What all rows of a batch share.  import_id: the import they come with.  plan: what their columns mean."""

    actor: Actor
    statuses: Statuses
    sources: Sources
    import_id: int | None
    now: datetime
    plan: Plan | None = None


def take_rows(session: Session, batch: Batch, rows: Sequence[TakenRow | RefusedRow]) -> Taken:
    """Take the rows in.  Does not commit.

    Writes for new ones what `arrivals.store_arrivals` writes, for changed ones one event each, and sources
    that were not known.  Raises IntegrityError or `lead_updates.Overtaken` when another transaction was
    quicker with one of the same external ids: the batch is to be tried again.
    """
    meant = find_meant(session, batch.actor, [row for row in rows if isinstance(row, TakenRow)])
    taken = Taken(refused=[*meant.refused, *(row for row in rows if isinstance(row, RefusedRow))])
    if batch.statuses.is_score_computed:
        _leave_scores_out(meant.pairs)
    _leave_held_out(meant.pairs, batch.statuses)
    wanted = [row for row, _known in meant.pairs]
    _name_sources(session, batch, taken, wanted)
    name_campaigns(session, batch.actor, wanted, now=batch.now)
    changes = []
    for row, found in meant.pairs:
        if found is None:
            refusal, change = _begin(session, batch, taken, row), None
        else:
            refusal, change = plan_change(session, batch.actor, found, row, batch.statuses, batch.now)
        if refusal is not None:
            taken.refused.extend(RefusedRow(each.row, refusal) for each in (row, *row.followers))
            continue
        if change is not None:
            changes.append(change)
        if found is not None:
            taken.updated += change is not None
            taken.unchanged += change is None
        taken.updated += row.changed_by_followers
        taken.unchanged += len(row.followers) - row.changed_by_followers
    _store(session, batch, taken.new)
    taken.created = len(taken.new)
    write_changes(session, batch.actor, changes, now=batch.now)
    came = [(c.attributes["campaign_id"], c.known.id) for c in changes if c.attributes.get("campaign_id")]
    join_many(session, batch.actor, came, now=batch.now)
    _note_use(session, [*(c.added for c in changes), *(a.attributes["custom"] for a in taken.new)], batch.now)
    _collect_warnings(taken, rows)
    taken.refused.sort(key=lambda row: row.row.line_number)
    return taken


def _collect_warnings(taken: Taken, rows: Sequence[TakenRow | RefusedRow]) -> None:
    refused = {row.row.line_number for row in taken.refused}
    taken.warnings = [
        (row.row.line_number, warning)
        for row in rows
        if isinstance(row, TakenRow) and row.warnings and row.row.line_number not in refused
        for warning in row.warnings
    ]


def _name_sources(session: Session, batch: Batch, taken: Taken, rows: Sequence[TakenRow]) -> None:
    """Put the id of its source into each row; those not known are added, or left out with a warning."""
    named = [row for row in rows if SOURCE in row.values]
    ids, added = batch.sources.resolve(session, batch.actor, [row.values[SOURCE] for row in named])
    taken.sources = added
    told = set()
    for row, source_id in zip(named, ids, strict=True):
        name = row.values[SOURCE]
        row.attributes["source_id"] = source_id
        if source_id is None:
            del row.values[SOURCE]
            row.warnings.append(batch.sources.left_out(name))
        elif source_id in added.values() and source_id not in told:
            told.add(source_id)
            row.warnings.append(_l("The source “%(name)s” is not known yet and is added.", name=name))


def _note_use(session: Session, custom: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Note which fields that administrators added are in use, with one statement for all rows."""
    known = catalogue(session).all("lead")
    note_use(session, [(known[n], v) for held in custom for n, v in held.items() if n in known], now=now)


def _begin(session: Session, batch: Batch, taken: Taken, row: TakenRow) -> Any | None:
    """Make the row a new lead; why it cannot be one."""
    values, attributes = row.values, row.attributes
    status = batch.statuses.by_id.get(values.get("status", 0), batch.statuses.first)
    if status.category is StatusCategory.CONVERTED:
        return NOT_CONVERTED
    refusal = refusal_to_qualify(batch.statuses, status, attributes)
    if refusal is not None:
        return refusal
    _see_to_reason(row, status)
    attributes["status_id"] = status.id
    attributes["is_open"] = is_open(status.category)
    attributes["imported"] = row.imported
    attributes["import_id"] = batch.import_id
    custom = {**(batch.plan.first if batch.plan else {}), **attributes.get("custom", {})}
    missing = missing_of_new(batch.plan, custom) if batch.plan else None
    if missing is not None:
        return missing
    try:
        attributes.update({"custom": {}, **write(session, "lead", None, custom, now=None).columns})
    except Invalid as invalid:
        return next(messages[0] for messages in invalid.errors.values())
    attributes.setdefault("arrived_at", batch.now)
    confirmed = [name for name in QUALIFICATION if values.get(name) is not None]
    if confirmed:
        entry = {"by": batch.actor.user_id, "at": batch.now.isoformat()}
        attributes["qualified_by"] = dict.fromkeys(confirmed, entry)
    attributes["opted_out_by"] = opt_outs_noted({}, values, batch.actor.user_id, batch.now)
    taken.new.append(Arrival(0, attributes))
    return None


def _see_to_reason(row: TakenRow, status: Status) -> None:
    """Only what is unqualified has a reason; what was so before it came here may have none that is known."""
    given = row.attributes.get("unqualified_reason_id")
    if status.category is StatusCategory.UNQUALIFIED:
        if given is None:
            row.warnings.append(_l("It is unqualified without a reason."))
    elif given is not None:
        row.attributes["unqualified_reason_id"] = None
        row.warnings.append(_l("A reason not to qualify was left out: the status is not unqualified."))


def _leave_scores_out(pairs: Sequence[tuple[TakenRow, Known | None]]) -> None:
    """Scores are computed: what a file says of them is left out, with a warning where it is something else."""
    for row, known in pairs:
        given = row.values.pop("score", None)
        row.attributes.pop("score", None)
        if given is not None and (known is None or known.attributes["score"] != given):
            row.warnings.append(_l("The score was left out: it is computed."))


def _leave_held_out(pairs: Sequence[tuple[TakenRow, Known | None]], statuses: Statuses) -> None:
    """What a lead holds already stays, in use or not; what else could not be read is told."""
    for first, known in pairs:
        for row in (first, *first.followers):
            for name, (text, warning) in row.unread.items():
                if known is None or not statuses.is_held(name, text, known.attributes):
                    row.warnings.append(warning)
        if known is not None and known.source and fold(first.values.get(SOURCE) or "") == fold(known.source):
            del first.values[SOURCE]


def _store(session: Session, batch: Batch, arrivals: Sequence[Arrival]) -> None:
    if not arrivals:
        return
    ids = reserve_keys(session, Lead, len(arrivals))
    alike = find_duplicates(session, [_likeness(arrival) for arrival in arrivals], ids)
    for arrival, key, duplicates in zip(arrivals, ids, alike, strict=True):
        arrival.id = key
        arrival.attributes["duplicates"] = duplicates
    score_arrivals(session, [arrival.attributes for arrival in arrivals], now=batch.now)
    note_arrived(session, ids)
    routed = route_many(session, [arrival.attributes for arrival in arrivals], now=batch.now)
    for arrival, where in zip(arrivals, routed, strict=True):
        arrival.to, arrival.move = where.to, where.move
    store_arrivals(session, batch.actor, arrivals, now=batch.now)


def _likeness(arrival: Arrival) -> Likeness:
    a = arrival.attributes
    return Likeness(a["email_key"], a["phone_key"], a["company_key"], a["last_name_fold"])
