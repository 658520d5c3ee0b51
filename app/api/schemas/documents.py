"""Documents as the API takes and shows them."""

from typing import Literal

from pydantic import StrictStr

from app.api.schemas.common import Answer, Body, Id, Moment, Person, RecordRef, Text, YesNo, list_of

State = Literal["waiting", "clean", "refused"]


class DocumentChanges(Body):
    """Details to change; those left out stay.  `tags` replaces all of them."""

    name: StrictStr | None = None
    description: Text = None
    internal: YesNo = None
    tags: list[StrictStr] | None = None


class Document(Answer):
    """A file with its details.  `number` is that of its present version; `state` is what a scanner says of it."""

    id: Id
    version: str
    name: str
    description: str | None
    tags: list[str]
    internal: bool
    type: str
    content_type: str
    size_bytes: int
    sha256: str
    number: int
    state: State
    record: RecordRef | None
    created_by: Person | None
    created_at: Moment
    updated_at: Moment


class DocumentVersion(Answer):
    """A content that the document has or had."""

    number: int
    file_name: str
    type: str
    size_bytes: int
    sha256: str
    state: State
    restored_from: int | None
    created_by: Person | None
    created_at: Moment


class DocumentVersions(Answer):
    """All versions of a document, the newest first."""

    items: list[DocumentVersion]


DocumentList = list_of(Document)
