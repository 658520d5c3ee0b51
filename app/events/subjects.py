"""What the records of events are called and where they are shown, as far as the reader may see them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app, url_for
from flask_babel import gettext as _
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.accounts.relations.models import (
    CharacteristicType,
    InterestArea,
    RelationshipReason,
    ResponsibleRole,
)
from app.activities.models import Activity
from app.activities.places import is_readable
from app.campaigns.models import Campaign
from app.capture.models import LeadForm
from app.cases.models import Case, CaseStatus
from app.documents.models import Document
from app.events.lookup import read_ref
from app.events.models import Event
from app.fields.models import CustomField
from app.identity.models import User
from app.intake.models import Import
from app.kernel import labels, refs
from app.kernel.actor import Actor, Level
from app.leads.models import DeclineReason, Lead, LeadSource, LeadStatus, UnqualifiedReason
from app.lists.models import Audience, SavedView, Tag
from app.notifications.models import Delivery, MailTemplate
from app.notifications.words import kind_of_mail
from app.opportunities.models import Opportunity, OpportunityStage, OutcomeReason
from app.partners.models import PartnerLevel
from app.routing.models import Queue, RoundRobin, RuleSet
from app.scores.models import ScoreSet
from app.sharing.models import PublicGroup, SharingRule
from app.sharing.scope import scope, scope_of_deleted_leads


@dataclass(frozen=True, slots=True)
class Subject:
    """A record as a line of the log names it.

    kind: what it is, in words.  name: "" where the reader may not see it or it is gone; `ref` stands for it then.
    """

    kind: str
    ref: str
    name: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How records of a table are read: their key, public name and name; and the route that shows one."""

    label: Callable[[], str]
    read: Callable[[Actor], Select[Any]] | None = None
    key: Any = None
    ref: Any = None
    name: Callable[[Any], str] = str
    endpoint: str = ""
    argument: str = ""


def _shared(model: Any) -> Callable[[Actor], Select[Any]]:
    return lambda actor: select(model).where(scope(model, actor, Level.READ))


def _leads(actor: Actor) -> Select[Any]:
    return select(Lead).where(or_(scope(Lead, actor, Level.READ), scope_of_deleted_leads(actor, Level.READ)))


def _plain(model: Any) -> Callable[[Actor], Select[Any]]:
    return lambda _actor: select(model)


def _views(actor: Actor) -> Select[Any]:
    """Saved views whose names the reader may know: their own, and those that are everyone's."""
    everyones = SavedView.audience == Audience.EVERYONE
    return select(SavedView).where(or_(everyones, SavedView.owner_user_id == actor.user_id))


def _kind(
    model: Any,
    label: Callable[[], str],
    read: Callable[[Actor], Select[Any]],
    name: Callable[[Any], str],
    endpoint: str = "",
    argument: str = "",
) -> _Kind:
    return _Kind(label, read, model.id, model.ref, name, endpoint, argument)


