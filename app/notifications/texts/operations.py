"""Keeping mail texts: each change is a new version, and none is ever rewritten."""

from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.events.operations import record
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.errors import InUse, Invalid, NotFound, Stale
from app.kernel.fold import fold
from app.kernel.text import clean_text
from app.notifications.models import MailTemplate, MailText, Notification, NotificationKind
from app.notifications.operations import notify
from app.notifications.texts.kinds import ASSIGNMENT, OWN_WORDS, placeholders
from app.notifications.texts.language import clean_texts
from app.notifications.texts.preview import text_to_begin_from
from app.notifications.texts.queries import TextPage, find_template, get_text, uses_of_templates
from app.notifications.texts.trying import READERS, Trial

LONGEST_NAME = 120


def save_text(
    session: Session, actor: Actor, key: str, language: str, *, subject: object, body: object, number: int,
    now: datetime,
) -> int:  # fmt: skip
    """Say it in one's own words from now on; the number of the version.

    key: a kind, or a template's public name.  number: of the version that the edit began from.
    Writes an event; does not commit.  Raises NotAllowed, NotFound, Invalid with each fault's line, Stale.
    """
    page = get_text(session, actor, key, language)
    texts = clean_texts(subject, body, placeholders(page.kind))
    own = page.own
    said = text_to_begin_from(session, page.kind, language) if own is None else (own.subject, own.body)
    if said == texts and number == page.number:
        return page.number
    return _write(session, actor, page, number, texts, now)


def use_builtin(
    session: Session, actor: Actor, key: str, language: str, *, number: int, now: datetime
) -> int:
    """Go back to the built-in text; the versions stay.  Raises NotAllowed, NotFound, Stale."""
    page = get_text(session, actor, key, language)
    if page.own is None:
        return page.number
    return _write(session, actor, page, number, None, now)


def restore_text(
    session: Session, actor: Actor, key: str, language: str, *, wanted: int, number: int, now: datetime
) -> int:
    """Say what an older version said, as a new version.

    Raises NotAllowed, NotFound, Invalid (it names a placeholder that is gone), Stale.
    """
    page = get_text(session, actor, key, language)
    version = next((version for version in page.versions if version.number == wanted), None)
    if version is None:
        raise NotFound("version", wanted)
    texts = None
    if version.subject is not None:
        texts = clean_texts(version.subject, version.body, placeholders(page.kind))
    return _write(session, actor, page, number, texts, now)


def create_template(session: Session, actor: Actor, *, name: object, now: datetime) -> MailTemplate:
    """A template that entries of the assignment rules can choose; it says what is built in until it is written.

    Writes an event; does not commit.  Raises NotAllowed, Invalid.
    """
    actor.require(Permission.SETTING_MANAGE)
    text = clean_text(name, max_length=LONGEST_NAME, field="name")
    if text is None:
        raise Invalid({"name": [_l("Give it a name.")]})
    template = _add(session, actor, ASSIGNMENT, text, f"name:{fold(text, LONGEST_NAME)}", now)
    if template is None:
        raise Invalid({"name": [_l("Another one is called “%(name)s”.", name=text)]})
    record(session, actor, verb="created", subject=template, at=now, detail={"name": text})
    return template


def delete_template(session: Session, actor: Actor, ref: str, *, now: datetime) -> None:
    """Take a template away.  Mails that were written with it and not sent yet still say it.

    Writes an event; does not commit.  Raises NotAllowed, NotFound, InUse with the rules that choose it.
    """
    actor.require(Permission.SETTING_MANAGE)
    template = find_template(session, ref)
    if template is None or template.kind != ASSIGNMENT:
        raise NotFound("mail template", ref)
    uses = uses_of_templates(session, template.id).get(template.id)
    if uses:
        rules = ", ".join(_("version %(number)s, rule %(position)s", number=n, position=p) for n, p in uses)
        raise InUse(
            _l("Assignment rules choose “%(name)s”: %(rules)s. Choose otherwise there first.",
               name=template.name, rules=rules)
        )  # fmt: skip
    template.deleted_at, template.key = now, template.ref
    _touch(template, actor, now)
    record(session, actor, verb="deleted", subject=template, at=now, detail={"name": template.name})


def send_trial(session: Session, actor: Actor, trial: Trial, *, now: datetime) -> Notification:
    """Mail the text as typed to the actor alone.  Does not commit.  Raises NotAllowed, NotFound, Invalid."""
    actor.require(Permission.SETTING_MANAGE)
    if trial.reader not in READERS.get(trial.of, ()):
        raise NotFound("mail template", trial.of)
    clean_texts(trial.subject, trial.body, placeholders(trial.of))
    return notify(
        session,
        act=f"trial:{refs.new_ref(refs.ITEM)}",
        user=session.get_one(User, actor.user_id),
        kind=NotificationKind.MAIL_TEST,
        now=now,
        detail=trial.to_detail(),
    )


def _write(
    session: Session, actor: Actor, page: TextPage, number: int, texts: tuple[str, str] | None, now: datetime
) -> int:
    """The next version.  Raises Stale when another was written since."""
    if number != page.number:
        raise _stale(page)
    template = find_template(session, page.key)
    if template is None:
        template = _add(session, actor, page.kind, "", page.kind, now)
    if template is None:
        raise _stale(page)
    subject, body = texts if texts is not None else (None, None)
    text = MailText(
        template_id=template.id, language=page.language, number=page.number + 1, subject=subject, body=body,
        at=now, by_id=actor.user_id,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(text)
    except IntegrityError as error:  # two saved at this very moment
        raise _stale(page) from error
    _touch(template, actor, now)
    before = page.own
    changes = {
        "subject": (before.subject if before else None, subject),
        "body": (before.body if before else None, body),
    }
    detail = {"language": page.language, "number": text.number}
    record(session, actor, verb="edited", subject=template, at=now, changes=changes, detail=detail)
    return text.number


def _add(
    session: Session, actor: Actor, kind: str, name: str, key: str, now: datetime
) -> MailTemplate | None:
    """A template; None when there is one with that key."""
    if name == "" and kind not in OWN_WORDS:
        raise ValueError("only kinds of mail that may be said otherwise have a template")
    template = MailTemplate(
        ref=refs.new_ref(refs.MAIL_TEMPLATE), kind=kind, name=name, key=key, created_at=now, updated_at=now,
        created_by_id=actor.user_id, updated_by_id=actor.user_id,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(template)
    except IntegrityError:
        return None
    return template


def _touch(template: MailTemplate, actor: Actor, now: datetime) -> None:
    template.stamp(actor, now)


def _stale(page: TextPage) -> Stale:
    return Stale(
        _l("Somebody saved another version while you were writing. Look at it below before you save yours."),
        current={"number": page.number},
    )
