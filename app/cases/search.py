"""Cases in the search box: by number, subject, or the company they concern."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases.fields import status_name
from app.cases.filters import parse_case_query
from app.cases.models import Case
from app.cases.queries import list_cases
from app.kernel.actor import Actor, Level, Permission
from app.search.queries import Hit, Source, add_source
from app.search.recent import add_recent
from app.sharing.scope import scope


def _find_cases(session: Session, actor: Actor, text: str, limit: int) -> Sequence[Hit]:
    query = parse_case_query(session, actor, {"q": [text]})
    page = list_cases(session, actor, query, limit=limit - 1)
    hits = [
        Hit(
            "case",
            row.case.ref,
            row.case.subject,
            " · ".join([row.case.number, row.account.name] if row.account else [row.case.number]),
            status=status_name(row.status),
            state="working" if row.case.is_open else "converted",
            key=row.case.id,
        )
        for row in page.items
    ]
    return [*hits, hits[-1]] if page.older else hits


def _recent_cases(session: Session, actor: Actor, ids: Sequence[int]) -> list[Hit]:
    rows = session.scalars(select(Case).where(scope(Case, actor, Level.READ), Case.id.in_(ids)))
    return [Hit("case", case.ref, case.subject, case.number, key=case.id) for case in rows]


add_recent("case", _recent_cases)
add_source(Source("case", "case", Permission.CASE_VIEW, _find_cases))
