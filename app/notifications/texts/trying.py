"""A mail text tried on a real record: the letter that each sort of reader would get, and a test mail to oneself.

Nobody is written to but the person who tries, and the lead is one that they may read.  How others would see
it is asked of the very code that makes their lists, with their sort of actor.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from app.identity.models import Organisation, User, UserState
from app.identity.queries import find_actor
from app.identity.roles import PERMISSIONS
from app.kernel.actor import Actor, Level, Role
from app.leads.models import Lead
from app.leads.row_queries import read_rows
from app.leads.rows import LeadRow, OwnerLink
from app.notifications import letters
from app.notifications.digest_letter import sample_items
from app.notifications.envelope import Envelope, Letter, moment_in_full, recipient_of
from app.notifications.models import Delivery, Notification
from app.notifications.models import NotificationKind as Kind
from app.notifications.outcomes import Outcome, Withheld
from app.notifications.texts.kinds import ASSIGNMENT
from app.notifications.texts.wording import OwnText
from app.sharing.scope import scope

_HOURS = timedelta(hours=4)
_ABOUT_NO_LEAD = frozenset({Kind.INVITATION, Kind.PASSWORD_RESET, Kind.ADDRESS_TAKEN, Kind.ROUTING_ALERT})
_MADE_UP = _ABOUT_NO_LEAD | {Kind.LEADS_ASSIGNED, Kind.DAILY_DIGEST}


class Reader(StrEnum):
    """For whom a text is tried."""

    COLLEAGUE = "colleague"
    PARTNER = "partner"
    PREVIEW = "preview"


READER_WORDS: Mapping[Reader, Any] = MappingProxyType(
    {
        Reader.COLLEAGUE: _l("A colleague of yours"),
        Reader.PARTNER: _l("A partner whose it is"),
        Reader.PREVIEW: _l("A partner before they claim or accept"),
    }
)
_C, _P, _V = Reader.COLLEAGUE, Reader.PARTNER, Reader.PREVIEW
READERS: Mapping[str, tuple[Reader, ...]] = MappingProxyType(
    {
        Kind.LEAD_ASSIGNED: (_P, _C),
        Kind.LEAD_OFFERED: (_V,),
        Kind.LEAD_IN_QUEUE: (_V,),
        Kind.LEADS_ASSIGNED: (_P,),
        Kind.OFFER_LAPSED: (_C, _P),
        Kind.ROUTING_ALERT: (_C,),
        Kind.ADDRESS_TAKEN: (_C,),
        Kind.INVITATION: (_P, _C),
        Kind.PASSWORD_RESET: (_P,),
        Kind.DAILY_DIGEST: (_P,),
        ASSIGNMENT: (_V, _P, _C),
    }
)


@dataclass(frozen=True, slots=True)
class Trial:
    """A text as typed, to be tried.  of: its kind.  lead: public name of the lead that stands in it."""

    of: str
    language: str
    subject: str
    body: str
    lead: str
    reader: Reader

    @property
    def text(self) -> OwnText:
        return OwnText(None, self.of, self.subject, self.body)

    def to_detail(self) -> dict[str, Any]:
        """As a notification keeps it."""
        return {
            "of": self.of, "language": self.language, "subject": self.subject, "body": self.body,
            "record": self.lead, "reader": self.reader.value,
        }  # fmt: skip


def find_trial(notification: Notification) -> Trial | None:
    """What a test mail tries; None for every other mail."""
    if notification.kind is not Kind.MAIL_TEST:
        return None
    given = notification.detail
    return Trial(
        given["of"], given["language"], given["subject"], given["body"], given["record"],
        Reader(given["reader"]),
    )  # fmt: skip


def write(envelope: Envelope, trial: Trial) -> tuple[Letter, OwnText]:
    """The letter of a test mail, to the person who tries.  Raises Withheld when they have left or lost the lead."""
    actor = recipient_of(envelope)
    row = read_sample(envelope.session, actor, envelope.organisation, trial.lead, trial.reader)
    if row is None and needs_lead(trial.of):
        raise Withheld(Outcome.NO_ACCESS)
    return sample_letter(envelope, trial.of, trial.reader, row), trial.text


def why() -> str:
    """Why somebody gets a test mail."""
    return _("You get this mail because you tried a text on yourself. Nobody else got it.")


def needs_lead(kind: str) -> bool:
    """Whether mails of that kind are about leads, so that one is needed to try a text on."""
    return kind not in _ABOUT_NO_LEAD


def read_sample(
    session: Session, actor: Actor, organisation: Organisation, lead_ref: str, reader: Reader
) -> LeadRow | None:
    """The lead as that sort of reader would have it in a list; None when the actor may not read it."""
    given = Level.PREVIEW if reader is Reader.PREVIEW else Level.READ
    ids = select(Lead.id, literal(int(given)), Lead.created_at).where(
        scope(Lead, actor, Level.READ), Lead.ref == lead_ref
    )
    as_whom = actor if reader is Reader.COLLEAGUE else _a_partner(session, actor, organisation, lead_ref)
    rows = read_rows(session, as_whom, ids)
    return rows[0] if rows else None


def _a_partner(session: Session, actor: Actor, organisation: Organisation, lead_ref: str) -> Actor:
    """Somebody of the lead's company, else of any, else of none: only which fields are theirs counts."""
    company = select(Lead.partner_account_id).where(scope(Lead, actor, Level.READ), Lead.ref == lead_ref)
    people = (
        select(User.id)
        .where(User.partner_account_id.is_not(None), User.state == UserState.ACTIVE)
        .order_by((User.partner_account_id == company.scalar_subquery()).desc().nulls_last(), User.id)
        .limit(1)
    )
    user_id = session.scalar(people)
    found = find_actor(session, user_id, door="preview") if user_id is not None else None
    return found or Actor(
        user_id=0,
        ref="",
        name="",
        role=Role.USER,
        permissions=PERMISSIONS[Role.USER],
        company_id=0,
        preview_fields=tuple(organisation.preview_fields),
        hidden_fields=tuple(organisation.hidden_fields),
    )


