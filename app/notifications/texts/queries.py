"""Reading mail texts: which are the organisation's own, their versions, what uses a template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.identity.organisation import LANGUAGES
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import NotFound
from app.kernel.paging import PAGE_SIZE, Page
from app.leads.asking import leads_where
from app.leads.models import Lead
from app.leads.queries import list_leads
from app.notifications.models import MailTemplate, MailText
from app.notifications.queries import newest_first
from app.notifications.texts.kinds import ASSIGNMENT, OWN_WORDS, placeholders
from app.notifications.texts.language import find_faults
from app.routing.models import RuleEntry, RuleSet, RuleState

LEADS_OFFERED = 20


@dataclass(frozen=True, slots=True)
class TextState:
    """How a text stands in one language.  number: of its newest version, 0 for none.

    is_own: said instead of the built-in text.  faults: why it cannot be used, in words.
    """

    language: str
    number: int
    is_own: bool
    at: datetime | None = None
    by: str = ""
    faults: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class TextLine:
    """A template in all languages.  key: what its pages are addressed by, the kind or the public name."""

    key: str
    kind: str
    name: str
    states: Sequence[TextState]
    uses: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a text.  subject, body: None for the built-in text."""

    number: int
    subject: str | None
    body: str | None
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class TextPage:
    """A text in one language with its versions, the newest first."""

    key: str
    kind: str
    name: str
    language: str
    versions: Sequence[Version]

    @property
    def number(self) -> int:
        """Of the newest version, 0 for none: what an edit begins from."""
        return self.versions[0].number if self.versions else 0

    @property
    def own(self) -> Version | None:
        """The text that is said; None while it is the built-in one."""
        newest = self.versions[0] if self.versions else None
        return newest if newest is not None and newest.subject is not None else None


def list_texts(session: Session, actor: Actor) -> tuple[Sequence[TextLine], Sequence[TextLine]]:
    """What is said of each kind, and the templates that are chosen by name.  Raises NotAllowed."""
    actor.require(Permission.SETTING_MANAGE)
    templates = session.scalars(
        select(MailTemplate).where(MailTemplate.deleted_at.is_(None)).order_by(MailTemplate.key)
    ).all()
    states = _states(session)
    uses = uses_of_templates(session)
    by_kind = {template.kind: template for template in templates if not template.name}
    usual = [
        TextLine(kind, kind, "", _in_each(states.get(by_kind[kind].id, {}) if kind in by_kind else {}))
        for kind in OWN_WORDS
    ]
    named = [
        TextLine(t.ref, t.kind, t.name, _in_each(states.get(t.id, {})), uses.get(t.id, ()))
        for t in templates
        if t.name
    ]
    return usual, named


def _states(session: Session) -> dict[int, dict[str, TextState]]:
    """Template's key → language → how its newest version stands."""
    newest = (
        select(MailText.template_id, MailText.language, func.max(MailText.number).label("number"))
        .group_by(MailText.template_id, MailText.language)
        .subquery("newest")
    )
    rows = session.execute(
        select(MailText, MailTemplate.kind, User.name)
        .join(
            newest,
            (newest.c.template_id == MailText.template_id)
            & (newest.c.language == MailText.language)
            & (newest.c.number == MailText.number),
        )
        .join(MailTemplate, MailTemplate.id == MailText.template_id)
        .outerjoin(User, User.id == MailText.by_id)
    )
    found: dict[int, dict[str, TextState]] = {}
    for text, kind, by in rows:
        known = placeholders(kind)
        faults = find_faults(text.subject or "", known, in_subject=True) + find_faults(text.body or "", known)
        state = TextState(text.language, text.number, text.subject is not None, text.at, by or "", faults)
        found.setdefault(text.template_id, {})[text.language] = state
    return found


def _in_each(states: Mapping[str, TextState]) -> list[TextState]:
    return [states.get(language) or TextState(language, 0, is_own=False) for language in LANGUAGES]


