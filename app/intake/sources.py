"""The sources that rows name: found by name, added where the importing person may."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.fold import fold
from app.leads.models import LeadSource


class Sources:
    """Known sources by folded name.  Read once an import; what a batch adds counts once it is committed."""

    def __init__(self, session: Session) -> None:
        self._ids: dict[str, int] = {}
        self._retired: set[str] = set()
        for name, key, is_active in session.execute(
            select(LeadSource.name_fold, LeadSource.id, LeadSource.is_active)
        ):
            if is_active:
                self._ids[name] = key
            else:
                self._retired.add(name)

    def resolve(
        self, session: Session, actor: Actor, names: Sequence[str]
    ) -> tuple[list[int | None], dict[str, int]]:
        """Ids of the sources named, in order, and those that were added for it (folded name → id).

        None for one that is retired, or not known and not the actor's to add.  Does not commit.
        """
        folded = [fold(name, 80) for name in names]
        unknown: dict[str, str] = {}
        for key, name in zip(folded, names, strict=True):
            if key not in self._ids and key not in self._retired:
                unknown.setdefault(key, name)
        added = self._add(session, unknown) if unknown and actor.can(Permission.SOURCE_MANAGE) else {}
        return [self._ids.get(key) or added.get(key) for key in folded], added

    def _add(self, session: Session, names: dict[str, str]) -> dict[str, int]:
        """Add the sources; one that somebody else has added meanwhile is taken as it is."""
        there: dict[str, int] = dict(
            session.execute(
                select(LeadSource.name_fold, LeadSource.id).where(LeadSource.name_fold.in_(names))
            ).all()
        )
        last = session.scalar(select(func.max(LeadSource.position))) or 0
        new = [
            LeadSource(ref=refs.new_ref(refs.ITEM), name=name, name_fold=key, position=last + place)
            for place, (key, name) in enumerate(names.items(), start=1)
            if key not in there
        ]
        session.add_all(new)
        session.flush()  # their ids are wanted by the leads
        return {**there, **{source.name_fold: source.id for source in new}}

    def keep(self, added: dict[str, int]) -> None:
        """Remember sources whose batch has been committed."""
        self._ids.update(added)

    def left_out(self, name: str) -> Any:
        """Why a row goes without its source, in words."""
        if fold(name, 80) in self._retired:
            return _l("The source “%(name)s” is not used any more: left empty.", name=name)
        return _l("The source “%(name)s” is not known: left empty.", name=name)
