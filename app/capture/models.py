"""Forms on other sites that capture leads, and what was posted to them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base
from app.kernel.records import Named, Stamped


class LeadForm(Named, Stamped, Base):
    """A form for strangers.  key: its name in addresses; whoever sees the form knows it.

    fields: what is asked, in order: `{"name", "label", "help", "required"}`, label and help in the form's language,
    "" for Canal's own.  hidden: field → what every lead of the form holds in it; a source by its public name.
    thank_you_url: where people are sent afterwards; None for Canal's own page, with `thank_you_text`.
    frame_sites: the sites that may show the form in a frame, as `https://host`.
    """

    __tablename__ = "lead_form"

    key: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    language: Mapped[str] = mapped_column(String(5))
    heading: Mapped[str | None] = mapped_column(String(120))
    fields: Mapped[list[Any]] = mapped_column(default=list)
    hidden: Mapped[dict[str, Any]] = mapped_column(default=dict)
    thank_you_url: Mapped[str | None] = mapped_column(String(500))
    thank_you_text: Mapped[str | None]
    frame_sites: Mapped[list[Any]] = mapped_column(default=list)
    is_active: Mapped[bool] = mapped_column(default=True)
    deleted_at: Mapped[datetime | None]


class PostState(StrEnum):
    TAKEN = "taken"  # there is a lead of it
    TRAPPED = "trapped"  # it waits until somebody has looked at it


class Cause(StrEnum):
    """Why a post was trapped."""

    TRAP = "trap"  # the field that nobody sees was filled in
    TOO_FAST = "too_fast"
    FORGED = "forged"  # the mark of when the page was made is not ours


class LeadFormPost(Named, Base):
    """A post, known by its digest (form, whether trapped, content): so that the same within an hour is one.

    at: when it was last taken anew.  times: how often it came.  values: field → what was typed, of trapped ones.
    """

    __tablename__ = "lead_form_post"
    __table_args__ = (
        Index("ix_lead_form_post_at", "at", "id"),
        Index("ix_lead_form_post_state", "state", "id"),
        Index("ix_lead_form_post_form", "form_id", "state", "id"),
    )

    form_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("lead_form.id"))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    at: Mapped[datetime]
    state: Mapped[PostState]
    cause: Mapped[Cause | None]
    times: Mapped[int] = mapped_column(default=1)
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
