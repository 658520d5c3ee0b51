"""One mail of every kind, about the same small company, for the tests that read mails."""

import email
import email.policy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.activities.operations import log_activity
from app.identity.credentials import send_invitation, send_reset
from app.identity.models import User, UserState
from app.identity.queries import get_organisation
from app.kernel.actor import Role
from app.leads.models import Assignment, AssignmentCause, BulkAct, Lead, LeadSource, Offer, OfferState
from app.notifications.digests import write_digest
from app.notifications.messages import write_mail
from app.notifications.models import Delivery, Notification
from app.notifications.models import NotificationKind as Kind
from app.notifications.operations import notify
from app.notifications.texts.trying import Reader, Trial
from app.partners.models import PartnerAccount
from app.routing.models import Queue
from app.sharing.scope import scope
from tests.factories import SYSTEM, actor_of, make_lead, make_partner, make_user

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
# What a mail must never show, wherever it stands in the lead.
SECRETS = {
    "first_name": "Secretfirst",
    "last_name": "Secretlast",
    "email": "secret.mail@forges.example",
    "phone": "+34 900 111 222",
    "mobile": "+34 600 333 444",
    "title": "Secrettitle",
    "website": "https://secretsite.example",
    "street": "Secretstreet 5",
    "postal_code": "SECRET17",
    "description": "Secretdescription",
    "budget": "Secretbudget",
    "authority": "Secretauthority",
    "need": "Secretneed",
    "timeframe": "Secrettimeframe",
    "external_id": "SECRET-EXTERNAL",
    "annual_revenue": 8_877_665,
}


@dataclass
class Correspondence:
    """deliveries: a name (a kind, with the reader where there are two) → the delivery."""

    mara: User
    pia: User
    pam: User
    northwind: PartnerAccount
    leads: dict[str, Lead] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)

    def write(self, session: Session, name: str, now: datetime = NOW) -> EmailMessage:
        mail = write_mail(session, self.deliveries[name].id, now=now)
        return email.message_from_bytes(mail.content, policy=email.policy.default)


TRIED = (
    "For you, {{ name }}: {{ title }}",
    "{{ giver }} thought of you.\nCompany: {{ company }}\n\nLook: {{ link }}",
)
NAMES = (
    "lead_assigned",
    "lead_assigned_internal",
    "lead_offered",
    "lead_in_queue",
    "leads_assigned",
    "leads_assigned_queue",
    "leads_assigned_mixed",
    "invitation",
    "invitation_internal",
    "password_reset",
    "password_changed",
    "second_factor_set_up",
    "second_factor_turned_off",
    "second_factor_reset",
    "second_factor_codes_renewed",
    "second_factor_code_used",
    "second_factor_codes_tried",
    "new_device",
    "new_device_unknown",
    "address_taken",
    "duplicate_found",
    "routing_alert",
    "offer_lapsed",
    "offer_lapsed_partner",
    "touch_due",
    "lead_recycled",
    "lead_recycled_partner",
    "lead_commented",
    "lead_commented_partner",
    "activity_due",
    "activity_given",
    "report_mail",
    "daily_digest",
    "mail_test",
)


