"""What the steps before partners are let in show: each item with whom it reaches and what may become of it, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel import labels
from app.kernel.actor import Level
from app.sharing.audience import Audience
from app.sharing.enabling import Answers
from app.sharing.models import SharingRule
from app.sharing.principals import ALL_PARTNERS, GROUP, PARTNER_LEVEL, QUEUE, Known, names_of, names_of_keys
from app.sharing.reach_counts import Counts, Together, count_items
from app.sharing.reaching import Fate, Item, Kind
from app.sharing.words import ICONS, count_words, rule_words, sentence_of

NAMED = 6  # companies that a line names; the others are folded
MOST_NAMED = 300
ICON_OF = {Kind.GROUP: "users", Kind.RULE: "eye", Kind.SHARES: "hand"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A fate as it is offered.  help: what it does, in a sentence."""

    value: str
    label: str
    help: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item as its step shows it.

    what: what it is.  gives: how many records of what, in words.  names, folded, left: partner accounts reached
    now, the first few, the others, and how many more there are.  later: who may come to be reached.
    """

    key: str
    name: str
    icon: str
    what: str
    gives: str
    names: Sequence[str]
    folded: Sequence[str]
    left: int
    later: str
    choices: Sequence[Choice]
    problems: Sequence[str] = ()


def item_rows(
    session: Session,
    audience: Audience,
    items: Sequence[Item],
    answers: Answers,
    problems: Mapping[str, Sequence[str]],
) -> dict[str, list[ItemRow]]:
    """Kind → its items; counted, in words."""
    counts = count_items(session, items)
    owners = {item.rule.owned_by_id for item in items if item.rule and item.rule.owned_by_id is not None}
    names = names_of(session, owners)
    members, owning = _members(session, audience, items), _rules_by_owner(session, items)
    rows: dict[str, list[ItemRow]] = {}
    for item in items:
        companies = [audience.companies[key].name for key in audience.companies if key in item.companies]
        rest = companies[NAMED:]
        row = ItemRow(
            item.key,
            sentence_of(item.whom) if item.kind is Kind.SHARES else item.name,
            ICONS[item.whom.type] if item.kind is Kind.SHARES else ICON_OF[item.kind],
            " ".join([_what(item, names, members.get(item.key, ())), *owning.get(item.key, ())]),
            records_words(counts[item.key]),
            companies[:NAMED],
            rest[:MOST_NAMED],
            max(0, len(rest) - MOST_NAMED),
            _later(item.whom),
            _choices(item, answers.fate_of(item)),
            problems.get(item.key, ()),
        )
        rows.setdefault(item.kind.value, []).append(row)
    return rows


def _members(session: Session, audience: Audience, items: Sequence[Item]) -> dict[str, list[str]]:
    """Group's item → who is in it."""
    groups = {item.key: list(audience.members_of(item.whom.key)) for item in items if item.kind is Kind.GROUP}
    every = dict(enumerate({key for keys in groups.values() for key in keys}))
    known = {every[number]: who for number, who in names_of_keys(session, every).items()}
    return {item: [sentence_of(known[key]) for key in keys] for item, keys in groups.items()}


def _rules_by_owner(session: Session, items: Sequence[Item]) -> dict[str, list[str]]:
    """Group's item → a sentence for each rule that gives what its members own."""
    groups = {item.principal_id: item.key for item in items if item.kind is Kind.GROUP}
    found: dict[str, list[str]] = {}
    for rule in session.scalars(
        select(SharingRule)
        .where(SharingRule.deleted_at.is_(None), SharingRule.owned_by_id.in_(groups))
        .order_by(SharingRule.id)
    ):
        text = _("The rule “%(name)s” gives what its members own.", name=rule.name)
        found.setdefault(groups[rule.owned_by_id or 0], []).append(text)
    return found


def _what(item: Item, names: Mapping[int, Known], members: Sequence[str]) -> str:
    if item.rule is not None:
        things, whom = labels.many(item.rule.object, title=True), sentence_of(item.whom)
        what = rule_words(item.rule, names)
        if item.rule.level >= Level.EDIT:
            return _(
                "%(records)s: %(what)s. Given to %(whom)s, to read and edit.",
                records=things,
                what=what,
                whom=whom,
            )
        return _("%(records)s: %(what)s. Given to %(whom)s, to read.", records=things, what=what, whom=whom)
    if item.group is not None:
        shown = ", ".join(members[:NAMED])
        more = len(members) - NAMED
        if more > 0:
            return ngettext(
                "In it: %(members)s, and %(num)s more.",
                "In it: %(members)s, and %(num)s more.",
                more,
                members=shown,
            )
        return _("In it: %(members)s.", members=shown)
    parts = [f"{number} {_things(thing, number)}" for thing, number in (item.shares or {}).items()]
    return _("Shared by hand: %(records)s.", records=", ".join(parts))


def records_words(counts: Counts) -> str:
    """ "1,234 leads, 12 accounts", "" for none."""
    return ", ".join(
        f"{count_words(count)} {_things(thing, count.number)}" for thing, count in counts.items()
    )


def _things(thing: str, number: int) -> str:
    return labels.one(thing) if number == 1 else labels.many(thing)


