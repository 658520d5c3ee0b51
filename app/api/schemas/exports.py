"""Exports as the API takes and shows them."""

from typing import Any, Literal

from pydantic import Field, StrictStr

from app.api.schemas.common import Answer, Body, Id, Moment


class NewExport(Body):
    """A list as a file."""

    object: StrictStr = Field(description="lead, account or contact.")
    format: Literal["csv", "xlsx"] = "csv"
    filter: dict[str, Any] | StrictStr | None = Field(
        default=None,
        description="Filters by name as the object's list takes them, or criteria: all, any, not, or field, op, value; or these as `filter=` of a list has them.",
    )


class Export(Answer):
    """A list being written to a file."""

    id: Id
    object: str
    format: Literal["csv", "xlsx"]
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    rows: int
    url: str | None = Field(description="Where the file is, once it is done and while it is kept.")
    detail: str | None = Field(description="Why it failed.")
    created_at: Moment
    finished_at: Moment | None
    expires_at: Moment | None
