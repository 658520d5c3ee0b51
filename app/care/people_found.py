"""The records of one person, found by e-mail, phone and name, with those that came of them or went into them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import and_, false, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountKind, Contact
from app.conversion.models import Conversion
from app.kernel.actor import Actor, Permission
from app.kernel.errors import Invalid
from app.kernel.fold import email_key, fold, phone_key
from app.leads.models import Lead
from app.sharing.scope import scope

MODELS: dict[str, Any] = {"lead": Lead, "contact": Contact, "account": Account}
MOST = 200
# Whoever may ask is an administrator; what was deleted or merged is still held, and so is what only its owner sees.
_HOLDING = Actor.system("what is held about a person")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person is looked for by; empty texts are not asked."""

    email: str = ""
    phone: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A record of somebody.  is_sure: by address or number, or bound to one that is; by name alone it may be another's."""

    table: str
    record: Any
    is_sure: bool

    @property
    def name(self) -> str:
        if self.table == "account":
            return str(self.record.name)
        parts = (self.record.first_name, self.record.last_name)
        return " ".join(part for part in parts if part) or self.record.ref

    @property
    def beside(self) -> str:
        """What tells two of one name apart."""
        own = (getattr(self.record, "email", None), getattr(self.record, "phone", None))
        place = getattr(self.record, "company", None) or getattr(self.record, "billing_city", None)
        return " · ".join(part for part in (*own, place) if part)


def find_person(session: Session, actor: Actor, asked: Asked) -> list[Held]:
    """Leads, contacts and persons' accounts, deleted and merged ones too, the sure ones first.  Raises NotAllowed, Invalid."""
    actor.require(Permission.PERSON_MANAGE)
    mail, number, name = email_key(asked.email), phone_key(asked.phone), fold(asked.name, 200)
    if mail is None and number is None and len(name) < 2:
        raise Invalid({"email": [_l("Give an e-mail address, a phone number or a name.")]})
    sure: dict[tuple[str, int], Any] = {}
    perhaps: dict[tuple[str, int], Any] = {}
    for table, model in MODELS.items():
        if mail is not None or number is not None:
            condition = or_(_has_mail(model, mail, asked.email), _has_number(model, number, asked.phone))
            for each in _select(session, model, condition):
                sure[table, each.id] = each
        if len(name) >= 2:
            for each in _select(session, model, _has_name(model, name)):
                if _is_called(each, name):
                    perhaps[table, each.id] = each
    for key, each in list(sure.items()):
        sure |= _bound(session, key[0], each)
    found = [
        Held(table, each, True) for (table, _key), each in sorted(sure.items(), key=lambda item: item[0])
    ]
    return found + [
        Held(table, each, False) for (table, key), each in sorted(perhaps.items()) if (table, key) not in sure
    ]


def _select(session: Session, model: Any, condition: Any) -> Sequence[Any]:
    conditions = [scope(model, _HOLDING), condition]
    if model is Account:
        conditions.append(Account.kind == AccountKind.PERSON)
    return session.scalars(select(model).where(*conditions).order_by(model.id).limit(MOST)).all()


def _has_mail(model: Any, key: str | None, typed: str) -> Any:
    if key is None:
        return false()
    return model.email_key == key if hasattr(model, "email_key") else model.email.in_({key, typed.strip()})


def _has_number(model: Any, key: str | None, typed: str) -> Any:
    if key is None:
        return false()
    return or_(model.phone_key == key, model.phone == typed.strip(), model.mobile == typed.strip())


def _has_name(model: Any, name: str) -> Any:
    if model is Account:
        return Account.name_fold == name[:255]
    words = name.split()
    lasts = {" ".join(words[i:]) for i in range(len(words))} | {
        " ".join(words[: i + 1]) for i in range(len(words))
    }
    return model.last_name_fold.in_({last[:120] for last in lasts})


def _is_called(each: Any, name: str) -> bool:
    if isinstance(each, Account):
        return True
    first, last = fold(each.first_name, 120), fold(each.last_name, 120)
    return name in {f"{first} {last}".strip(), f"{last} {first}".strip(), last}


def _bound(session: Session, table: str, each: Any) -> dict[tuple[str, int], Any]:
    """What was merged into it, what it became, and what it came of."""
    found: dict[tuple[str, int], Any] = {}

    def add(model: Any, *conditions: Any) -> None:
        for other in _select(session, model, and_(*conditions)):
            found[model.__tablename__, other.id] = other

    if table == "lead":
        became = select(Conversion.contact_id).where(Conversion.lead_id == each.id)
        add(Contact, Contact.id.in_(became))
        add(Account, Account.id.in_(select(Conversion.account_id).where(Conversion.lead_id == each.id)))
    elif table == "contact":
        add(Contact, Contact.merged_into_id == each.id)
        add(Lead, Lead.id.in_(select(Conversion.lead_id).where(Conversion.contact_id == each.id)))
    else:
        add(Account, Account.merged_into_id == each.id)
        add(Lead, Lead.id.in_(select(Conversion.lead_id).where(Conversion.account_id == each.id)))
    return found


def chosen_of(found: Iterable[Held], refs: Iterable[str] | None) -> list[Held]:
    """Those that were ticked; before anything was, the sure ones."""
    return [each for each in found if (each.is_sure if refs is None else each.record.ref in set(refs))]
