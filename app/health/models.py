"""Signs of life."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base


class WorkerSign(Base):
    """When a worker last showed that it is at work.  One row, whichever worker wrote it."""

    __tablename__ = "worker_sign"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]


class Upkeep(Base):
    """When something was last done that keeps the installation well, and how it ended.

    name: see `app.health.upkeep`.  note: what came of it, in a few words of the command that did it.
    """

    __tablename__ = "upkeep"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime]
    is_well: Mapped[bool]
    note: Mapped[str] = mapped_column(String(200))
