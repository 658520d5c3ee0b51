"""What the cells of a row say about an account or a contact: values, texts to keep, other records by name."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from app.accounts.consent import OPT_OUTS
from app.accounts.consented import CONSENT_FIELDS, clean_consent
from app.accounts.fields import ACCOUNT_FIELDS, CONTACT_FIELDS, SECTIONS, Field, FieldKind
from app.accounts.models import Account, AccountKind, Contact
from app.accounts.values import clean_values
from app.fields.catalogue import Definition
from app.fields.kinds import is_custom
from app.fields.values import problem_of, reading_of
from app.identity.models import User, UserState
from app.intake.full_names import split_name
from app.intake.manner import ACCOUNT, CONTACT, OF_ACCOUNT
from app.intake.neutralise import original
from app.intake.tables import Row
from app.kernel.actor import Actor, Level
from app.kernel.errors import DomainError, Invalid
from app.kernel.fold import email_key, fold
from app.kernel.text import NOTE, clean_text
from app.sharing.scope import scope

KIND = Field("kind", _l("Business or person"), _l("Which of the two an account is."))
ID = Field("id", _l("Id in Canal"), _l("As exports name the record."), section="more")
# How many last names there are → the field for a whole name that is split, see `full_names`.
FULL_NAMES = {
    1: Field("full_name", _l("Full name"), _l("Split into first and last name.")),
    2: Field("full_name_two", _l("Full name with two last names"), _l("Split into first and last names.")),
}
LAST_NAMES = {field.name: count for count, field in FULL_NAMES.items()}
NOT_STORED = _l("This row could not be stored.")
# What an import may leave empty, with a warning; anything else that is wrong refuses the row.
_FORGIVEN = {
    FieldKind.EMAIL, FieldKind.URL, FieldKind.COUNTRY, FieldKind.NUMBER, FieldKind.MONEY, FieldKind.CHOICE,
    FieldKind.LANGUAGE, FieldKind.TIME_ZONE, FieldKind.USER, FieldKind.CONTACT,
}  # fmt: skip
_PERSON = {"person", "persona", "individual", "particular"}
# They may name a record that a later row makes: looked up last, see `record_later`.
UPWARD = {"account": "parent_id", "contact": "reports_to_id"}


# (what it is, how a cell names it) → its public name
Named = dict[tuple[FieldKind, str], str]


class NoneSuch(Invalid):
    """No record is called so.  text: as the cell has it."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__({field: [_l("“%(value)s” is not found.", value=text[:60])]})
        self.text = text


