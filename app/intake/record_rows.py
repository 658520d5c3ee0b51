"""Rows of accounts and contacts: each is created or changed by the same operations that forms and the API call.

A row is refused by itself; the others are taken.  What a column may hold beside a value of its field: an
account by its name, public name or external id, a contact by the latter two, a person by name or e-mail.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from app.accounts.contact_operations import create_contact, edit_contact
from app.accounts.errors import ProbableDuplicate
from app.accounts.fields import ACCOUNT_FIELDS, CONTACT_FIELDS, Field, FieldKind
from app.accounts.models import Account, AccountKind, Contact
from app.accounts.operations import create_account, edit_account
from app.accounts.values import clean_values
from app.fields.catalogue import Definition
from app.fields.kinds import is_custom
from app.fields.values import problem_of, reading_of
from app.identity.models import User, UserState
from app.intake.batch import Taken
from app.intake.lead_rows import RefusedRow
from app.intake.lead_updates import OUT_OF_REACH
from app.intake.tables import Row
from app.kernel.actor import Actor, Level
from app.kernel.errors import DomainError, Invalid, NotAllowed, NotFound
from app.kernel.fold import email_key, fold
from app.kernel.text import NOTE, clean_text
from app.sharing.scope import scope

# An external id is unique among all records, those one may not see included.
_MATCHING = Actor.system("external ids")
KIND = Field("kind", _l("Business or person"), _l("Which of the two an account is."))
NOT_STORED = _l("This row could not be stored.")
# What an import may leave empty, with a warning; anything else that is wrong refuses the row.
_FORGIVEN = {
    FieldKind.EMAIL, FieldKind.URL, FieldKind.COUNTRY, FieldKind.NUMBER, FieldKind.MONEY, FieldKind.CHOICE,
    FieldKind.LANGUAGE, FieldKind.TIME_ZONE, FieldKind.USER, FieldKind.CONTACT,
}  # fmt: skip
_PERSON = {"person", "persona", "individual", "particular"}


@dataclass(frozen=True, slots=True)
class RecordRows:
    """How rows become accounts or contacts.  fields: those that a column may be mapped to.

    added: the same of fields that administrators added.
    """

    model: Any
    fields: Mapping[str, Field]
    mapping: Mapping[str, str | None]
    create: Callable[..., Any]
    edit: Callable[..., Any]
    added: Mapping[str, Definition] = field(default_factory=dict)

    @classmethod
    def of_accounts(
        cls, mapping: Mapping[str, str | None], added: Mapping[str, Definition] | None = None
    ) -> "RecordRows":
        return cls(Account, ACCOUNT_FIELDS, mapping, create_account, edit_account, added or {})

    @classmethod
    def of_contacts(
        cls, mapping: Mapping[str, str | None], added: Mapping[str, Definition] | None = None
    ) -> "RecordRows":
        return cls(Contact, CONTACT_FIELDS, mapping, create_contact, edit_contact, added or {})

    def take(self, session: Session, actor: Actor, rows: Sequence[Row], now: datetime) -> Taken:
        """Take the rows in, each whole or not at all.  Does not commit."""
        taken = Taken()
        for row in rows:
            warnings: list[Any] = [] if row.warning is None else [row.warning]
            try:
                if row.problem is not None:
                    raise Invalid({"": [row.problem]})
                with session.begin_nested():
                    self._take_one(session, actor, row, taken, warnings, now)
            except DomainError as error:
                taken.refused.append(RefusedRow(row, self._words(error)))
            except (IntegrityError, DataError):
                taken.refused.append(RefusedRow(row, NOT_STORED))
            else:
                taken.warnings.extend((row.line_number, warning) for warning in warnings)
        return taken

    def _take_one(
        self, session: Session, actor: Actor, row: Row, taken: Taken, warnings: list[Any], now: datetime
    ) -> None:
        values, kept = self._read(session, actor, row, warnings)
        known = self._find_known(session, values.get("external_id"))
        if known is None:
            record = self._create(session, actor, values, warnings, now)
            record.imported = kept
            taken.created += 1
            return
        before, imported = known.version, {**(known.imported or {}), **kept}
        if known.deleted_at is not None:
            raise Invalid({"": [OUT_OF_REACH]})
        try:
            record = self.edit(session, actor, known.ref, values, allow_duplicate=True, now=now)
        except (NotFound, NotAllowed) as error:
            raise Invalid({"": [OUT_OF_REACH]}) from error
        is_changed = record.version != before or record.imported != imported
        record.imported = imported
        taken.updated += is_changed
        taken.unchanged += not is_changed

    def _create(
        self, session: Session, actor: Actor, values: dict[str, Any], warnings: list[Any], now: datetime
    ) -> Any:
        try:
            return self.create(session, actor, values, now=now)
        except ProbableDuplicate as probable:
            names = ", ".join(match.name for match in probable.matches[:3])
            warnings.append(_l("Probably there already, created all the same: %(names)s.", names=names))
            return self.create(session, actor, values, allow_duplicate=True, now=now)

    def _find_known(self, session: Session, external_id: str | None) -> Any | None:
        if external_id is None:
            return None
        return session.scalar(
            select(self.model).where(scope(self.model, _MATCHING), self.model.external_id == external_id)
        )

    def _read(
        self, session: Session, actor: Actor, row: Row, warnings: list[Any]
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """(values that are not empty, by field; texts of columns without a field)."""
        values: dict[str, Any] = {}
        kept: dict[str, str] = {}
        for header, cell in row.cells.items():
            name = self.mapping.get(header)
            if name is None:
                text = clean_text(cell, max_length=NOTE, field=header, multiline=True)
                if text is not None:
                    kept[header] = text
            elif name == KIND.name:
                values["kind"] = AccountKind.PERSON if fold(cell) in _PERSON else AccountKind.BUSINESS
            else:
                if is_custom(name):
                    value = self._added_value(name, cell, warnings)
                else:
                    value = self._value(session, actor, self.fields[name], cell, warnings)
                if value is not None:
                    values[name] = value
        return values, kept

    def _added_value(self, name: str, cell: str, warnings: list[Any]) -> Any | None:
        """What a cell holds of a field that administrators added; what it cannot hold stays empty, with a warning."""
        field = self.added.get(name)
        if field is None:
            complaints = [_l("There is no such field any more.")] if cell.strip() else []
            value = None
        else:
            value, complaints = problem_of(field, cell, reading_of())
        if complaints:
            warnings.append(self._words(Invalid({name: complaints})))
        return value

    def _value(
        self, session: Session, actor: Actor, field: Field, cell: str, warnings: list[Any]
    ) -> Any | None:
        try:
            text = clean_text(cell, max_length=NOTE, field=field.name, multiline=True)
            if text is None:
                return None
            if field.is_reference:
                return _resolve(session, actor, field, text)
            return clean_values({field.name: field}, {field.name: text})[field.name]
        except Invalid as error:
            if field.kind not in _FORGIVEN:
                raise
            warnings.append(self._words(error))
            return None

    def _words(self, error: DomainError) -> Any:
        if isinstance(error, Invalid):
            for name, messages in error.errors.items():
                known = self.fields.get(name) or self.added.get(name)
                if known is not None:
                    label = known.label
                    return _l("%(field)s: %(message)s", field=label, message=messages[0])
                return messages[0]
        return error.message or NOT_STORED


def _resolve(session: Session, actor: Actor, field: Field, text: str) -> str:
    """The public name of the record that a cell means.  Raises Invalid when there is none, or several."""
    if field.kind is FieldKind.USER:
        found = session.scalars(
            select(User.ref).where(
                User.partner_account_id.is_(None),
                User.state != UserState.DEACTIVATED,
                or_(User.email_key == email_key(text), User.name == text, User.ref == text),
            )
        ).all()
    else:
        model: Any = Account if field.kind is FieldKind.ACCOUNT else Contact
        found = _records(session, actor, model, or_(model.ref == text, model.external_id == text))
        if not found and model is Account:
            found = _records(session, actor, Account, Account.name_fold == fold(text, 255))
    if not found:
        raise Invalid({field.name: [_l("“%(value)s” is not found.", value=text[:60])]})
    if len(found) > 1:
        raise Invalid({field.name: [_l("There are several called “%(value)s”.", value=text[:60])]})
    return str(found[0])


def _records(session: Session, actor: Actor, model: Any, where: ColumnElement[bool]) -> Sequence[str]:
    return session.scalars(
        select(model.ref).where(scope(model, actor, Level.READ), where).order_by(model.id).limit(2)
    ).all()
