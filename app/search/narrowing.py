"""Lists narrowed by what people type."""

from babel.core import get_global
from sqlalchemy import ColumnElement, and_, bindparam, false, or_, select
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account, Contact
from app.kernel.actor import Actor, Level
from app.leads.models import Lead
from app.search.finding import KEYS, Model, Sort, begins, has_entry, in_turn, kinds_for, sees_much, tiers
from app.search.models import SearchEntry
from app.search.words import LAST, kinds_of, typed_address, typed_name, typed_numbers
from app.sharing.scope import scope
from app.sharing.walking import FirstKeys

# A page of a list looks at no more than this many; whoever finds more types another letter, or has all counted.
MOST = 1000


def found_by(session: Session, actor: Actor, model: Model, text: str) -> ColumnElement[bool]:
    """That the record is one of those which the text finds first, of MOST entries.  Misspellings are not tried.

    They are looked up here, by a statement of their own: within the list's it would be answered for each rule that
    gives records, and a planner that does not know how few they are walks all that the rules give.
    """
    ways = [way for tier in tiers(actor, model, text, sees_much(session, actor, model)) for way in tier]
    rows = session.execute(in_turn(ways, MOST).limit(MOST)).all() if ways else []
    if not rows:
        return false()
    # A record may begin with the text in several of its words, so that the first entries are of fewer records.
    found = sorted({row.id for row in rows})
    told = FirstKeys(found, _holds(actor, model, text)) if len(rows) == MOST else found
    keys = bindparam("found", told, model.id.type, unique=True, expanding=True, literal_execute=True)
    return model.id.in_(keys)


def _holds(actor: Actor, model: Model, text: str) -> ColumnElement[bool]:
    """That a record is found by the text, asked of the record: for whoever goes along a list and wants all of it."""
    name = typed_name(text)
    numbers, whole = typed_numbers(text, get_global("zone_territories").get(actor.time_zone))
    asked = {
        Sort.NAME: [begins(name)] if name else [],
        Sort.NUMBER: [*map(begins, numbers), *([SearchEntry.text.in_(whole)] if whole else [])],
        Sort.ADDRESS: [begins(start) for start in typed_address(text)],
    }
    ways = [
        has_entry(model, kinds_for(actor, model, sort), condition)
        for sort, conditions in asked.items()
        for condition in conditions
    ]
    words = name.split()
    if 2 <= len(words) <= 6 and not whole:
        ways.append(and_(*(_has_word(actor, model, word) for word in words)))
        if model is Contact:
            cuts = [(words[:cut], words[cut:]) for cut in range(1, len(words))]
            ways += [
                _at_account(actor, *pair) for one, other in cuts for pair in ((one, other), (other, one))
            ]
    if name and model is Lead and "last_name" not in actor.hidden_fields:
        ways.append(and_(Lead.last_name_fold >= name, Lead.last_name_fold < name + LAST))
    if name and model in KEYS:
        ways.append(and_(KEYS[model] >= name, KEYS[model] < name + LAST))
    # Of what is shown as a preview nothing is found by what the preview hides.
    return and_(or_(*ways), scope(model, actor, Level.READ))


def _has_word(actor: Actor, model: Model, word: str) -> ColumnElement[bool]:
    entry = aliased(SearchEntry)
    return has_entry(model, kinds_for(actor, model, Sort.NAME), begins(word, entry), entry)


def _at_account(actor: Actor, person: list[str], company: list[str]) -> ColumnElement[bool]:
    """That it is a contact called by some of the words, of an account called by the others."""
    entry, account_entry = aliased(SearchEntry), aliased(SearchEntry)
    at = select(Account.id).where(
        scope(Account, actor, Level.READ),
        has_entry(Account, kinds_of("account"), begins(" ".join(company), account_entry), account_entry),
    )
    named = has_entry(Contact, kinds_of("contact"), begins(" ".join(person), entry), entry)
    return and_(named, Contact.account_id.in_(at))
