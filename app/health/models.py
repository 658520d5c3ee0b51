"""Signs of life."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base


class WorkerSign(Base):
    """When a worker last showed that it is at work.  One row, whichever worker wrote it."""

    __tablename__ = "worker_sign"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
