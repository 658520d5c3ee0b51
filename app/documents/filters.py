"""What lists of documents can be narrowed to and sorted by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, and_, false, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased
from sqlalchemy.sql.elements import False_

from app.documents.file_types import TYPES
from app.documents.models import Document, DocumentWord
from app.documents.records import is_of_kind, kinds
from app.documents.words import LONGEST_TAG, words_of
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Level
from app.kernel.errors import Invalid
from app.kernel.fold import fold
from app.kernel.parse import parse_iso_moment
from app.kernel.prefix import starts_with
from app.kernel.text import clean_text
from app.lists.models import RecordTag, Tag
from app.sharing.following import gives_whole_kinds
from app.sharing.scope import branches, scope, scoped
from app.sharing.walking import walked_by

Condition = ColumnElement[bool]
Make = Callable[[Session, Actor, Sequence[str]], Condition]
YES = ("true", "1", "yes")
DEFAULT_SORT = "-created_at"
LONGEST_FILTER = 1000
# Of a text that more documents hold, each document of the list is asked for it instead.
MOST_FOUND = 1000
# Of more records that a partner's company holds, the documents are found by their words.
MOST_ASKED = 200

DOCUMENT_SORTS: dict[str, InstrumentedAttribute[Any]] = {
    "created_at": Document.created_at,
    "updated_at": Document.updated_at,
    "name": Document.name_fold,
    "size": Document.size_bytes,
}


@dataclass(frozen=True, slots=True)
class DocumentQuery:
    """A parsed request for a list of documents.

    given: filter → values, any of which may match.  shape: names filters and sort, for the cursor.
    is_void: whether it is known that there is none.
    """

    conditions: tuple[Condition, ...]
    sort: str
    descending: bool
    given: Mapping[str, Sequence[str]]
    is_void: bool = False

    @property
    def shape(self) -> list[Any]:
        return [
            self.sort,
            self.descending,
            sorted((name, list(values)) for name, values in self.given.items()),
        ]

    @property
    def sort_key(self) -> str:
        """As it is written in an address: "-created_at"."""
        return f"-{self.sort}" if self.descending else self.sort


def parse_document_query(
    session: Session, actor: Actor, given: Mapping[str, Sequence[str]], sort: str | None = None
) -> DocumentQuery:
    """A list of documents, newest first unless `sort` says otherwise.  given: name → values; empty ones count as absent.

    Raises Invalid naming the filters or sort keys that are known, or for text that nothing can hold.
    """
    wanted = {name: [v for v in values if v.strip()] for name, values in given.items()}
    wanted = {name: values for name, values in wanted.items() if values}
    unknown = sorted(set(wanted) - set(DOCUMENT_FILTERS))
    if unknown:
        names = ", ".join(sorted(DOCUMENT_FILTERS))
        raise Invalid(
            {name: [_l("This filter is not known. Known: %(known)s.", known=names)] for name in unknown}
        )
    for name, values in wanted.items():
        for value in values:
            clean_text(value, max_length=LONGEST_FILTER, field=name)
    sort = sort or DEFAULT_SORT
    key, descending = sort.removeprefix("-"), sort.startswith("-")
    if key not in DOCUMENT_SORTS:
        names = ", ".join(DOCUMENT_SORTS)
        raise Invalid({"sort": [_l("This cannot be sorted by. Known: %(known)s.", known=names)]})
    made = [DOCUMENT_FILTERS[name](session, actor, values) for name, values in wanted.items()]
    # What holds for nothing is said of the key: the scope beside a plain "false" would be left out as well.
    nothing = Document.id.is_(None)
    conditions = tuple(nothing if isinstance(each, False_) else each for each in made)
    return DocumentQuery(conditions, key, descending, wanted, any(isinstance(each, False_) for each in made))


def _search(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
    """Every word typed begins a word of the name or the description, or a tag; or it is a public name.

    Looked up here, so that a list of the few that there are is made from their keys, and none of none.
    """
    named = [value.strip() for value in values if refs.is_ref(refs.DOCUMENT, value.strip())]
    if named:
        return Document.ref.in_(named)
    words = words_of(*values)
    found = _found(session, actor, words) if words else []
    if len(found) > MOST_FOUND:
        return and_(*(_has_word(session, actor, Document.id, word) for word in words))
    # Partners wait for nothing found as long as for what is found: whether somebody's holds it is not told.
    return Document.id.in_(sorted({*found})) if found or actor.is_partner else false()


def _found(session: Session, actor: Actor, words: Sequence[str]) -> Sequence[int]:
    """Keys of documents with words that begin so, some twice; of more than MOST_FOUND no more than tell so.

    Partner people's are looked for among those that they see, for however many others hold the words they are not
    to wait.  Of the vendor's people, who sees which is asked where they are listed; before, only where the list
    would walk past all that are hidden.
    """
    if actor.is_partner:
        return session.scalars(_seen_with_words(session, actor, words)).all()
    found = session.scalars(_with_words(session, actor, words)).all()
    if len(found) > MOST_FOUND and walked_by(session, actor, Document):
        found = session.scalars(_with_words(session, actor, words, _is_seen(actor))).all()
    return found


def _seen_with_words(session: Session, actor: Actor, words: Sequence[str]) -> Any:
    """The same among those that the actor sees: these are found by the records that they are on, and asked for the words.

    Where their company holds too many records for that, by the words of what is on these.  Only where everybody of
    their side is given all records of a kind, that is: most documents, are all with the words looked through.
    """
    rules = [
        rule
        for rule in branches(Document, actor, Level.READ)
        if rule.covered is None or rule.covered < Level.READ
    ]
    walked = walked_by(session, actor, Document, most=MOST_ASKED)
    held = {rule.followed for rule in rules if rule.followed in walked and rule.followed.is_held}
    ways = []
    if held:
        own = DocumentWord.holder_id == actor.company_id
        ways.append(_with_words(session, actor, words, _is_seen(actor), own))
    if gives_whole_kinds(actor):
        rules = [rule for rule in rules if rule.cause != "default"]
        ways.append(_with_words(session, actor, words, _is_seen(actor)))
    found = [select(way.subquery().c[0]) for way in ways]
    found += [
        _asked(session, actor, words, rule.as_listed().where) for rule in rules if rule.followed not in held
    ]
    return union_all(*found) if found else select(Document.id).where(scoped(Document, Document.id.is_(None)))


def _asked(session: Session, actor: Actor, words: Sequence[str], condition: Condition) -> Select[int]:
    """Keys of the documents that a rule gives, each of which was asked for the words.  condition: the rule's."""
    # Kept apart, or a planner begins with all documents that have the words.
    seen = select(Document.id).where(scoped(Document, condition)).offset(0).subquery()
    held = select(seen.c.id).where(*(_has_word(session, actor, seen.c.id, word) for word in words))
    return select(held.limit(MOST_FOUND + 1).subquery().c.id)


