"""From what is stored to lines that can be asked: checking what somebody wrote, compiling what was kept."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Invalid
from app.kernel.text import clean_text
from app.routing.criteria import FieldType, parse
from app.scores.lines import LARGEST, Decay, Each, Line

MOST_LINES = 50
MOST_POINTS = 10_000
LONGEST_NAME = 120
LONGEST_DAYS = 3650
# The lead's own moments; days that administrators added beside them.
MOMENTS = ("arrived_at", "created_at", "last_activity_at")
# A score made of scores would never come to an end.
NOT_COMPARED = frozenset({"score"})


def score_fields(known: Mapping[str, FieldType]) -> dict[str, FieldType]:
    """The fields that criteria of score rules may name, of those that criteria may name at all."""
    return {name: kind for name, kind in known.items() if name not in NOT_COMPARED}


def number_fields(known: Mapping[str, FieldType]) -> list[str]:
    """Those that points can be given for each so much of."""
    return [name for name, kind in score_fields(known).items() if kind is FieldType.NUMBER]


def date_fields(known: Mapping[str, FieldType]) -> list[str]:
    """Those that points can halve from."""
    return [*MOMENTS, *(name for name, kind in known.items() if kind is FieldType.DATE)]


def compile_lines(stored: Sequence[Mapping[str, Any]], known: Mapping[str, FieldType]) -> tuple[Line, ...]:
    """Lines ready to be asked; one that names what is gone stays, without criteria."""
    return tuple(_compile(line, known) for line in stored)


def _compile(stored: Mapping[str, Any], known: Mapping[str, FieldType]) -> Line:
    try:
        return read_line(stored, known, "line")
    except Invalid:
        return Line(str(stored.get("name", "")), None, int(stored.get("points") or 0))


def read_lines(given: Sequence[Mapping[str, Any]], known: Mapping[str, FieldType]) -> list[dict[str, Any]]:
    """Lines as they are kept, from what somebody wrote.

    Raises Invalid with every fault under its path ("lines[0].decay.days").
    """
    errors: dict[str, list[Any]] = {}
    if len(given) > MOST_LINES:
        raise Invalid({"lines": [_l("At most %(limit)s rules fit.", limit=MOST_LINES)]})
    kept = []
    for place, line in enumerate(given):
        try:
            kept.append(to_json(read_line(line, known, f"lines[{place}]")))
        except Invalid as error:
            errors.update(error.errors)
    if errors:
        raise Invalid(errors)
    return kept


def read_line(given: Mapping[str, Any], known: Mapping[str, FieldType], path: str) -> Line:
    """One line.  Raises Invalid with every fault under its path."""
    reader = _Reader(known, path)
    line = Line(
        reader.name(given.get("name")),
        reader.criteria(given.get("criteria")),
        reader.whole(given.get("points"), "points", -MOST_POINTS, MOST_POINTS) or 0,
        reader.each(given.get("each")),
        reader.decay(given.get("decay")),
    )
    if line.points == 0 and not reader.errors:
        reader.complain("points", _l("Give points, above zero or below."))
    unknown = set(given) - {"name", "criteria", "points", "each", "decay"}
    for name in sorted(unknown):
        reader.complain(name, _l("There is no such field."))
    if reader.errors:
        raise Invalid(reader.errors)
    return line


def to_json(line: Line) -> dict[str, Any]:
    """A line as it is kept, and as the API writes it."""
    each, decay = line.each, line.decay
    by: Any = None
    if each is not None:
        by = {"field": each.by_field} if each.by_field else _plain(each.by)
    return {
        "name": line.name,
        "criteria": None
        if line.criteria is None or line.criteria.matches_everything
        else line.criteria.to_json(),
        "points": line.points,
        "each": None if each is None else {"field": each.field, "by": by, "most": each.most},
        "decay": None if decay is None else {"field": decay.field, "days": decay.days},
    }


def _plain(number: Fraction) -> int | float:
    return int(number) if number.denominator == 1 else float(number)


class _Reader:
    """Reads the parts of a line, and collects what is wrong instead of stopping at the first."""

    def __init__(self, known: Mapping[str, FieldType], path: str) -> None:
        self.known, self.path = known, path
        self.errors: dict[str, list[Any]] = {}

    def complain(self, name: str, message: Any) -> None:
        self.errors.setdefault(f"{self.path}.{name}", []).append(message)

    def name(self, given: Any) -> str:
        try:
            text = clean_text(given, max_length=LONGEST_NAME, field="name")
        except Invalid as error:
            self.complain("name", next(iter(error.errors.values()))[0])
            return ""
        if text is None:
            self.complain("name", _l("Give it a name."))
        return text or ""

    def criteria(self, given: Any) -> Any:
        try:
            return parse(given, score_fields(self.known), path=f"{self.path}.criteria")
        except Invalid as error:
            self.errors.update(error.errors)
            return None

    def whole(self, given: Any, name: str, least: int, most: int) -> int | None:
        text = str(given).strip() if given is not None and not isinstance(given, bool) else ""
        digits = text.removeprefix("-").removeprefix("+")
        number = int(text) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else None
        if number is None or not least <= number <= most:
            self.complain(
                name, _l("This must be a whole number from %(least)s to %(most)s.", least=least, most=most)
            )
            return None
        return number

    def each(self, given: Any) -> Each | None:
        if given is None:
            return None
        if not isinstance(given, Mapping) or given.get("field") not in number_fields(self.known):
            self.complain("each.field", _l("Choose a field that holds a number."))
            return None
        most = given.get("most")
        if most is not None:
            most = self.whole(most, "each.most", 1, LARGEST)
        by = given.get("by")
        if isinstance(by, Mapping):
            if by.get("field") not in number_fields(self.known):
                self.complain("each.by", _l("Choose a field that holds a number."))
            return Each(given["field"], by_field=str(by.get("field", "")), most=most)
        return Each(given["field"], self.divisor(by), most=most)

    def divisor(self, given: Any) -> Fraction:
        try:
            number = Decimal(str(given if given is not None else 1).strip())
        except InvalidOperation:
            number = Decimal("NaN")
        if isinstance(given, bool) or not number.is_finite() or abs(number.adjusted()) > 15:
            self.complain("each.by", _l("This must be a number."))
        elif number == 0:
            self.complain("each.by", _l("Nothing can be divided by zero. Give a number above zero."))
        elif number < 0:
            self.complain("each.by", _l("Give a number above zero."))
        else:
            return Fraction(number)
        return Fraction(1)

    def decay(self, given: Any) -> Decay | None:
        if given is None:
            return None
        if not isinstance(given, Mapping) or given.get("field") not in date_fields(self.known):
            self.complain("decay.field", _l("Choose a date that points can halve from."))
            return None
        days = self.whole(given.get("days"), "decay.days", 1, LONGEST_DAYS)
        return Decay(given["field"], days or 1)