_KINDS: dict[str, _Kind] = {
    "lead": _kind(
        Lead, lambda: labels.one("lead"), _leads, lambda r: r.ref, "leads.show", "lead_ref"
    ),
    "account": _kind(
        Account, lambda: labels.one("account"), _shared(Account), lambda r: r.name, "accounts.show", "account_ref"
    ),
    "contact": _kind(
        Contact, lambda: labels.one("contact"), _shared(Contact), lambda r: r.full_name, "contacts.show", "contact_ref"
    ),
    "opportunity": _kind(
        Opportunity, lambda: labels.one("opportunity"), _shared(Opportunity), lambda r: r.name, "opportunities.show",
        "opportunity_ref",
    ),
    "opportunity_stage": _kind(OpportunityStage, lambda: _("stage"), _plain(OpportunityStage), lambda r: r.name),
    "outcome_reason": _kind(
        OutcomeReason, lambda: _("reason of winning or losing"), _plain(OutcomeReason), lambda r: r.name
    ),
    "campaign": _kind(
        Campaign, lambda: labels.one("campaign"), _shared(Campaign), lambda r: r.name, "campaigns.show", "campaign_ref"
    ),
    "field_mapping": _Kind(lambda: _("field that goes along")),
    "case": _kind(Case, lambda: labels.one("case"), _shared(Case), lambda r: r.title, "cases.show", "case_ref"),
    "case_status": _kind(CaseStatus, lambda: _("status"), _plain(CaseStatus), lambda r: r.name),
    "document": _kind(
        Document, lambda: labels.one("document"), _shared(Document), lambda r: r.name, "documents.show", "document_ref"
    ),
    "user": _kind(User, lambda: labels.one("user"), _plain(User), lambda r: r.name, "users.show", "user_ref"),
    "queue": _kind(
        Queue, lambda: labels.one("queue"), _plain(Queue), lambda r: r.name, "queues.show", "queue_ref"
    ),
    "round_robin": _kind(
        RoundRobin, lambda: labels.one("round_robin"), _plain(RoundRobin), lambda r: r.name, "round_robins.show", "rr_ref"
    ),
    "rule_set": _kind(
        RuleSet, lambda: labels.one("assignment_rule"), _plain(RuleSet), lambda r: r.name, "rules.show", "rule_ref"
    ),
    "import": _kind(
        Import, lambda: _("import"), _plain(Import), lambda r: r.filename, "intake.show", "import_ref"
    ),
    "lead_status": _kind(LeadStatus, lambda: _("status"), _plain(LeadStatus), lambda r: r.name),
    "lead_source": _kind(LeadSource, lambda: _("source"), _plain(LeadSource), lambda r: r.name),
    "decline_reason": _kind(DeclineReason, lambda: _("reason"), _plain(DeclineReason), lambda r: r.name),
    "unqualified_reason": _kind(UnqualifiedReason, lambda: _("reason"), _plain(UnqualifiedReason), lambda r: r.name),
    "score_set": _kind(
        ScoreSet, lambda: _("score rules"), _plain(ScoreSet), lambda r: r.name, "scores.show", "scores_ref"
    ),
    "lead_form": _kind(
        LeadForm, lambda: _("web form"), _plain(LeadForm), lambda r: r.name, "lead_forms.show", "form_ref"
    ),
    "relationship_reason": _kind(
        RelationshipReason, lambda: _("reason of relationships"), _plain(RelationshipReason), lambda r: r.name
    ),
    "characteristic_type": _kind(
        CharacteristicType, lambda: _("type of characteristics"), _plain(CharacteristicType), lambda r: r.name
    ),
    "interest_area": _kind(InterestArea, lambda: _("area of interest"), _plain(InterestArea), lambda r: r.name),
    "responsible_role": _kind(
        ResponsibleRole, lambda: _("role of people responsible"), _plain(ResponsibleRole), lambda r: r.name
    ),
    "partner_level": _kind(
        PartnerLevel, lambda: labels.one("partner_level"), _plain(PartnerLevel), lambda r: r.name
    ),
    "public_group": _kind(
        PublicGroup, lambda: _("group"), _plain(PublicGroup), lambda r: r.name, "groups.show", "group_ref"
    ),
    "sharing_rule": _kind(
        SharingRule, lambda: _("sharing rule"), _plain(SharingRule), lambda r: r.name, "sharing_rules.show",
        "rule_ref",
    ),
    "saved_view": _kind(SavedView, lambda: labels.one("saved_view"), _views, lambda r: r.name),
    "tag": _kind(Tag, lambda: _("tag"), _plain(Tag), lambda r: r.name),
    "list_job": _Kind(lambda: _("export or change of many")),
    "custom_field": _kind(
        CustomField, lambda: _("field"), _plain(CustomField), lambda r: r.label, "fields.show", "field_ref"
    ),
    "delivery": _kind(Delivery, lambda: _("mail"), _plain(Delivery), lambda r: r.recipient),
    "mail_template": _kind(
        MailTemplate, lambda: _("e-mail text"), _plain(MailTemplate), lambda r: r.name or kind_of_mail(r.kind)
    ),
    # Named by what they are on, see `_activity_names`.
    "activity": _Kind(lambda: labels.one("activity")),
    "bulk_act": _Kind(lambda: _("change of many")),
    "routing_alert": _Kind(lambda: _("alert")),
    "organisation": _Kind(lambda: _("organisation")),
}  # fmt: skip
# Of whose public names within changed values the names are shown.
_OF_PREFIX = {
    refs.LEAD: "lead",
    refs.ACCOUNT: "account",
    refs.CONTACT: "contact",
    refs.DOCUMENT: "document",
    refs.CASE: "case",
    refs.OPPORTUNITY: "opportunity",
    refs.CAMPAIGN: "campaign",
    refs.USER: "user",
    refs.QUEUE: "queue",
    refs.ROUND_ROBIN: "round_robin",
}


