"""A rule of visibility: one reason for which an actor is given records, as conditions that fit indexes."""

from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Select, and_, case, literal

from app.kernel.actor import Level


@dataclass(frozen=True, slots=True)
class Grants:
    """Stored grants that a rule reads.  live: what a record must be besides.  without: sets that do not count."""

    principal_ids: tuple[int, ...]
    live: ColumnElement[bool]
    without: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What a sharing rule would give somebody: records of that object that meet a condition."""

    object: str
    level: Level
    where: ColumnElement[bool]


@dataclass(frozen=True, slots=True, eq=False)
class Supposed:
    """What a change not yet made would do to what is shared with somebody, see `Actor.supposed`.

    ended: sets that would count no longer.  given: what would be given beside those that count.
    """

    ended: tuple[int, ...] = ()
    given: tuple[Given, ...] = ()


NOTHING_SUPPOSED = Supposed()


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason for which the actor is given records.

    level: what it gives at most.  unless: where this holds it gives `otherwise` only: the preview of a
    pending offer, the reading that a grant says.  is_whole: it gives every live record, so that other rules
    add nothing to a list.  grants: where a list finds its rows by the grants themselves.  covered: the level at
    which another rule gives all of its records anyway, so that a list that asks no more need not look for them.
    followed: the records that its rows hang on, where lists may find them by these.  by_index: what `where` says of a
    row, written so that a list finds its rows by an index.
    """

    cause: str
    level: Level
    where: ColumnElement[bool]
    unless: ColumnElement[bool] | None = None
    otherwise: Level = Level.PREVIEW
    is_whole: bool = False
    grants: Grants | None = None
    covered: Level | None = None
    followed: "Followed | None" = None
    by_index: ColumnElement[bool] | None = None

    @property
    def instead(self) -> Level | None:
        """The lower level that it gives to some rows; None where it gives all the same."""
        return self.otherwise if self.unless is not None else None

    def can_give(self, level: Level) -> bool:
        return self.level >= level

    def at_least(self, level: Level) -> ColumnElement[bool]:
        """The condition under which this rule gives at least `level`."""
        if self.unless is None or level <= self.otherwise:
            return self.where
        return and_(self.where, ~self.unless)

    def as_listed(self) -> "Rule":
        """The same, written so that its rows are found rather than asked about."""
        found = self.by_index if self.followed is None else self.followed.where
        return self if found is None else replace(self, where=found)

    def given(self) -> ColumnElement[int]:
        """The level given to a row that satisfies `where`, as SQL."""
        if self.unless is None:
            return literal(int(self.level))
        return case((self.unless, int(self.otherwise)), else_=int(self.level))


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """Records that rows of another table hang on.  keys: select of theirs, for saying whether they are many.

    where: what the rule says, written so that its rows are found by these records.  The rule itself looks for the
    record of each row: for a row that is asked about, and for who is given so many records that a list has its
    first rows sooner by going along them.  live: what holds of all rows that any such rule gives, as indexes say it.
    is_held: whether they are leads, or opportunities, that the actor's company holds.
    """

    keys: Select[int]
    where: ColumnElement[bool]
    live: ColumnElement[bool]
    is_held: bool = False
