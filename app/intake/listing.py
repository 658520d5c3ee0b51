"""Imports whole, for integrators: what `queries.list_imports` names, with every figure."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.intake.models import Import


def imports_by_ref(session: Session, wanted: Sequence[str]) -> dict[str, Import]:
    """Public name → import, of those that `list_imports` has found the actor may see."""
    found = session.scalars(select(Import).where(Import.ref.in_(wanted)))
    return {import_.ref: import_ for import_ in found}
