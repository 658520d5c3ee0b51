"""What a row says of an account or a contact becomes one: made, or changed, by the operations that forms and the API call."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.accounts.contact_operations import create_contact, edit_contact
from app.accounts.errors import ProbableDuplicate
from app.accounts.fields import fields_of_kind
from app.accounts.models import Account, AccountKind, Contact
from app.accounts.operations import create_account, edit_account
from app.intake.known import find_known
from app.intake.manner import ACCOUNT, CONTACT, Manner, Mode
from app.intake.record_later import find_above
from app.intake.record_sets import probably_there
from app.intake.record_values import UPWARD, Read
from app.kernel.actor import Actor
from app.kernel.errors import Invalid, NotAllowed, NotFound

OUT_OF_REACH = _l("There is no such record that you may change.")
CREATED, UPDATED, UNCHANGED = "created", "updated", "unchanged"


@dataclass(slots=True)
class Outcome:
    """What became of one record of a row.  is_alike: it was created although it is probably there already.

    later: how the row names the record above this one, where that is not there yet.
    """

    record: Any
    became: str
    is_alike: bool = False
    later: str | None = None


@dataclass(frozen=True, slots=True)
class Writer:
    """Makes records of one kind, or changes them.  made: keys of those that earlier rows have made."""

    kind: str
    model: Any
    create: Callable[..., Any]
    edit: Callable[..., Any]
    manner: Manner
    made: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, kind: str, manner: Manner) -> "Writer":
        if kind == ACCOUNT:
            return cls(ACCOUNT, Account, create_account, edit_account, manner)
        return cls(CONTACT, Contact, create_contact, edit_contact, manner)

    def write(
        self,
        session: Session,
        actor: Actor,
        read: Read,
        now: datetime,
        *,
        account_id: int | None = None,
        is_new: bool = False,
        at: Callable[[], None] | None = None,
    ) -> Outcome:
        """account_id: of the account that the row names for a contact.  is_new: no record is known by its id.

        at: puts the account, where it is still to be made, into the values; called if the contact is written.

        Raises DomainErrors; does not commit.
        """
        known = None
        if not is_new or self.manner.mode is Mode.UPDATE:
            known = find_known(session, actor, self.model, read, self.manner, account_id=account_id)
        if known is not None and self.manner.mode is Mode.CREATE:
            return Outcome(known, UNCHANGED)
        if at is not None:
            at()
        later = self._look_up(session, actor, read, known, account_id)
        if known is None:
            return self._create(session, actor, read, later, now)
        before, imported = known.version, {**(known.imported or {}), **read.kept}
        was = name_of(known)
        values = self._values_for(known, read)
        try:
            record = self.edit(session, actor, known.ref, values, allow_duplicate=True, now=now)
        except (NotFound, NotAllowed) as error:
            raise Invalid({"": [error.message if error.message else OUT_OF_REACH]}) from error
        is_changed = record.version != before or record.imported != imported
        record.imported = imported
        if known.id in self.made and (name := name_of(record)) != was:
            read.warnings.append(_twice(was, name))
        return Outcome(record, UPDATED if is_changed else UNCHANGED, later=later)

    def _values_for(self, known: Any, read: Read) -> dict[str, Any]:
        """What the row changes of a record.  The name of a person is made of its parts."""
        values = dict(read.values)
        if self.manner.clears:
            values |= dict.fromkeys(name for name in read.cleared if name not in values)
        if self.kind == ACCOUNT:
            has = fields_of_kind(known.kind)
            if known.kind is AccountKind.PERSON:
                values.pop("name", None)
            values = {name: value for name, value in values.items() if value is not None or name in has}
        return values

    def _create(
        self, session: Session, actor: Actor, read: Read, later: str | None, now: datetime
    ) -> Outcome:
        is_alike = False
        name_by_parts(read)
        try:
            record = self.create(session, actor, read.values, now=now)
        except ProbableDuplicate as probable:
            is_alike = True
            read.warnings.append(probably_there(probable.matches))
            record = self.create(session, actor, read.values, allow_duplicate=True, now=now)
        record.imported = read.kept
        self.made.add(record.id)
        return Outcome(record, CREATED, is_alike, later)

    def _look_up(
        self, session: Session, actor: Actor, read: Read, known: Any | None, account_id: int | None
    ) -> str | None:
        """Put the record above this one into the values; how the row names it where it is not there yet."""
        if read.above is None:
            return None
        if account_id is None and known is not None and self.kind == CONTACT:
            account_id = known.account_id
        found = find_above(session, actor, self.kind, read.above, account_id)
        if found is None:
            return read.above
        read.values[UPWARD[self.kind]] = found
        return None


def name_of(record: Any) -> str:
    """What people call an account or a contact."""
    return str(record.name if isinstance(record, Account) else record.full_name)


def _twice(was: str, name: str) -> Any:
    """Two rows of the file are one record: perhaps it was meant so, perhaps one of them has gone missing in the other."""
    return _l(
        "An earlier row has made the same record as “%(was)s”; this one has made it “%(name)s”.",
        was=was[:60],
        name=name[:60],
    )


def name_by_parts(read: Read) -> None:
    """The name of a new person is made of its parts."""
    if read.values.get("kind") is AccountKind.PERSON and read.values.get("last_name"):
        read.values.pop("name", None)