def sample_letter(envelope: Envelope, of: str, reader: Reader, row: LeadRow | None) -> Letter:
    """What would be said to that sort of reader, were it about this lead, if the kind is about any."""
    kind = Kind(of) if of != ASSIGNMENT else _ASSIGNED_TO[reader]
    user = envelope.user
    if reader is not Reader.COLLEAGUE:
        user = User(
            name=user.name,
            email=user.email,
            language=user.language,
            time_zone=user.time_zone,
            partner_account_id=0,
        )
    sample = replace(envelope, user=user, notification=_notice(kind, envelope))
    if row is None or kind not in letters.WRITERS or kind in _MADE_UP:
        return _made_up(sample, kind, reader, row)
    return letters.WRITERS[kind](replace(sample, sample=_as_if(row, kind, envelope.now)))


_ASSIGNED_TO = {
    Reader.COLLEAGUE: Kind.LEAD_ASSIGNED,
    Reader.PARTNER: Kind.LEAD_ASSIGNED,
    Reader.PREVIEW: Kind.LEAD_OFFERED,
}


def _notice(kind: Kind, envelope: Envelope) -> Notification:
    detail = {"who": _("Maria Example")}
    return Notification(act="trial", kind=kind, detail=detail, created_at=envelope.now)


def _as_if(row: LeadRow, kind: Kind, now: datetime) -> LeadRow:
    """The lead as it would stand when such a mail goes out."""
    if kind is Kind.LEAD_IN_QUEUE:
        name = row.owner.name if row.is_waiting else _("Your queue")
        return replace(row, owner=OwnerLink("queue", "", name), offer_expires_at=None)
    owner = OwnerLink("user", "", "", is_me=True)
    return replace(row, owner=owner, offer_expires_at=now + _HOURS if kind is Kind.LEAD_OFFERED else None)


def _made_up(envelope: Envelope, kind: Kind, reader: Reader, row: LeadRow | None) -> Letter:
    """Mails that are about no lead, or about several, with values for example."""
    vendor, is_partner = envelope.organisation.name, reader is not Reader.COLLEAGUE
    until = moment_in_full(envelope.now + timedelta(days=3), envelope.user.time_zone)
    company = _("Example Ltd")
    words: dict[str, Any] = {}
    match kind:
        case Kind.LEADS_ASSIGNED:
            words = {"giver": vendor, "number": 3, "own": 2, "offered": 1, "waiting": 0, "queue": ""}
        case Kind.INVITATION:
            words = {"is_partner": is_partner, "company": company if is_partner else "", "until": until}
        case Kind.ROUTING_ALERT:
            words = {
                "title": "",
                "reason": _("Rule %(position)s could not be evaluated and was skipped.", position=3),
            }
        case Kind.PASSWORD_RESET:
            words = {"until": until}
        case Kind.ADDRESS_TAKEN:
            words = {"company": company, "address": "maria@example.com", "who": _("Maria Example")}
        case Kind.DAILY_DIGEST:
            words = {"number": 1}
    has_items = kind in (Kind.LEADS_ASSIGNED, Kind.DAILY_DIGEST)
    items = sample_items(envelope, [row]) if has_items and row is not None else ()
    return Letter(kind, envelope.link("/"), words, items=items)


def stand_in(
    session: Session, user: User, organisation: Organisation, base_url: str, now: datetime
) -> Envelope:
    """An envelope to somebody that is never sent."""
    nothing = Notification(act="trial", kind=Kind.MAIL_TEST, detail={}, created_at=now)
    return Envelope(session, Delivery(), nothing, user, organisation, base_url, now)
