"""Criteria as a sentence, in the reader's language: "Country is Spain and Employees over 1,000"."""

from collections.abc import Callable, Mapping
from datetime import date, datetime

from app.kernel.countries import country_name
from app.routing.criteria import All, AnyOf, Criteria, FieldType, Leaf, Node, Not, Op, Scalar

Gettext = Callable[..., str]
Show = Callable[[Leaf, Scalar], str]
Clause = Callable[[Leaf], str | None]


def describe(
    criteria: Criteria,
    labels: Mapping[str, str],
    _: Gettext,
    *,
    language: str = "en",
    show: Show | None = None,
    clause: Clause | None = None,
) -> str:
    """One sentence without a full stop.

    labels: field → its name on screen (a field without one shows by its own name).
    _: gettext that fills in %(name)s from keywords, as Flask-Babel's does.  language: for numbers, days
    and countries.  show: says a value instead of the standard way, for fields whose values have names.
    clause: says a whole comparison instead, None for the standard way.
    """
    parts = describe_parts(criteria, labels, _, language=language, show=show, clause=clause)
    words = _Words(labels, _, language, show)
    return words.join(parts, words.either if isinstance(criteria.root, AnyOf) else words.both)


def describe_parts(
    criteria: Criteria,
    labels: Mapping[str, str],
    _: Gettext,
    *,
    language: str = "en",
    show: Show | None = None,
    clause: Clause | None = None,
) -> list[str]:
    """The sentence's parts, as a list that stands under "all of" or, for `any`, under "one of"."""
    words = _Words(labels, _, language, show, clause)
    match criteria.root:
        case All(()):
            return [_("Everything")]
        case All(parts) | AnyOf(parts):
            return [words.node(part, inside=type(criteria.root)) for part in parts]
        case node:
            return [words.node(node, inside=All)]


def standard(leaf: Leaf, value: Scalar, gettext: Gettext, language: str) -> str:
    """A value as `describe` says it."""
    return _Words({}, gettext, language, None).standard(leaf, value)


class _Words:
    def __init__(
        self,
        labels: Mapping[str, str],
        gettext: Gettext,
        language: str,
        show: Show | None,
        clause: Clause | None = None,
    ) -> None:
        self.clause = clause
        self.labels = labels
        self.gettext = gettext
        self.language = language
        self.show = show or self.standard

    def node(self, node: Node, *, inside: type[Node]) -> str:
        """Parentheses only where a group stands inside one of the other kind."""
        _ = self.gettext
        match node:
            case Leaf():
                return (self.clause(node) if self.clause is not None else None) or self.leaf(node)
            case Not(part):
                return _("not (%(condition)s)", condition=self.node(part, inside=type(part)))
            case All(()):
                return _("Everything")
            case All(parts):
                text = self.join([self.node(p, inside=All) for p in parts], self.both)
            case AnyOf(parts):
                text = self.join([self.node(p, inside=AnyOf) for p in parts], self.either)
        if type(node) is inside or len(node.parts) == 1:
            return text
        return f"({text})"

    def join(self, parts: list[str], pair: Callable[[str, str], str]) -> str:
        text = parts[0]
        for part in parts[1:]:
            text = pair(text, part)
        return text

    def both(self, first: str, second: str) -> str:
        _ = self.gettext
        return _("%(first)s and %(second)s", first=first, second=second)

    def either(self, first: str, second: str) -> str:
        _ = self.gettext
        return _("%(first)s or %(second)s", first=first, second=second)

    def leaf(self, leaf: Leaf) -> str:
        _ = self.gettext
        field = str(self.labels.get(leaf.field, leaf.field))
        if leaf.op is Op.IS_EMPTY:
            return _("%(field)s is empty", field=field)
        if leaf.op is Op.IS_NOT_EMPTY:
            return _("%(field)s is filled in", field=field)
        if isinstance(leaf.value, tuple):
            values = ", ".join(self.show(leaf, v) for v in leaf.value)
            if leaf.op is Op.IN:
                return _("%(field)s is one of %(values)s", field=field, values=values)
            return _("%(field)s is none of %(values)s", field=field, values=values)
        assert leaf.value is not None
        value = self.show(leaf, leaf.value)
        if leaf.type in {FieldType.DATE, FieldType.DATETIME}:
            return self.time(leaf.op, field, value)
        return self.comparison(leaf.op, field, value)

    def comparison(self, op: Op, field: str, value: str) -> str:
        _ = self.gettext
        match op:
            case Op.EQUALS:
                return _("%(field)s is %(value)s", field=field, value=value)
            case Op.NOT_EQUALS:
                return _("%(field)s is not %(value)s", field=field, value=value)
            case Op.CONTAINS:
                return _("%(field)s contains %(value)s", field=field, value=value)
            case Op.STARTS_WITH:
                return _("%(field)s starts with %(value)s", field=field, value=value)
            case Op.GT:
                return _("%(field)s over %(value)s", field=field, value=value)
            case Op.GTE:
                return _("%(field)s at least %(value)s", field=field, value=value)
            case Op.LT:
                return _("%(field)s under %(value)s", field=field, value=value)
        return _("%(field)s at most %(value)s", field=field, value=value)

    def time(self, op: Op, field: str, value: str) -> str:
        _ = self.gettext
        match op:
            case Op.GT:
                return _("%(field)s after %(value)s", field=field, value=value)
            case Op.GTE:
                return _("%(field)s on or after %(value)s", field=field, value=value)
            case Op.LT:
                return _("%(field)s before %(value)s", field=field, value=value)
            case Op.LTE:
                return _("%(field)s on or before %(value)s", field=field, value=value)
        return self.comparison(op, field, value)

    def standard(self, leaf: Leaf, value: Scalar) -> str:
        """Countries by name, numbers and days as the language writes them, text in its quotes."""
        from babel.dates import format_date, format_datetime
        from babel.numbers import format_decimal

        _ = self.gettext
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if isinstance(value, datetime):
            return f"{format_datetime(value, 'medium', locale=self.language)} UTC"
        if isinstance(value, date):
            return format_date(value, "medium", locale=self.language)
        if isinstance(value, str):
            return country_name(value, self.language) if leaf.type is FieldType.COUNTRY else value
        return format_decimal(value, locale=self.language, decimal_quantization=False)
