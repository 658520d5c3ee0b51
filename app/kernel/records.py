"""What every record that people see has in common: a public name, who made and last changed it, a version."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from app.kernel.actor import Actor
from app.kernel.db import Key, Ref
from app.kernel.indexes import partial_index

# How long a deleted record can be restored; then it is removed for good.
RESTORABLE = timedelta(days=30)


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

    def stamp(self, actor: Actor, now: datetime) -> None:
        """Note that it was changed, and by whom."""
        self.version += 1
        self.updated_at, self.updated_by_id = now, actor.user_id


class Cared:
    """What care of data leaves on a record.

    merged_into_id: the record of the same table that it became part of; it is deleted then, and stays so.
    merging: public name of the job that is making it one with others; nobody changes it until that is done.
    left_out: kept out of lists, reports and campaigns unless they are asked for.  ready: for a new product.
    """

    left_out_at: Mapped[datetime | None]
    ready_at: Mapped[datetime | None]
    merging: Mapped[str | None] = mapped_column(String(40))

    @declared_attr
    def merged_into_id(cls) -> Mapped[int | None]:  # noqa: N805 - SQLAlchemy's convention
        return mapped_column(BigInteger, ForeignKey(f"{cls.__tablename__}.id"))  # type: ignore[attr-defined]

    @declared_attr
    def left_out_by_id(cls) -> Mapped[int | None]:  # noqa: N805 - SQLAlchemy's convention
        return mapped_column(BigInteger, ForeignKey("user.id"))

    @declared_attr
    def ready_by_id(cls) -> Mapped[int | None]:  # noqa: N805 - SQLAlchemy's convention
        return mapped_column(BigInteger, ForeignKey("user.id"))


# So many fields of an object that an administrator adds can be filtered and sorted by from an index.
SLOTS = (1, 2, 3, 4, 5)


class Extended:
    """What an administrator's own fields hold (`app.fields`): name → value, none for an empty one.

    custom_1 … custom_5: the values of those that are marked as indexed, as text that sorts as they do; "" where
    the record has none, NULL in all records while no field has the column.
    """

    custom: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    custom_1: Mapped[str | None] = mapped_column(String(255))
    custom_2: Mapped[str | None] = mapped_column(String(255))
    custom_3: Mapped[str | None] = mapped_column(String(255))
    custom_4: Mapped[str | None] = mapped_column(String(255))
    custom_5: Mapped[str | None] = mapped_column(String(255))


def slot_indexes(table: str, order: str) -> list[Index]:
    """Two for each column of `Extended`: to sort by it, and to list what has one value in the usual order.

    They hold nothing, and so cost nothing, while no field has the column.
    """
    return [
        partial_index(name, column, *more, "id", where=f"{column} IS NOT NULL")
        for column in (f"custom_{slot}" for slot in SLOTS)
        for name, more in ((f"ix_{table}_{column}", ()), (f"ix_{table}_{column}_list", (order,)))
    ]
