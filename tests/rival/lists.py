"""What the vendor's people keep around their lists, with a mark in every text of it."""

from sqlalchemy.orm import Session

from app.kernel import refs
from app.lists.models import (
    Audience,
    JobChange,
    JobKind,
    JobRefusal,
    JobState,
    ListChoice,
    ListJob,
    RecentRecord,
    RecordTag,
    SavedView,
    Tag,
)
from tests.rival.worlds import STRANGER, World


def keep_lists(session: Session, world: World) -> None:
    """A view for everyone, a tag on Northwind, what Nora opened, her export and her change of many."""
    nora, account_id, now = world.people["nora"], world.northwind.account_id, world.now
    view = SavedView(
        ref=refs.new_ref(refs.SAVED_VIEW), object="account", name=STRANGER, owner_user_id=nora.id, audience=Audience.EVERYONE,
        query={"industry": [STRANGER]}, columns=[STRANGER], created_at=now, updated_at=now, version=1,
    )  # fmt: skip
    tag = Tag(ref=refs.new_ref(refs.TAG), name=STRANGER, name_fold=STRANGER.lower(), created_at=now)
    done = {
        "user_id": nora.id,
        "object": "account",
        "created_at": now,
        "finished_at": now,
        "state": JobState.DONE,
        "query": {"industry": [STRANGER]},
    }
    jobs = [
        ListJob(ref=refs.new_ref(refs.EXPORT), kind=JobKind.EXPORT, path=STRANGER, detail=STRANGER, task={"format": "csv"}, rows=1, **done),
        ListJob(ref=refs.new_ref(refs.CHANGE), kind=JobKind.CHANGE, path=STRANGER, detail=STRANGER, task={"act": "tag", "tag": STRANGER}, **done),
    ]  # fmt: skip
    session.add_all(
        [
            view,
            tag,
            *jobs,
            ListChoice(user_id=nora.id, object="account", columns=[STRANGER], start_view=STRANGER),
        ]
    )
    session.flush()
    session.add_all(
        [
            RecordTag(kind="account", record_id=account_id, tag_id=tag.id, created_at=now),
            RecentRecord(user_id=nora.id, kind="account", record_id=account_id, at=now),
            JobChange(job_id=jobs[1].id, kind="account", record_id=account_id, record_ref="acct_" + "0" * 22, name=STRANGER, before={"tag": STRANGER}),
            JobRefusal(job_id=jobs[1].id, kind="account", record_ref="acct_" + "0" * 22, record_name=STRANGER, reason=STRANGER),
        ]
    )  # fmt: skip
    for record, kind in ((view, "view"), (tag, "tag"), (jobs[0], "exp"), (jobs[1], "chg")):
        world.stranger[kind].append(record.ref)
