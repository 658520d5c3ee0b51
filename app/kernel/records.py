"""What every record that people see has in common: a public name, who made and last changed it, a version."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from app.kernel.db import Key, Ref


class Named:
    """A key inside, an opaque public name outside (`kernel.refs`)."""

    id: Mapped[Key]
    ref: Mapped[Ref]


class Stamped:
    """Who created and last modified it, and when; `version` rises by one with each change."""

    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    @declared_attr
    def created_by_id(cls) -> Mapped[int | None]:  # noqa: N805 - SQLAlchemy's convention
        return mapped_column(BigInteger, ForeignKey("user.id"))

    @declared_attr
    def updated_by_id(cls) -> Mapped[int | None]:  # noqa: N805 - SQLAlchemy's convention
        return mapped_column(BigInteger, ForeignKey("user.id"))