def _later(whom: Known) -> str:
    """Whom it would reach in time, beside those named."""
    return {
        ALL_PARTNERS: _("Every company that becomes a partner is reached too."),
        PARTNER_LEVEL: _("Every company that comes to have this level is reached too."),
        QUEUE: _("Partners that join the queue are reached too."),
        GROUP: _("Partners that join the group, or what is in it, are reached too."),
    }.get(whom.type, "")


def _choices(item: Item, chosen: Fate) -> list[Choice]:
    words = {Kind.GROUP: _of_group, Kind.RULE: _of_rule, Kind.SHARES: _of_shares}[item.kind](item)
    return [Choice(fate.value, *words[fate], fate is chosen) for fate in item.fates]


def fate_words() -> dict[Fate, str]:
    """What the fates are called."""
    return {Fate.KEEP: _("Keep"), Fate.NARROW: _("Narrow to your own people"), Fate.REMOVE: _("Remove")}


def _own_people(item: Item) -> str:
    """Who is left of a queue or group when it is narrowed."""
    if item.whom.type == QUEUE:
        return _("It goes to a new public group of the queue's members who are your own people today.")
    return _(
        "It goes to a new public group of your own people in “%(name)s” as it is today.", name=item.whom.name
    )


def _of_rule(item: Item) -> dict[Fate, tuple[str, str]]:
    words = fate_words()
    only = _("The rule ends. Only partners are reached through it, so that it cannot be narrowed.")
    return {
        Fate.KEEP: (words[Fate.KEEP], _("Partners see these records.")),
        Fate.NARROW: (words[Fate.NARROW], _("Partners get nothing.") + " " + _own_people(item)),
        Fate.REMOVE: (
            words[Fate.REMOVE],
            _("The rule ends for everybody, your own people too.") if item.can_narrow else only,
        ),
    }


def _of_group(item: Item) -> dict[Fate, tuple[str, str]]:
    words = fate_words()
    narrowed = _(
        "Companies, levels and partner users leave it. Queues and groups that hold partners leave it too; your own"
        " people in those stay, one by one. What is given to the group then reaches nobody else."
    )
    only = _("The group is deleted. Only partners are in it, so that it cannot be narrowed.")
    return {
        Fate.KEEP: (words[Fate.KEEP], _("Nothing changes in it; what is given to it is asked below.")),
        Fate.NARROW: (words[Fate.NARROW], narrowed),
        Fate.REMOVE: (
            words[Fate.REMOVE],
            _("The group is deleted, and leaves the groups that hold it.") if item.can_narrow else only,
        ),
    }


def _of_shares(item: Item) -> dict[Fate, tuple[str, str]]:
    words = fate_words()
    only = _("These shares end. Only partners are reached through them, so that they cannot be narrowed.")
    return {
        Fate.KEEP: (words[Fate.KEEP], _("Partners see what somebody gave them by hand.")),
        Fate.NARROW: (words[Fate.NARROW], _("Partners get nothing.") + " " + _own_people(item)),
        Fate.REMOVE: (
            words[Fate.REMOVE],
            _("These shares end for everybody, your own people too.") if item.can_narrow else only,
        ),
    }


# The summary


@dataclass(frozen=True, slots=True)
class Decided:
    """Items of one fate.  items: (what kind, name)."""

    label: str
    items: Sequence[tuple[str, str]]


def decided(items: Sequence[Item], answers: Answers) -> list[Decided]:
    """What becomes of the items; what happens to none is left out.  A group gives nothing by itself."""
    kinds = {Kind.GROUP: _("Group"), Kind.RULE: _("Rule"), Kind.SHARES: _("Shared by hand with")}
    fates = {item.key: answers.fate_of(item) for item in items}
    sorts = [
        (_("Kept, and reaching partners"), Fate.KEEP, (Kind.RULE, Kind.SHARES)),
        (_("Kept as it is"), Fate.KEEP, (Kind.GROUP,)),
        (_("Narrowed to your own people"), Fate.NARROW, tuple(Kind)),
        (_("Removed"), Fate.REMOVE, tuple(Kind)),
    ]
    found = []
    for label, fate, of in sorts:
        named = [
            (kinds[item.kind], item.name) for item in items if fates[item.key] is fate and item.kind in of
        ]
        if named:
            found.append(Decided(label, named))
    return found


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """Partner accounts that come to see the same.  through: the names of what gives it."""

    names: Sequence[str]
    folded: Sequence[str]
    left: int
    sees: str
    through: Sequence[str]


def company_rows(together: Sequence[Together]) -> list[CompanyRow]:
    """For each set of companies how many records they come to see."""
    rows = []
    for each in together:
        rest = each.companies[NAMED:]
        sees = _("not counted") if each.counts is None else records_words(each.counts) or _("nothing yet")
        through = [
            _("shared by hand") if item.rule is None else _("rule “%(name)s”", name=item.name)
            for item in each.through
        ]
        rows.append(
            CompanyRow(
                each.companies[:NAMED], rest[:MOST_NAMED], max(0, len(rest) - MOST_NAMED), sees, through
            )
        )
    return rows
