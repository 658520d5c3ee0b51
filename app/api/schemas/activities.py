"""Activities as the API takes and shows them."""

from typing import Literal

from pydantic import StrictBool, StrictStr

from app.api.schemas.common import Answer, Body, Id, Moment, Person, RecordRef, Text, list_of

Kind = Literal["call", "task", "meeting", "email", "note"]


class NewActivity(Body):
    """Something done or planned; a task is planned and all else done unless `done` says otherwise."""

    kind: Kind
    subject: StrictStr
    text: Text = None
    at: Text = None
    due_at: Text = None
    done: StrictBool | None = None


class ActivityChanges(Body):
    """Fields to change; those left out stay."""

    kind: Kind | None = None
    subject: Text = None
    text: Text = None
    at: Text = None
    due_at: Text = None
    done: StrictBool | None = None


class Activity(Answer):
    """A call, task, meeting, e-mail or note on a record."""

    id: Id
    version: str
    kind: Kind
    subject: str
    text: str | None
    at: Moment
    due_at: Moment | None
    done: bool
    record: RecordRef
    created_by: Person | None
    created_at: Moment
    updated_at: Moment


ActivityList = list_of(Activity)
