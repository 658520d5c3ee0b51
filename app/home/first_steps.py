"""What a new partner user does first, true to how things stand for them now."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.identity.models import User, UserSession, UserState
from app.inbox.queries import SHOWN, InboxState, inbox_state
from app.kernel import labels
from app.kernel.actor import Actor, Permission, Role
from app.partners.inviting import may_invite_to
from app.web.filters import number


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.  act: what the link at its end says, "" for none.  is_done: it has been."""

    icon: str
    title: str
    text: str
    url: str = ""
    act: str = ""
    is_done: bool = False


def is_first_visit(session: Session, actor: Actor) -> bool:
    """Whether this browser's session is the person's first on the web."""
    begun = select(UserSession.id).join(User, User.id == UserSession.user_id)
    return (
        session.scalar(
            begun.where(
                UserSession.id == actor.session_id,
                User.id == actor.user_id,
                UserSession.created_at == User.first_web_sign_in_at,
            )
        )
        is not None
    )


def first_steps(session: Session, actor: Actor) -> Sequence[Step]:
    """The steps in order.  Four statements at most."""
    state = inbox_state(session, actor)
    steps = [_inbox(actor, state), _claim(actor, state), _log(session, actor, state), _profile()]
    if actor.can(Permission.TEAM_VIEW):
        steps.append(_team(session, actor))
    return steps


def _count(value: int) -> str:
    return f"{number(SHOWN)}+" if value > SHOWN else number(value)


def _inbox(actor: Actor, state: InboxState) -> Step:
    leads, url = labels.many("lead"), url_for("inbox.index")
    title = _("See what waits for you")
    if state.offered:
        text = ngettext(
            "%(count)s is offered to you: accept or decline it before its time is over.",
            "%(count)s are offered to you: accept or decline each before its time is over.",
            state.offered,
            count=_count(state.offered),
        )
        return Step("inbox", title, text, f"{url}?box=offered", _("Answer"))
    if state.available:
        text = ngettext(
            "%(count)s waits in your queues. Until somebody claims it you see a preview.",
            "%(count)s wait in your queues. Until somebody claims one you see a preview.",
            state.available,
            count=_count(state.available),
        )
        return Step("inbox", title, text, url, _("Open the inbox"))
    if actor.queue_ids:
        text = _("Nothing waits right now. New %(leads)s show in the inbox and at the bell.", leads=leads)
    else:
        text = _("Nothing waits right now. You are in no queue: what is for you is given or offered to you.")
    return Step("inbox", title, text, url, _("Open the inbox"))


def _claim(actor: Actor, state: InboxState) -> Step:
    lead, url = labels.one("lead"), url_for("inbox.index")
    title = _("Take your first %(lead)s", lead=lead)
    if state.mine:
        text = ngettext(
            "%(count)s is yours: you see all of it.",
            "%(count)s are yours: you see all of them.",
            state.mine,
            count=_count(state.mine),
        )
        if actor.rank < Role.EXECUTIVE.rank:
            text += " " + _("So do those above you in your company.")
        return Step("check", title, text, f"{url}?box=mine", _("Show mine"), is_done=True)
    if state.is_full:
        return Step("target", title, _("Not now: as many are open as may be held."))
    if state.available:
        text = _("Claim one and it is yours alone: name, phone and everything else show at once.")
        return Step("target", title, text, url, _("Choose one"))
    if actor.queue_ids:
        return Step(
            "target", title, _("As soon as one waits, claim it in the inbox: whoever is first has it.")
        )
    return Step("target", title, _("As soon as one is offered to you, accept it in the inbox."))


def _log(session: Session, actor: Actor, state: InboxState) -> Step:
    title = _("Call, and log the call")
    logged = session.scalar(select(exists().where(Activity.created_by_id == actor.user_id)))
    if logged:
        text = _("You have done that. What you log shows your company and the vendor how far it is.")
        return Step("check", title, text, is_done=True)
    text = _("On its page: who you spoke to and what comes next. Two lines are enough.")
    if state.mine:
        return Step("phone", title, text, url_for("inbox.index", box="mine"), _("Show mine"))
    return Step("phone", title, text)


def _profile() -> Step:
    text = _("Language and time zone, which mails you get, and until when you are away.")
    return Step("settings", _("Make it yours"), text, url_for("profile.show"), _("Open your profile"))


def _team(session: Session, actor: Actor) -> Step:
    title, url = _("Meet your team"), url_for("partners.team")
    others = session.scalar(
        select(func.count()).where(
            User.partner_account_id == actor.company_id,
            User.state != UserState.DEACTIVATED,
            User.id != actor.user_id,
        )
    )
    if others:
        text = ngettext(
            "%(num)s colleague is here. You see the leads of those whose role is below yours.",
            "%(num)s colleagues are here. You see the leads of those whose role is below yours.",
            others,
        )
        return Step("users", title, text, url, _("Open my team"))
    if may_invite_to(session, actor):
        return Step(
            "users",
            title,
            _("You are the first. Invite who works with you."),
            url_for("partners.invite"),
            _("Invite"),
        )
    return Step("users", title, _("You are the first of your company here."), url, _("Open my team"))