def subjects_of(session: Session, actor: Actor, events: Iterable[Event]) -> dict[int, Subject]:
    """The record of each event by the event's key.  One statement for each kind, whatever the number."""
    events = list(events)
    wanted: dict[str, set[int]] = {}
    for event in events:
        wanted.setdefault(event.record_kind, set()).add(event.record_id)
    names: dict[tuple[str, int], tuple[str, bool]] = {}
    for kind, keys in wanted.items():
        known = _KINDS.get(kind)
        if kind == "activity":
            names.update(_activity_names(session, actor, keys))
        elif known is not None and known.read is not None:
            rows = session.scalars(known.read(actor).where(known.key.in_(keys)))
            names.update({(kind, row.id): (_name(actor, known, row), _has_page(row)) for row in rows})
    nothing = ("", False)
    return {e.id: _subject(e, *names.get((e.record_kind, e.record_id), nothing)) for e in events}


def names_of_values(session: Session, actor: Actor, events: Iterable[Event]) -> dict[str, str]:
    """Public name → name, of records that stand as values in changes and details and may be seen."""
    found: dict[str, set[str]] = {}
    for event in events:
        values = [value for pair in event.changes.values() if isinstance(pair, list) for value in pair]
        for value in [*values, *event.detail.values()]:
            if isinstance(value, str) and read_ref(value) == value:
                kind = _OF_PREFIX.get(value.partition("_")[0])
                if kind is not None:
                    found.setdefault(kind, set()).add(value)
    names: dict[str, str] = {}
    for kind, public in found.items():
        known = _KINDS[kind]
        if known.read is not None:
            rows = session.scalars(known.read(actor).where(known.ref.in_(public)))
            names.update({row.ref: _name(actor, known, row) for row in rows})
    return names


def _name(actor: Actor, known: _Kind, row: Any) -> str:
    """What a record is called; a lead of the fields that the reader sees."""
    return row.title_for(actor) if isinstance(row, Lead) else known.name(row)


def kind_name(kind: str) -> str:
    """What a kind of record is called, in the singular."""
    known = _KINDS.get(kind)
    return known.label() if known is not None else kind.replace("_", " ")


def _has_page(row: Any) -> bool:
    return getattr(row, "deleted_at", None) is None


def _subject(event: Event, name: str, has_page: bool) -> Subject:
    kind = event.record_kind
    known = _KINDS.get(kind)
    url = ""
    if has_page and known is not None and known.endpoint in current_app.view_functions:
        url = url_for(known.endpoint, **{known.argument: event.record_ref})  # type: ignore[arg-type]
    # The entries of lists are named by their events too, for when they are gone.
    told = event.detail.get("name") if kind in _LISTS else None
    return Subject(kind_name(kind), event.record_ref, name or (str(told) if told else ""), url)


_LISTS = (
    "lead_status", "case_status", "opportunity_stage", "outcome_reason", "lead_source", "decline_reason", "campaign",
    "unqualified_reason", "partner_level", "public_group", "sharing_rule",
    "relationship_reason", "characteristic_type", "interest_area", "responsible_role",
)  # fmt: skip


def _activity_names(
    session: Session, actor: Actor, keys: Iterable[int]
) -> Mapping[tuple[str, int], tuple[str, bool]]:
    """The subjects of activities whose record the actor may read."""
    rows = session.execute(
        select(Activity.id, Activity.subject).where(Activity.id.in_(list(keys)), is_readable(actor))
    )
    return {("activity", key): (subject, False) for key, subject in rows}
