"""Saved views, what a person chose for their lists, tags, recently viewed records, and long jobs over lists."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Key
from app.kernel.records import Named, Stamped


class Audience(StrEnum):
    """Who has a view besides its owner."""

    PRIVATE = "private"
    GROUP = "group"
    EVERYONE = "everyone"


class SavedView(Named, Stamped, Base):
    """A list under a name: filters, columns and order.

    query: the parameters of the list's address, name → values, as they were; what a parameter means is
    decided when the view is opened.  columns: names of fields, empty for the object's own.
    """

    __tablename__ = "saved_view"
    __table_args__ = (
        CheckConstraint("(audience = 'group') = (principal_id IS NOT NULL)", name="group"),
        Index("ix_saved_view_owner", "owner_user_id", "object"),
        Index("ix_saved_view_audience", "object", "audience"),
    )

    object: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(120))
    owner_user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    audience: Mapped[Audience] = mapped_column(default=Audience.PRIVATE)
    principal_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("principal.id"))
    query: Mapped[dict[str, Any]] = mapped_column(default=dict)
    columns: Mapped[list[Any]] = mapped_column(default=list)


class ListChoice(Base):
    """What a person chose for the lists of an object.

    columns: names of fields, empty for the object's own.  start_view: public name of a saved view, the name
    of a built-in one, or "" for the plain list.
    """

    __tablename__ = "list_choice"

    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"), primary_key=True)
    object: Mapped[str] = mapped_column(String(20), primary_key=True)
    columns: Mapped[list[Any]] = mapped_column(default=list)
    start_view: Mapped[str] = mapped_column(String(40), default="")


class Tag(Named, Base):
    """A word that people put on records of any object."""

    __tablename__ = "tag"

    name: Mapped[str] = mapped_column(String(60))
    name_fold: Mapped[str] = mapped_column(String(60), unique=True)
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))


class RecordTag(Base):
    """A tag on a record.  kind: the record's table."""

    __tablename__ = "record_tag"
    __table_args__ = (Index("ix_record_tag_tag", "tag_id", "kind", "record_id"),)

    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    record_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    tag_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("tag.id"), primary_key=True)
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))


class RecentRecord(Base):
    """A record that a person opened or made lately.  kind: the record's table."""

    __tablename__ = "recent_record"
    __table_args__ = (Index("ix_recent_record_at", "user_id", "kind", "at"),)

    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    record_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]


class JobKind(StrEnum):
    EXPORT = "export"
    CHANGE = "change"
    MERGE = "merge"


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ListJob(Named, Base):
    """Something done with many records, by the worker: a file of a list, a change of each, a merge of much.

    query: the parameters of the list's address; they are evaluated anew as the worker goes on.
    task: of an export its format and fields, of a change what is changed, of a merge which records.  reached: where the next batch
    begins.  done, changed and a batch's changes are committed together.
    changed, same, refused: records that a change touched (`went_along` of them of another kind), that were as they
    should be already, and that stay as they are.  undo_until, undone_at: until when whoever made it may take it back, and when they did.
    """

    __tablename__ = "list_job"
    __table_args__ = (
        Index("ix_list_job_state", "state", "id"),
        Index("ix_list_job_user", "user_id", "id"),
        Index("ix_list_job_expires", "expires_at"),
    )

    kind: Mapped[JobKind]
    object: Mapped[str] = mapped_column(String(20))
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    door: Mapped[str] = mapped_column(String(20), default="web")
    query: Mapped[dict[str, Any]] = mapped_column(default=dict)
    task: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[JobState] = mapped_column(default=JobState.WAITING)
    rows: Mapped[int | None]
    done: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    same: Mapped[int] = mapped_column(default=0)
    reached: Mapped[dict[str, Any]] = mapped_column(default=dict)
    path: Mapped[str] = mapped_column(String(200), default="")
    detail: Mapped[str | None]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    undo_until: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
    lease: Mapped[str | None] = mapped_column(String(40))
    leased_until: Mapped[datetime | None]

    @property
    def went_along(self) -> int:
        """How many of those changed are none of the records asked for, but went along with one."""
        return int(self.task.get("went_along", 0))


class JobRefusal(Base):
    """A record that a change left as it was, and why, in the words of whoever asked for it."""

    __tablename__ = "list_job_refusal"
    __table_args__ = (Index("ix_list_job_refusal_job", "job_id", "id"),)

    id: Mapped[Key]
    job_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("list_job.id"))
    kind: Mapped[str] = mapped_column(String(20))
    record_ref: Mapped[str] = mapped_column(String(40))
    record_name: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str]


class JobChange(Base):
    """A record that a change of many touched, and how it was before; kept while that can be taken back.

    name: what it was called then.  before: the owner's public name, the field and its value, or the tag.
    version: the record's after the change; None where the change is none of its fields (a tag).
    """

    __tablename__ = "list_job_change"
    __table_args__ = (Index("ix_list_job_change_job", "job_id", "id"),)

    id: Mapped[Key]
    job_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("list_job.id"))
    kind: Mapped[str] = mapped_column(String(20))
    record_id: Mapped[int] = mapped_column(BigInteger)
    record_ref: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(255))
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[int | None]
