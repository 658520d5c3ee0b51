"""What vendor and partners agree on and write to each other: targets of this quarter and month, and comments."""

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.accounts.models import Account
from app.activities.operations import log_activity
from app.demo.newcomers import newcomers
from app.identity.models import User
from app.identity.queries import find_actor
from app.kernel.actor import Actor, Level
from app.leads.models import Lead, LeadStatus, StatusCategory
from app.sharing.scope import scope
from app.targets.models import Period
from app.targets.operations import set_target
from app.targets.periods import first_day, period_key

if TYPE_CHECKING:
    from app.demo.company import Company

_TELLER = Actor.system("demo company")
OTHERS_WITH_TARGETS = 4
# Who writes first, what they write, and what the other side answers: English, Spanish, Catalan, as the partner writes.
THREADS = (
    (
        ("vendor", "They asked at the fair for a quote before the end of the month. Can you call them this week?"),
        ("partner", "Called on Tuesday, they are at a trade show. I have an appointment for Friday."),
        ("vendor", "Good. The demo bikes are at your shop until the 20th."),
    ),
    (
        ("partner", "¿Hay plazo de entrega para la versión de carga? Me lo preguntan cada semana."),
        ("vendor", "Six weeks from the order; four if they take the black ones."),
    ),
    (
        ("partner", "Volen provar-la abans de decidir. Ens en podeu deixar una dues setmanes?"),
        ("vendor", "Yes. It leaves our warehouse on Thursday."),
    ),
)  # fmt: skip


def keep_partnership(company: "Company") -> None:
    """A thread on a lead of each newcomer; targets for their companies, for Pia herself, and for a few others."""
    for user, thread in zip(newcomers(company), THREADS, strict=False):
        _write(company, user, thread)
    _aim(company)


def _write(company: "Company", user: User, thread: tuple[tuple[str, str], ...]) -> None:
    session, partner = company.session, find_actor(company.session, user.id)
    lead = session.scalars(
        select(Lead)
        .join(LeadStatus, LeadStatus.id == Lead.status_id)
        .where(
            scope(Lead, _TELLER, Level.READ),
            Lead.owner_user_id == user.id,
            Lead.offer_id.is_(None),
            LeadStatus.category == StatusCategory.WORKING,
        )
        .order_by(Lead.id.desc())
        .limit(1)
    ).first()
    if lead is None or partner is None:
        return
    for number, (side, text) in enumerate(thread):
        author = company.manager if side == "vendor" else partner
        at = company.now - timedelta(hours=26 * (len(thread) - number) - 20)
        log_activity(session, author, lead, kind="note", text=text, shared=True, now=at)


def _aim(company: "Company") -> None:
    at = company.now - timedelta(days=2)
    today = company.now.astimezone(ZoneInfo("Europe/Madrid")).date()
    quarter, month = (
        period_key(period, first_day(period, today)) for period in (Period.QUARTER, Period.MONTH)
    )
    mine = newcomers(company)
    keys = [user.partner_account_id for user in mine]
    keys += [partners[0].account_id for _territory, partners in sorted(company.partners.items())]
    for number, key in enumerate(list(dict.fromkeys(keys))[: len(mine) + OTHERS_WITH_TARGETS]):
        shop = company.session.scalars(
            select(Account.ref).where(scope(Account, _TELLER), Account.id == key)
        ).one()
        aims = [
            {"period": quarter, "converted": 6 + number, "amount": 40_000 + 5_000 * number, "currency": "USD"}
        ]
        if number < len(mine):
            aims.append({"period": month, "converted": 3})
        if number == 0:
            aims.append({"period": quarter, "person": mine[0].ref, "converted": 5})
        for aim in aims:
            set_target(company.session, company.manager, shop, aim, now=at)
