"""Fields of the demo company's own, with what its people wrote into them."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select

from app.accounts.contact_operations import edit_contact
from app.accounts.models import Account, Contact
from app.accounts.operations import edit_account
from app.fields.counting import count_step
from app.fields.drafts import ChoiceDraft, FieldDraft
from app.fields.kinds import Kind
from app.fields.operations import create_field, index_field
from app.fields.work import work_step
from app.identity.queries import find_actor
from app.leads.models import Lead
from app.leads.operations import edit_lead
from app.sharing.scope import scope

if TYPE_CHECKING:
    from app.demo.company import Company

FILLED = 60  # records of each object


def set_up_fields(company: "Company") -> None:
    """A handful of fields, one of them indexed, one that nobody uses; counted."""
    session, chance, now = company.session, company.chance, company.now
    actor = find_actor(session, company.staff["ada"].id)
    assert actor is not None
    begin = now - timedelta(days=40)
    segment, *others = [create_field(session, actor, draft, now=begin) for draft in _drafts()]
    for draft in _of_opportunities():  # filled in as opportunities are made
        create_field(session, actor, draft, now=begin)
    renewal, topics, event = (field.name for field in others[:3])
    index_field(session, actor, segment.ref, now=begin)
    while work_step(session, now=now):
        pass  # what the worker would do, so that lists can use it at once
    for account in session.scalars(_some(company, Account)):
        values = {
            segment.name: chance.choice(
                ("strategic", "growth", "growth", "standard", "standard", "standard")
            ),
            renewal: (now + timedelta(days=chance.randrange(20, 400))).date(),
        }
        edit_account(session, actor, account.ref, values, now=now - timedelta(days=chance.randrange(1, 30)))
    for contact in session.scalars(_some(company, Contact)):
        chosen = chance.sample(("product_news", "events", "security"), chance.randrange(1, 3))
        edit_contact(session, actor, contact.ref, {topics: chosen}, now=now - timedelta(days=2))
    for lead in session.scalars(_some(company, Lead).where(Lead.converted_at.is_(None))):
        edit_lead(session, actor, lead.ref, {event: chance.choice(("Expo Girona", "Cycle Days"))}, now=now)
    session.flush()
    count_step(session, now=now)


def _some(company: "Company", model: Any) -> Select[Any]:
    found = scope(model, company.manager)
    return select(model).where(found, model.deleted_at.is_(None)).order_by(model.id.desc()).limit(FILLED)


def _of_opportunities() -> list[FieldDraft]:
    return [
        FieldDraft(
            object="opportunity",
            kind=Kind.CHOICE,
            label="Competitor",
            labels={"es": "Competidor", "ca": "Competidor"},
            help="Who else may get the order.",
            description="The one that is taken most seriously. Nobody known: asked, and there is none.",
            asked_by="Sales leadership",
            reason="Shows against whom orders are won and lost.",
            is_internal=True,
            choices=[
                ChoiceDraft(
                    name="A dealer in town", names={"es": "Una tienda local", "ca": "Una botiga local"}
                ),
                ChoiceDraft(
                    name="An online shop", names={"es": "Una tienda en línea", "ca": "Una botiga en línia"}
                ),
                ChoiceDraft(name="Another brand", names={"es": "Otra marca", "ca": "Una altra marca"}),
                ChoiceDraft(name="Nobody known", names={"es": "Nadie conocido", "ca": "Ningú conegut"}),
            ],
        ),
        FieldDraft(
            object="opportunity",
            kind=Kind.DATE,
            label="Delivery wanted",
            labels={"es": "Entrega deseada", "ca": "Lliurament desitjat"},
            help="The day by which they want to have it.",
            description="As the customer said it; of several deliveries the first.",
            asked_by="Order desk",
            reason="The works plan by it.",
        ),
    ]


def _drafts() -> list[FieldDraft]:
    return [
        FieldDraft(
            object="account",
            kind=Kind.CHOICE,
            label="Customer segment",
            labels={"es": "Segmento de cliente", "ca": "Segment de client"},
            help="How much attention the account gets from us.",
            description="Strategic: has a plan of its own, reviewed each quarter. Growth: could double within two years.",
            asked_by="Sales leadership",
            reason="Decides who visits, and how often.",
            choices=[
                ChoiceDraft(name="Strategic", names={"es": "Estratégico", "ca": "Estratègic"}),
                ChoiceDraft(name="Growth", names={"es": "Crecimiento", "ca": "Creixement"}),
                ChoiceDraft(name="Standard", names={"es": "Estándar", "ca": "Estàndard"}),
            ],
        ),
        FieldDraft(
            object="account",
            kind=Kind.DATE,
            label="Contract renewal",
            help="The day on which the present contract ends.",
            description="Of the contract that ends first, where there are several.",
            asked_by="Customer care",
            reason="Calls are planned sixty days before.",
        ),
        FieldDraft(
            object="contact",
            kind=Kind.CHOICES,
            label="Wants to hear of",
            help="What the person asked to be told about.",
            description="Only what they said themselves.",
            asked_by="Marketing",
            choices=[
                ChoiceDraft(name="Product news"),
                ChoiceDraft(name="Events"),
                ChoiceDraft(name="Security"),
            ],
        ),
        FieldDraft(
            object="lead",
            kind=Kind.TEXT,
            label="Met at",
            help="The fair or event where we met.",
            description="As it is called on its own site, without the year.",
            asked_by="Marketing",
            visibility="after_claim",
            by_partner=False,
        ),
        FieldDraft(
            object="account",
            kind=Kind.YES_NO,
            label="Fax only",
            help="Whether they want orders by fax.",
            description="Asked for when the old order desk moved here.",
            asked_by="Order desk",
        ),
    ]