def _is_seen(actor: Actor) -> Callable[[Any], Condition]:
    """That the actor reads the document of a key, looked at for each."""

    def seen(key: Any) -> Condition:
        read = select(Document.id).where(Document.id == key, scope(Document, actor, Level.READ)).limit(1)
        return read.correlate_except(Document).scalar_subquery().is_not(None)

    return seen


def _with_words(
    session: Session,
    actor: Actor,
    words: Sequence[str],
    holds: Callable[[Any], Condition] | None = None,
    *within: Condition,
) -> Select[int]:
    """Keys of documents with words that begin so, some of them twice; found by the longest, which few others have.

    No more than tell that they are too many to be listed by their keys.  holds: what must hold of a key besides.
    within: which words are looked through.
    """
    longest = max(words, key=len)
    others = [word for word in words if word != longest]
    begins = starts_with(session, DocumentWord.word, longest)
    ways = [select(DocumentWord.document_id).where(begins, *within)]
    if not actor.is_partner:  # of tags the vendor's people alone know
        ways.append(_tagged(starts_with(session, Tag.name_fold, longest)))
    limited = []
    for way in ways:
        (key,) = way.selected_columns
        held = way.where(*(_has_word(session, actor, key, word) for word in others))
        held = held.where(holds(key)) if holds is not None else held
        limited.append(select(held.limit(MOST_FOUND + 1).subquery().c[0]))
    return union_all(*limited)  # type: ignore[return-value]


def _has_word(session: Session, actor: Actor, key: Any, word: str) -> Condition:
    """That the document of that key has a word that begins so, looked at for each."""
    said, tagged = aliased(DocumentWord), aliased(RecordTag)
    begins = starts_with(session, said.word, word)
    has = select(said.document_id).where(said.document_id == key, begins).limit(1)
    found: Condition = has.correlate_except(said).scalar_subquery().is_not(None)
    if actor.is_partner:
        return found
    tag = aliased(Tag)
    with_tag = (
        select(tagged.record_id)
        .join(tag, tag.id == tagged.tag_id)
        .where(tagged.kind == Document.__tablename__, tagged.record_id == key)
        .where(starts_with(session, tag.name_fold, word))
        .limit(1)
    )
    return or_(found, with_tag.correlate_except(tagged, tag).scalar_subquery().is_not(None))


def _tagged(condition: Condition) -> Any:
    kind = RecordTag.kind == Document.__tablename__
    return select(RecordTag.record_id).join(Tag, Tag.id == RecordTag.tag_id).where(kind, condition)


def _tag(_session: Session, actor: Actor, values: Sequence[str]) -> Condition:
    if actor.is_partner:
        return Document.id.is_(None)
    return Document.id.in_(_tagged(Tag.name_fold.in_([fold(value, LONGEST_TAG) for value in values])))


def _kind(_session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
    _known("on", values, kinds())
    return or_(*(is_of_kind(value) for value in values))


def _type(_session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
    _known("type", values, TYPES)
    return Document.file_type.in_(list(values))


def _known(name: str, values: Sequence[str], known: Any) -> None:
    if set(values) - set(known):
        raise Invalid({name: [_l("Choose one of: %(known)s.", known=", ".join(known))]})


def _internal(_session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
    return Document.is_internal.is_(values[0] in YES)


def _author(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
    wanted = [actor.ref if value == "me" else value for value in values]
    found = select(User.id).where(User.ref.in_(wanted))
    if actor.is_partner:  # who of others attached something is not theirs to find out
        found = found.where(User.partner_account_id == actor.company_id)
    return Document.created_by_id.in_(session.scalars(found).all())  # by their keys, for the index of authors


def _moment(name: str, column: InstrumentedAttribute[Any], side: str) -> Make:
    def make(_session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
        moments = [moment for value in values if (moment := parse_iso_moment(value)) is not None]
        if len(moments) < len(values):
            raise Invalid({name: [_l("Give a date or time such as 2026-03-01T12:00:00Z.")]})
        return column >= min(moments) if side == "from" else column <= max(moments)

    return make


DOCUMENT_FILTERS: dict[str, Make] = {
    "q": _search,
    "tag": _tag,
    "on": _kind,
    "type": _type,
    "internal": _internal,
    "by": _author,
    **{
        f"{name}_{side}": _moment(f"{name}_{side}", getattr(Document, name), side)
        for name in ("created_at", "updated_at")
        for side in ("from", "to")
    },
}
