"""What the care of data adds to lists of accounts and contacts: marks, and how long nothing has happened."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, case, true
from sqlalchemy.orm import Session

from app.accounts.consent import BASES, may_reach
from app.accounts.fields import SECTIONS as RECORD_SECTIONS
from app.accounts.models import Account, Contact
from app.care.ageing import is_idle
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.parse import parse_yes_no
from app.leads.fields import SECTIONS
from app.leads.models import Lead
from app.lists.catalogue import AT_LEAST, RELATED, Kind, ListField, add_fields, describe, objects
from app.routing.criteria import Op

MOST_DAYS = 36_500


def _marked(column: Any) -> Any:
    def make(_session: Session, _actor: Actor, _op: Op, value: Any) -> ColumnElement[bool]:
        return column.is_not(None) if value else column.is_(None)  # type: ignore[no-any-return]

    return make


def _left_out(model: Any) -> Any:
    """The filter as an address writes it: yes, no, or any for all records whether left out or not."""

    def make(_session: Session, _actor: Actor, values: Sequence[str]) -> ColumnElement[bool]:
        wanted = {parse_yes_no(value) for value in values}
        if wanted == {True}:
            return model.left_out_at.is_not(None)  # type: ignore[no-any-return]
        return model.left_out_at.is_(None) if wanted == {False} else true()

    return make


def _idle(model: Any) -> Any:
    def make(_session: Session, actor: Actor, _op: Op, value: Any) -> ColumnElement[bool]:
        days = min(max(int(value), 0), MOST_DAYS)
        return is_idle(model, actor, clock.now() - timedelta(days=days))

    return make


def _says_idle(_op: Op, value: str) -> str:
    return _("nothing has happened for %(days)s days", days=value)


def _reached() -> dict[str, tuple[Any, ColumnElement[bool]]]:
    """What a file of contacts can be for."""
    return {
        "mailing": (_l("for mailing"), may_reach(Contact, "email")),
        "calling": (_l("for calling"), may_reach(Contact, "phone")),
    }


def _consent_choices(_session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
    return [(key, str(label)) for key, label in BASES.items()]


# Under the heading that consent has among a lead's fields.
_CONSENT = SECTIONS["consent"]
add_fields(
    "contact",
    ListField("consent", _l("Consent"), Kind.YES_NO, Contact.consent, section=_CONSENT),
    ListField(
        "consent_basis", _l("Basis of consent"), Kind.CHOICE, Contact.consent_basis, choices=_consent_choices,
        section=_CONSENT,
    ),
    ListField("consent_on", _l("Date of consent"), Kind.DATE, Contact.consent_on, section=_CONSENT),
    ListField("consent_origin", _l("Where consent came from"), Kind.TEXT, Contact.consent_origin, section=_CONSENT),
    ListField("opted_out_email", _l("No e-mail"), Kind.YES_NO, Contact.opted_out_email, section=_CONSENT),
    ListField("opted_out_phone", _l("No calls"), Kind.YES_NO, Contact.opted_out_phone, section=_CONSENT),
)  # fmt: skip
add_fields(
    "lead",
    ListField(
        "consent_on", _l("Date of consent"), Kind.DATE, Lead.consent_on, is_internal=True, section=_CONSENT
    ),
    ListField(
        "consent_origin", _l("Where consent came from"), Kind.TEXT, Lead.consent_origin, is_internal=True,
        section=_CONSENT,
    ),
)  # fmt: skip
for model in (Account, Contact):
    add_fields(
        model.__tablename__,
        ListField(
            "left_out", _l("Left out of views, reports and campaigns"), Kind.YES_NO,
            case((model.left_out_at.is_(None), 0), else_=1), _marked(model.left_out_at), is_export=False,
            section=RECORD_SECTIONS["more"],
        ),
        ListField(
            "ready", _l("Ready for a new product"), Kind.YES_NO, case((model.ready_at.is_(None), 0), else_=1),
            _marked(model.ready_at), section=RECORD_SECTIONS["more"],
        ),
        ListField("ready_at", _l("Marked ready"), Kind.MOMENT, model.ready_at, is_export=False),
        ListField(
            "idle_days", _l("Nothing has happened for"), Kind.NUMBER, None, _idle(model), AT_LEAST,
            is_column=False, is_export=False, says=_says_idle, unit=_l("days"), section=RELATED,
        ),
    )  # fmt: skip
    known = objects()[model.__tablename__]
    describe(
        replace(
            known,
            simple={**known.simple, "left_out": _left_out(model)},
            left_out=model.left_out_at,
            purposes=_reached() if model is Contact else {},
        )
    )
