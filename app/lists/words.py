"""A list's filters as people read them: chips that make a sentence, and what was left out."""

from collections.abc import Mapping
from typing import Any

from babel.dates import format_date
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.lists.catalogue import ListField
from app.lists.filter_text import write_filter
from app.lists.query import ListQuery, Part
from app.routing.criteria import Criteria, Leaf, Op, Scalar, leaves
from app.routing.criteria_words import describe
from app.web.listing import ListAddress

_YES = ("true", "1", "yes")


def chips_of(session: Session, actor: Actor, query: ListQuery, address: ListAddress) -> list[dict[str, str]]:
    """One chip for each thing that must hold, as `components/table.html` takes them."""
    names = value_names(session, actor, query)
    return [
        {"label": sentence_of(part, query, names), "value": "", "remove_url": _without(part, query, address)}
        for part in query.parts
        if is_said(part)
    ]


def is_said(part: Part) -> bool:
    """Whether a part is one that somebody asked for, and not what lists leave out by themselves."""
    return bool(part.name) or part.criteria is not None


def sentence_of(part: Part, query: ListQuery, names: Mapping[tuple[str, str], str]) -> str:
    """What must hold, in words: "industry is Retail"."""
    if part.node is None:
        return _in_words_of_the_address(part)
    return describe(
        Criteria(part.node),
        {name: _lower(str(field.label)) for name, field in query.fields.items()},
        _,
        language=str(get_locale()),
        show=lambda leaf, value: _shown(leaf, value, query, names),
        clause=lambda leaf: _clause(leaf, query, names),
    )


def value_names(session: Session, actor: Actor, query: ListQuery) -> dict[tuple[str, str], str]:
    """(field, value) → what the value is called, for those whose values have names; a statement a field at most."""
    wanted: dict[str, set[str]] = {}
    for part in query.parts:
        for leaf in leaves(part.node) if part.node is not None else ():
            several = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
            wanted.setdefault(leaf.field, set()).update(v for v in several if isinstance(v, str))
    names: dict[tuple[str, str], str] = {}
    for field_name, values in wanted.items():
        field = query.fields[field_name]
        if field.names is not None:
            found: Mapping[str, str] = field.names(session, actor, values)
        elif field.choices is not None:
            found = dict(field.choices(session, actor))
        else:
            continue
        names.update({(field_name, value): text for value, text in found.items()})
    return names


def _shown(leaf: Leaf, value: Scalar, query: ListQuery, names: Mapping[tuple[str, str], str]) -> str:
    from app.routing.criteria_words import standard

    if isinstance(value, str) and (leaf.field, value) in names:
        return names[leaf.field, value]
    moved = query.moving.get(value.isoformat()) if hasattr(value, "isoformat") else None
    if moved is not None:
        return _moving(moved)
    field = query.fields[leaf.field]
    if field.names is not None:
        return _("one you may not see")
    text = standard(leaf, value, _, str(get_locale()))
    return f"{text} {field.unit}" if field.unit else text


def _moving(text: str) -> str:
    if text == "today":
        return _("today")
    days = int(text[1:-1])
    if text.startswith("-"):
        return ngettext("%(num)s day ago", "%(num)s days ago", days)
    return ngettext("in %(num)s day", "in %(num)s days", days)


def _clause(leaf: Leaf, query: ListQuery, names: Mapping[tuple[str, str], str]) -> str | None:
    field: ListField = query.fields[leaf.field]
    if leaf.value == "me" and leaf.op is Op.EQUALS and field.says is None:
        return _("%(field)s is me", field=_lower(str(field.label)))  # no language says "is" of oneself
    if field.says is None:
        return None
    values = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    texts = [_shown(leaf, value, query, names) for value in values if value is not None]
    said = texts[0] if texts else ""
    for text in texts[1:]:
        said = _("%(first)s or %(second)s", first=said, second=text)
    return field.says(leaf.op, said)


def _in_words_of_the_address(part: Part) -> str:
    """Filters that are no field's."""
    value = part.values[-1]
    match part.name:
        case "q":
            return _("it starts with “%(text)s”", text=" ".join(part.values))
        case "private":
            return _("it is private") if value in _YES else _("it is of an account")
    name, _rest, side = part.name.rpartition("_")
    if side in ("from", "to") and name:
        words = _("%(field)s from %(value)s on") if side == "from" else _("%(field)s until %(value)s")
        return words % {"field": name.replace("_", " "), "value": value}
    return _("%(field)s is %(value)s", field=part.name.replace("_", " "), value=value)


def _without(part: Part, query: ListQuery, address: ListAddress) -> str:
    """The list without that part."""
    if part.name:
        return address.without_all(part.name)
    rest = [dict(p.criteria) for p in query.parts if p.criteria is not None and p is not part]
    text = write_filter({"all": rest} if len(rest) > 1 else (rest[0] if rest else None))
    return address.with_filter("filter", text) if text else address.without_all("filter")


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:] if not label[:2].isupper() else label


def day(value: Any) -> str:
    """A day as the page's language writes it."""
    return format_date(value, "medium", locale=get_locale())