def correspond(session: Session, language: str = "en", *, company: str = "Forges del Ter") -> Correspondence:
    """Write every kind of notification into the outbox."""
    get_organisation(session).name = "Acme Pumps"
    zone = {"language": language, "time_zone": "Europe/Madrid"}
    mara = make_user(session, "Mara Soler", email="mara@acme.example", role=Role.CHANNEL_MANAGER, **zone)
    northwind = make_partner(session, "Northwind", owner=mara)
    pia = make_user(session, "Pia Riera", email="pia@northwind.example", partner=northwind, **zone)
    pam = make_user(
        session, "Pam Vila", email="pam@northwind.example", partner=northwind, role=Role.MANAGER, **zone
    )
    world = Correspondence(mara, pia, pam, northwind)
    world.leads["owned"] = prospect(session, company, owner=pia)
    world.leads["internal"] = prospect(session, company, owner=mara)
    world.leads["offered"] = _offer(session, prospect(session, company, owner=pia), pia)
    queue = session.get_one(Queue, northwind.queue_id)
    world.leads["waiting"] = prospect(session, company, queue=queue)
    _tell(session, world, "lead_assigned", pia, Kind.LEAD_ASSIGNED, world.leads["owned"])
    _tell(session, world, "lead_assigned_internal", mara, Kind.LEAD_ASSIGNED, world.leads["internal"])
    _tell(session, world, "lead_offered", pia, Kind.LEAD_OFFERED, world.leads["offered"])
    _tell(session, world, "lead_in_queue", pam, Kind.LEAD_IN_QUEUE, world.leads["waiting"])
    tell_of_bulk(
        session, world, "leads_assigned", pia, [prospect(session, company, owner=pia) for _ in range(3)]
    )
    tell_of_bulk(session, world, "leads_assigned_queue", pam, [prospect(session, company, queue=queue)])
    mixed = [_offer(session, prospect(session, company, owner=pia), pia) for _ in range(2)]
    mixed.append(prospect(session, company, owner=pia))
    tell_of_bulk(session, world, "leads_assigned_mixed", pia, mixed)
    _tell_of_links(session, world, zone)
    note = notify(session, act="password:1", user=pia, kind=Kind.PASSWORD_CHANGED, now=NOW)
    world.deliveries["password_changed"] = _delivery(session, note)
    for what in ("set_up", "turned_off", "reset", "codes_renewed", "code_used", "codes_tried"):
        _tell(session, world, f"second_factor_{what}", pia, Kind.SECOND_FACTOR, None, detail={"what": what})
    where = {"browser": "Firefox", "system": "Linux", "address": "192.0.2.7"}
    _tell(session, world, "new_device", pia, Kind.NEW_DEVICE, None, detail=where)
    strange = {"browser": "", "system": "", "address": "192.0.2.7"}
    _tell(session, world, "new_device_unknown", pia, Kind.NEW_DEVICE, None, detail=strange)
    account = session.scalars(
        select(Account).where(scope(Account, SYSTEM), Account.id == northwind.account_id)
    ).one()
    detail = {"email": "nil@northwind.example", "who": "Pam Vila"}
    _tell(session, world, "address_taken", mara, Kind.ADDRESS_TAKEN, account, detail=detail)
    reasons = {"reasons": ["name"], "other": 0}
    _tell(session, world, "duplicate_found", mara, Kind.DUPLICATE_FOUND, account, detail=reasons)
    reason = {"reason": "Rule 3 could not give to Nord Sistemes: at capacity, 15 of 15."}
    _tell(session, world, "routing_alert", mara, Kind.ROUTING_ALERT, world.leads["waiting"], detail=reason)
    who = {"who": "Pia Riera"}
    _tell(session, world, "offer_lapsed", mara, Kind.OFFER_LAPSED, world.leads["waiting"], detail=who)
    _tell(session, world, "offer_lapsed_partner", pia, Kind.OFFER_LAPSED, world.leads["waiting"], detail=who)
    world.leads["awaited"] = prospect(session, company, owner=pia)
    world.leads["awaited"].touch_due_at = NOW + timedelta(hours=4)
    _tell(session, world, "touch_due", pia, Kind.TOUCH_DUE, world.leads["awaited"])
    _tell(session, world, "lead_recycled", mara, Kind.LEAD_RECYCLED, world.leads["waiting"], detail=who)
    _tell(
        session, world, "lead_recycled_partner", pia, Kind.LEAD_RECYCLED, world.leads["waiting"], detail=who
    )
    asked = {"report": "partners", "query": "from=2026-01&to=2199-12"}
    _tell(session, world, "report_mail", mara, Kind.REPORT_MAIL, None, detail=asked)
    written = {"who": "Pia Riera (Northwind)"}
    _tell(session, world, "lead_commented", mara, Kind.LEAD_COMMENTED, world.leads["owned"], detail=written)
    written = {"who": "Acme Pumps"}
    _tell(
        session,
        world,
        "lead_commented_partner",
        pia,
        Kind.LEAD_COMMENTED,
        world.leads["owned"],
        detail=written,
    )
    _tell_of_activities(session, world)
    _tell_daily(session, world)
    trial = Trial("assignment", language, TRIED[0], TRIED[1], world.leads["internal"].ref, Reader.PREVIEW)
    _tell(session, world, "mail_test", mara, Kind.MAIL_TEST, None, detail=trial.to_detail())
    session.flush()
    return world


def _tell_of_activities(session: Session, world: Correspondence) -> None:
    """Pam gave Pia something to do about a lead, and it is due."""
    task = log_activity(
        session, actor_of(session, world.pia), world.leads["owned"], kind="task", subject="Call back",
        due_at=NOW + timedelta(hours=1), place="Girona", now=NOW,
    )  # fmt: skip
    _tell(session, world, "activity_due", world.pia, Kind.ACTIVITY_DUE, task)
    _tell(session, world, "activity_given", world.pia, Kind.ACTIVITY_GIVEN, task, detail={"who": "Pam Vila"})


