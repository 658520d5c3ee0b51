"""Imports for tests: a file's text in, the ended import out, by the same code as page, API and command."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.identity.models import User
from app.intake.models import Import
from app.intake.plans import COMMAND
from app.intake.run import run_one
from app.intake.uploads import Wishes, submit_file
from app.kernel import clock, refs
from app.kernel.db import set_reading
from app.leads.models import Lead
from app.routing.models import RuleEntry, RuleSet, RuleState
from tests.factories import actor_of, rows


def as_csv(records: Iterable[Mapping[str, Any]]) -> str:
    """Records as CSV, with the headers of the first."""
    records = list(records)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue()


def submit(session: Session, content: str | bytes, by: User | None = None, **wishes: Any) -> Import:
    """An import of that content that waits, or has ended at once.  by: whose it is; the command's if nobody's."""
    actor = actor_of(session, by) if by else COMMAND
    session.commit()
    data = content.encode() if isinstance(content, str) else content
    return submit_file(actor, io.BytesIO(data), "leads.csv", Wishes(**wishes), now=clock.now())


def take(session: Session, content: str | bytes, by: User | None = None, **wishes: Any) -> Import:
    """The import of that content, run to its end."""
    import_id = submit(session, content, by, **wishes).id
    run_one(import_id)
    set_reading(False)
    return session.get_one(Import, import_id, populate_existing=True)


def leads_by_name(session: Session) -> dict[str, Lead]:
    """Every lead by its last name, else its company."""
    return {str(lead.last_name or lead.company): lead for lead in rows(session, Lead)}


def activate_rules(session: Session, *entries: dict[str, Any]) -> RuleSet:
    """An active rule set with these entries: columns of RuleEntry."""
    now = clock.now()
    rule_set = RuleSet(
        ref=refs.new_ref(refs.RULE), name="Rules", number=1, state=RuleState.ACTIVE, activated_at=now,
        created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(rule_set)
    session.flush()
    for position, values in enumerate(entries, start=1):
        entry = {"criteria": {}, "name": "", "notify": True, **values}
        session.add(
            RuleEntry(ref=refs.new_ref(refs.RULE), rule_set_id=rule_set.id, position=position, **entry)
        )
    session.flush()
    return rule_set
