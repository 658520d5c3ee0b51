"""How the demo company qualifies: what its steps ask for, in its languages, what *qualified* means, its score rules."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.identity.queries import find_actor
from app.leads.models import LeadStatus
from app.leads.steps import set_moves, set_process, set_step
from app.scores.operations import activate_scores, create_scores
from app.scores.upkeep import settle_scores
from app.scores.work import work_step

if TYPE_CHECKING:
    from app.demo.company import Company

DEFINITION = {
    "en": "A shop or a fleet that buys bicycles for its business within twelve months, has somebody who decides, and has told"
    " us itself that it wants an offer.",
    "es": "Una tienda o una flota que compra bicicletas para su negocio en los próximos doce meses, con alguien que decide, y"
    " que nos ha dicho que quiere una oferta.",
    "ca": "Una botiga o una flota que compra bicicletes per al seu negoci en els pròxims dotze mesos, amb algú que decideix, i"
    " que ens ha dit que vol una oferta.",
}
GUIDANCE: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "new": (
        {
            "en": "Call within a day. Find out who you are talking to and what made them ask.",
            "es": "Llama en el plazo de un día. Averigua con quién hablas y qué les ha hecho preguntar.",
            "ca": "Truqueu abans d'un dia. Esbrineu amb qui parleu i què els ha fet preguntar.",
        },
        ("phone", "email", "product_interest"),
    ),
    "working": (
        {
            "en": "Ask for the money, who decides and by when. Offer a test ride; it closes more than any price list.",
            "es": "Pregunta por el presupuesto, quién decide y para cuándo. Ofrece una prueba: convence más que cualquier tarifa.",
            "ca": "Demaneu pel pressupost, qui decideix i per a quan. Oferiu una prova: convenç més que cap tarifa.",
        },
        ("need", "budget", "authority", "timeframe", "interest_confirmed"),
    ),
    "qualified": (
        {
            "en": "Make the offer, agree on the next date, and convert it once they have said that they want to go on.",
            "es": "Haz la oferta, acuerda la próxima fecha y conviértelo cuando digan que quieren seguir.",
            "ca": "Feu l'oferta, acordeu la pròxima data i convertiu-lo quan diguin que volen continuar.",
        },
        ("timeframe", "description"),
    ),
}
NEW = {"field": "arrived_at", "days": 30}
LATELY = {"field": "last_activity_at", "days": 14}


def set_up_qualification(company: "Company") -> None:
    """Guidance, moves and score rules; all scores are written."""
    session, now = company.session, company.now
    actor = find_actor(session, company.staff["ada"].id)
    assert actor is not None
    statuses = {status.key: status for status in session.scalars(select(LeadStatus))}
    for key, (guidance, matters) in GUIDANCE.items():
        set_step(session, actor, statuses[key].ref, guidance=guidance, matters=matters, now=company.begin)
    # Nobody is called qualified who was never worked with.
    set_moves(session, actor, {"new": ["working", "unqualified"]}, now=company.begin)
    set_process(session, actor, required=["phone"], definition=DEFINITION, now=company.begin)
    given = {"name": "How promising", "threshold": 60, "lines": _lines()}
    scores = create_scores(session, actor, given, now=company.begin)
    activate_scores(session, actor, scores.ref, now=company.begin)
    session.flush()
    while work_step(session, now=now):
        settle_scores(session, now=now)  # what the worker would do


def _lines() -> list[dict[str, Any]]:
    def line(name: str, points: int, field: str = "", op: str = "", value: Any = None, **more: Any) -> Any:
        criteria = {"field": field, "op": op} | ({"value": value} if value is not None else {})
        return {"name": name, "points": points, "criteria": criteria if field else None, **more}

    return [
        line("Size", 1, each={"field": "employees", "by": 20, "most": 25}),
        line("Says what they want", 10, "product_interest", "is_not_empty"),
        line("Can be called", 10, "phone", "is_not_empty"),
        line("Money is there", 10, "budget", "is_not_empty"),
        line("Said so themselves", 20, "interest_confirmed", "equals", True),
        line("New", 20, decay=NEW),
        line("In touch", 20, decay=LATELY),
        line("Wants no mail", -15, "opted_out_email", "equals", True),
    ]