def _tell_daily(session: Session, world: Correspondence) -> None:
    """What Pam reads once a day: a lead that waits, and an offer that lapsed."""
    world.pam.mail_preferences = {Kind.LEAD_IN_QUEUE.value: "digest", Kind.OFFER_LAPSED.value: "digest"}
    for kind in (Kind.LEAD_IN_QUEUE, Kind.OFFER_LAPSED):
        _tell(session, world, f"line_{kind.value}", world.pam, kind, world.leads["waiting"])
    session.flush()
    key = write_digest(session, world.pam.id, now=NOW + timedelta(days=1))
    world.deliveries["daily_digest"] = session.get_one(Delivery, key)
    world.pam.mail_preferences = {}


def prospect(session: Session, company: str, **owner: object) -> Lead:
    source = session.scalars(select(LeadSource).where(LeadSource.name == "Web form")).one()
    values = {
        **SECRETS,
        "external_id": None,
        "company": company,
        "city": "Girona",
        "state": "Catalunya",
        "country": "ES",
        "industry": "Manufacturing",
        "employees": 120,
        "product_interest": "Industrial pumps",
        "source": source,
        **owner,
    }
    return make_lead(session, **values)  # type: ignore[arg-type]


def _offer(session: Session, lead: Lead, user: User) -> Lead:
    offer = Offer(
        lead_id=lead.id,
        user_id=user.id,
        company_id=user.partner_account_id,
        state=OfferState.PENDING,
        made_at=NOW,
        expires_at=NOW + timedelta(hours=4),
    )
    session.add(offer)
    session.flush()
    lead.offer_id, lead.offer_expires_at = offer.id, offer.expires_at
    return lead


def _tell(
    session: Session,
    world: Correspondence,
    name: str,
    user: User,
    kind: Kind,
    record: object,
    **given: object,
) -> None:
    act = f"{name}:1"
    if isinstance(record, Lead) and kind in (Kind.LEAD_ASSIGNED, Kind.LEAD_OFFERED):
        assignment = session.scalars(select(Assignment).where(Assignment.lead_id == record.id)).one()
        assignment.actor_id, assignment.actor_name = world.mara.id, world.mara.name
        act = f"assignment:{assignment.id}"
    note = notify(session, act=act, user=user, kind=kind, now=NOW, record=record, **given)  # type: ignore[arg-type]
    world.deliveries[name] = _delivery(session, note)


def tell_of_bulk(session: Session, world: Correspondence, name: str, user: User, leads: list[Lead]) -> None:
    act = BulkAct(
        ref=f"bulk_{name}", at=NOW, actor_id=world.mara.id, undo_until=NOW, target={}, items=[], refused=[]
    )
    session.add(act)
    session.flush()
    for number, lead in enumerate(leads):
        lead.created_at = NOW + timedelta(minutes=number)
        assignment = session.scalars(select(Assignment).where(Assignment.lead_id == lead.id)).one()
        assignment.bulk_act_id, assignment.cause = act.id, AssignmentCause.BULK
        assignment.actor_id, assignment.actor_name = world.mara.id, world.mara.name
    note = notify(session, act=f"bulk:{act.id}", user=user, kind=Kind.LEADS_ASSIGNED, now=NOW, record=act)
    world.deliveries[name] = _delivery(session, note)


def _tell_of_links(session: Session, world: Correspondence, zone: dict[str, str]) -> None:
    invited = {"state": UserState.INVITED, "password": "", **zone}
    nil = make_user(session, "Nil Font", email="nil@northwind.example", partner=world.northwind, **invited)
    ivo = make_user(session, "Ivo Mas", email="ivo@acme.example", **invited)
    for name, user in (("invitation", nil), ("invitation_internal", ivo)):
        send_invitation(session, user, now=NOW)
        world.deliveries[name] = _latest(session, user)
    send_reset(session, world.pam.email, now=NOW)
    world.deliveries["password_reset"] = _latest(session, world.pam)


def _delivery(session: Session, notification: Notification) -> Delivery:
    return session.scalars(select(Delivery).where(Delivery.notification_id == notification.id)).one()


def _latest(session: Session, user: User) -> Delivery:
    note = session.scalars(
        select(Notification).where(Notification.user_id == user.id).order_by(Notification.id.desc()).limit(1)
    ).one()
    return _delivery(session, note)