def find_template(session: Session, key: str) -> MailTemplate | None:
    """The template of a kind, or with that public name; None when there is none (yet)."""
    column = MailTemplate.key if key in OWN_WORDS else MailTemplate.ref
    return session.scalar(select(MailTemplate).where(column == key, MailTemplate.deleted_at.is_(None)))


def get_text(session: Session, actor: Actor, key: str, language: str) -> TextPage:
    """A text with all its versions.  key: a kind, or a template's public name.  Raises NotAllowed, NotFound."""
    actor.require(Permission.SETTING_MANAGE)
    template = find_template(session, key)
    if language not in LANGUAGES or (template is None and key not in OWN_WORDS):
        raise NotFound("mail template", key)
    if template is None:
        return TextPage(key, key, "", language, ())
    rows = session.execute(
        select(MailText, User.name)
        .outerjoin(User, User.id == MailText.by_id)
        .where(MailText.template_id == template.id, MailText.language == language)
        .order_by(MailText.number.desc())
    )
    versions = [Version(t.number, t.subject, t.body, t.at, by or "") for t, by in rows]
    return TextPage(key, template.kind, template.name, language, versions)


def uses_of_templates(session: Session, template_id: int | None = None) -> dict[int, list[tuple[int, int]]]:
    """Template's key → version and position of the rules that choose it, in versions that are or may come into force."""
    statement = (
        select(RuleEntry.template_id, RuleSet.number, RuleEntry.position)
        .join(RuleSet, RuleSet.id == RuleEntry.rule_set_id)
        .where(RuleEntry.template_id.is_not(None), RuleSet.state != RuleState.RETIRED)
        .order_by(RuleSet.number, RuleEntry.position)
    )
    if template_id is not None:
        statement = statement.where(RuleEntry.template_id == template_id)
    found: dict[int, list[tuple[int, int]]] = {}
    for key, number, position in session.execute(statement):
        if key is not None:
            found.setdefault(key, []).append((number, position))
    return found


def template_choices(session: Session) -> dict[str, str]:
    """The templates that an entry of the rules can choose: public name → name, by name."""
    rows = session.execute(
        select(MailTemplate.ref, MailTemplate.name)
        .where(MailTemplate.kind == ASSIGNMENT, MailTemplate.deleted_at.is_(None))
        .order_by(MailTemplate.key)
    )
    return {ref: name for ref, name in rows}  # noqa: C416 - rows are no pairs to mypy


def list_templates(
    session: Session, actor: Actor, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[MailTemplate]:
    """The templates that an entry of the rules can choose, newest first.  Raises NotAllowed, BadCursor."""
    actor.require(Permission.ROUTING_MANAGE)
    statement = select(MailTemplate).where(MailTemplate.kind == ASSIGNMENT, MailTemplate.deleted_at.is_(None))
    found, page = newest_first(session, actor, ["mail-templates"], statement, MailTemplate.id, cursor, limit)
    return Page(found, page.older, page.newer)


def find_template_id(session: Session, ref: object) -> int | None:
    """The key of a template that an entry of the rules can choose; None when there is no such one."""
    if not isinstance(ref, str):
        return None
    return session.scalar(
        select(MailTemplate.id).where(
            MailTemplate.ref == ref, MailTemplate.kind == ASSIGNMENT, MailTemplate.deleted_at.is_(None)
        )
    )


def leads_to_try(session: Session, actor: Actor, chosen: str = "") -> list[tuple[str, str]]:
    """Public name and title of the newest leads that the actor reads; the chosen one, if it is none of them, first."""
    query = leads_where(level=Level.READ)
    rows = list_leads(session, actor, query, limit=LEADS_OFFERED).items
    found = [(row.ref, row.title) for row in rows]
    if chosen and chosen not in {ref for ref, _title in found}:
        wanted = leads_where(Lead.ref == chosen, level=Level.READ)
        found = [(row.ref, row.title) for row in list_leads(session, actor, wanted, limit=1).items] + found
    return found
