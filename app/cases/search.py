"""Cases in the search box: by number, subject, or the company they concern."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.cases.fields import status_name
from app.cases.filters import parse_case_query
from app.cases.queries import list_cases
from app.kernel.actor import Actor, Permission
from app.search.queries import Hit, Source, add_source


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


add_source(Source("case", "case", Permission.CASE_VIEW, _find_cases))