@dataclass(slots=True)
class Read:
    """What a row says.  values: by field, those that are not empty; cleared: fields whose cells are empty.

    kept: texts of columns without a field.  ref: the record's public name.  unknown: how a contact's row names an
    account that is not found, where that does not refuse it.  above: how the row names the
    record that this one hangs below.  warnings: what was left out.  parts: of a name that was given whole.
    """

    values: dict[str, Any] = field(default_factory=dict)
    cleared: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    ref: str | None = None
    unknown: str | None = None
    above: str | None = None
    warnings: list[Any] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one kind of record out of rows.  columns: (header, field).  kept: headers without a field.

    added: fields of that kind which administrators added.  takes_unknown: an account that is not found refuses no row.
    """

    kind: str
    fields: Mapping[str, Field]
    added: Mapping[str, Definition]
    columns: tuple[tuple[str, str], ...]
    kept: tuple[str, ...] = ()
    takes_unknown: bool = False

    @classmethod
    def of(
        cls,
        kind: str,
        mapping: Mapping[str, str | None],
        added: Mapping[str, Definition],
        *,
        takes_unknown: bool = False,
    ) -> "Reader":
        """mapping: header → field, of a file of that kind of rows alone."""
        columns = tuple((header, name) for header, name in mapping.items() if name)
        kept = tuple(header for header, name in mapping.items() if not name)
        fields = ACCOUNT_FIELDS if kind == ACCOUNT else CONTACT_FIELDS | CONSENT_FIELDS
        return cls(kind, fields, added, columns, kept, takes_unknown)

    @classmethod
    def half(cls, kind: str, mapping: Mapping[str, str | None], added: Mapping[str, Definition]) -> "Reader":
        """mapping: of a file of accounts and contacts; columns without a field go with the contact."""
        of_accounts = kind == ACCOUNT
        mine = {
            header: name.removeprefix(OF_ACCOUNT) if name else None
            for header, name in mapping.items()
            if (name is None and not of_accounts) or (name and name.startswith(OF_ACCOUNT) == of_accounts)
        }
        return cls.of(kind, mine, added)

    def read(self, session: Session, actor: Actor, row: Row, named: Named | None = None) -> Read:
        """What the row says.  named: accounts and people that rows of the same batch have named, remembered there.

        Raises Invalid when the row cannot be taken.
        """
        read = Read()
        for header in self.kept:
            text = clean_text(row.cells.get(header, ""), max_length=NOTE, field=header, multiline=True)
            if text is not None:
                read.kept[header] = original(text)
        for header, name in self.columns:
            cell = original(row.cells.get(header, ""))
            if name == ID.name:
                read.ref = cell.strip() or None
            elif name == KIND.name:
                if cell.strip():
                    read.values["kind"] = (
                        AccountKind.PERSON if fold(cell) in _PERSON else AccountKind.BUSINESS
                    )
            elif name in LAST_NAMES:
                self._split(read, header, cell, LAST_NAMES[name])
            elif name == UPWARD.get(self.kind):
                read.above = clean_text(cell, max_length=255, field=name)
            else:
                try:
                    value = self._value(session, actor, name, cell, read.warnings, named)
                except NoneSuch as none:
                    if name != "account_id" or not self.takes_unknown:
                        raise
                    read.unknown, value = none.text, None
                if value is not None:
                    read.values[name] = value
                elif not cell.strip() and name not in ("owner", *OPT_OUTS):
                    read.cleared.append(name)
        for name, part in read.parts.items():
            read.values.setdefault(name, part)  # what has a column of its own stands there
        return read

    def _split(self, read: Read, header: str, cell: str, last_names: int) -> None:
        text = clean_text(cell, max_length=255, field="last_name")
        if text is None:
            return
        first, last = split_name(text, last_names=last_names)
        read.parts = {"last_name": last, **({"first_name": first} if first else {})}
        if len(f"{first or ''} {last}".split()) < len(text.split()):
            read.kept[header] = text  # a title was left out

    def named_accounts(self, rows: Sequence[Row]) -> set[str]:
        """How the rows name accounts."""
        header = next((header for header, name in self.columns if name == "account_id"), None)
        texts: set[str] = set()
        for row in rows if header is not None else ():
            with suppress(Invalid):
                cell = original(row.cells.get(header or "", ""))
                texts.add(clean_text(cell, max_length=NOTE, field="account_id", multiline=True) or "")
        return texts - {""}

    def _value(
        self,
        session: Session,
        actor: Actor,
        name: str,
        cell: str,
        warnings: list[Any],
        named: Named | None,
    ) -> Any | None:
        if is_custom(name):
            return self._added_value(name, cell, warnings)
        if name in CONSENT_FIELDS:
            return self._agreed_value(name, cell, warnings)
        known = self.fields[name]
        try:
            text = clean_text(cell, max_length=NOTE, field=name, multiline=True)
            if text is None:
                return None
            if known.kind in (FieldKind.ACCOUNT, FieldKind.USER) and named is not None:
                if (known.kind, text) not in named:
                    named[known.kind, text] = resolve(session, actor, known, text)
                return named[known.kind, text]
            if known.is_reference:
                return resolve(session, actor, known, text)
            return clean_values({name: known}, {name: text})[name]
        except Invalid as error:
            if known.kind not in _FORGIVEN:
                raise
            warnings.append(self.words(error))
            return None

    def _agreed_value(self, name: str, cell: str, warnings: list[Any]) -> Any | None:
        """What a cell says about consent; an opt-out is never taken back by a file."""
        if not cell.strip():
            return None
        try:
            value = clean_consent({name: cell})[name]
        except Invalid as error:
            warnings.append(self.words(error))
            return None
        return None if name in OPT_OUTS and value is False else value

    def _added_value(self, name: str, cell: str, warnings: list[Any]) -> Any | None:
        """What a cell holds of a field that administrators added; what it cannot hold stays empty, with a warning."""
        known = self.added.get(name)
        if known is None:
            complaints = [_l("There is no such field any more.")] if cell.strip() else []
            value = None
        else:
            value, complaints = problem_of(known, cell, reading_of())
        if complaints:
            warnings.append(self.words(Invalid({name: complaints})))
        return value

    def words(self, error: DomainError) -> Any:
        """What is wrong with a row, in a sentence."""
        if isinstance(error, Invalid):
            for name, messages in error.errors.items():
                known = self.fields.get(name) or self.added.get(name)
                if known is not None:
                    label = known.label
                    return _l("%(field)s: %(message)s", field=label, message=messages[0])
                return messages[0]
        return error.message or NOT_STORED


def resolve(session: Session, actor: Actor, known: Field, text: str) -> str:
    """The public name of the record that a cell means.  Raises Invalid when there is none, or several."""
    if known.kind is FieldKind.USER:
        found = session.scalars(
            select(User.ref).where(
                User.partner_account_id.is_(None),
                User.state != UserState.DEACTIVATED,
                or_(User.email_key == email_key(text), User.name == text, User.ref == text),
            )
        ).all()
    else:
        found = find_named(session, actor, Account if known.kind is FieldKind.ACCOUNT else Contact, text)
    if not found:
        raise NoneSuch(known.name, text)
    if len(found) > 1:
        raise Invalid({known.name: [_l("There are several called “%(value)s”.", value=text[:60])]})
    return str(found[0])


def find_named(
    session: Session, actor: Actor, model: Any, text: str, *, account_id: int | None = None
) -> Sequence[str]:
    """Public names of up to two records that a text means: public name, external id, address, name.

    account_id: where a contact that is only named works.
    """
    ids = or_(model.ref == text, model.external_id == text)
    found = _records(session, actor, model, ids)
    if found or model is Account:
        return found or _records(session, actor, Account, Account.name_fold == fold(text, 255))
    if "@" in text:
        return _records(session, actor, Contact, Contact.email_key == email_key(text))
    if account_id is None:
        return []
    people = session.execute(
        select(Contact.ref, Contact.first_name, Contact.last_name)
        .where(scope(Contact, actor, Level.READ), Contact.account_id == account_id)
        .where(Contact.last_name_fold.in_(_last_names(text)))
        .order_by(Contact.id)
    )
    wanted = {fold(text), fold(" ".join(reversed([part.strip() for part in text.split(",", 1)])))}
    return [ref for ref, first, last in people if fold(f"{first or ''} {last}".strip()) in wanted][:2]


def _last_names(text: str) -> list[str]:
    """What may be the last name in a whole name: "Pons i Vila, Anna", "Anna Pons i Vila"."""
    words = text.split()
    ends = [" ".join(words[at:]) for at in range(max(len(words) - 4, 0), len(words))]
    return [fold(name, 120) for name in (text.partition(",")[0], text, *ends)]


def _records(session: Session, actor: Actor, model: Any, where: ColumnElement[bool]) -> Sequence[str]:
    return session.scalars(
        select(model.ref).where(scope(model, actor, Level.READ), where).order_by(model.id).limit(2)
    ).all()


def fields_of_pairs(
    accounts: Mapping[str, Definition], contacts: Mapping[str, Definition]
) -> dict[str, "HalfField"]:
    """Field → its description, for files of accounts and contacts."""
    account = {**ACCOUNT_FIELDS, KIND.name: KIND, ID.name: ID, **accounts}
    contact = {
        **CONTACT_FIELDS,
        **CONSENT_FIELDS,
        ID.name: ID,
        **{f.name: f for f in FULL_NAMES.values()},
        **contacts,
    }
    contact.pop("account_id")
    return {
        **{
            f"{OF_ACCOUNT}{name}": HalfField(f"{OF_ACCOUNT}{name}", known, ACCOUNT)
            for name, known in account.items()
        },
        **{name: HalfField(name, known, CONTACT) for name, known in contact.items()},
    }


@dataclass(frozen=True, slots=True)
class HalfField:
    """A field of a file of both, with the half it belongs to in its label."""

    name: str
    known: Any
    half: str

    @property
    def label(self) -> Any:
        if self.known.section in ("billing", "shipping"):
            section = SECTIONS[self.known.section]
            return _l("Account: %(field)s (%(section)s)", field=self.known.label, section=section)
        if self.half == ACCOUNT:
            return _l("Account: %(field)s", field=self.known.label)
        return _l("Contact: %(field)s", field=self.known.label)

    @property
    def section(self) -> str:
        return f"{self.half} {self.known.section}"
