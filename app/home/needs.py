"""What needs somebody today, in words: each number with the list it counts; and the next step of the set-up."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import current_app, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from app.home.figures import AGEING_DAYS, LAPSING_HOURS, Figures
from app.home.queries import STALE_DAYS, Needs
from app.identity.models import UNNAMED, Organisation
from app.kernel import labels
from app.kernel.actor import Actor, Permission
from app.kernel.paging import COUNT_CAP
from app.web.filters import number
from app.web.tags import time_tag


@dataclass(frozen=True, slots=True)
class Need:
    """One line: what, why, where.  note: may be markup.  act: what the button at its end says."""

    icon: str
    tone: str
    what: str
    note: str
    url: str
    act: str


@dataclass(frozen=True, slots=True)
class SetupStep:
    """What comes next before partners can work.  url: "" when an administrator has to do it."""

    title: str
    text: str
    url: str
    act: str
    done: int


def todo(actor: Actor, organisation: Organisation, needs: Needs, figures: Figures | None) -> Sequence[Need]:
    """What needs somebody, the most pressing first; nothing for a count of zero."""
    lines = [
        (needs.alerts, _alerts(needs)),
        *([(figures.lapsing.number, _lapsing(figures))] if figures else []),
        (needs.waiting, _waiting(needs)),
        *([(figures.ageing.number, _ageing(figures))] if figures else []),
        (needs.left_behind, _left_behind(needs)),
        *([(figures.untouched.number, _untouched(figures))] if figures else []),
        (needs.stale, _stale(needs)),
        (needs.refusals, _refusals(needs)),
        (needs.failed_mail, _failed_mail(needs)),
        (needs.imports, _imports(needs)),
        (needs.invited, _invited(needs)),
        (organisation.name == UNNAMED and actor.can(Permission.SETTING_MANAGE), _unnamed()),
    ]
    return [line for count, line in lines if count and line.url]


def _many(count: int) -> str:
    return f"{number(COUNT_CAP)}+" if count > COUNT_CAP else number(count)


def _url(endpoint: str, **values: str) -> str:
    """The page, if this installation has it."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else ""  # type: ignore[arg-type]  # plain text


def _waiting(needs: Needs) -> Need:
    leads = labels.many("lead") if needs.waiting > 1 else labels.one("lead")
    what = ngettext(
        "%(count)s %(leads)s waits in %(queue)s",
        "%(count)s %(leads)s wait in %(queue)s",
        needs.waiting,
        count=_many(needs.waiting),
        leads=leads,
        queue=needs.default_queue,
    )
    note = Markup("{} {}").format(_("The oldest for"), time_tag(needs.oldest_waiting, "age"))
    url = url_for("leads.index", owner=needs.default_queue_ref, sort="waiting_since", count="all")
    return Need("inbox", "amber", what, note, url, _("Assign"))


def _lapsing(figures: Figures) -> Need:
    count = figures.lapsing.number
    what = ngettext(
        "%(count)s offer ends within %(hours)s hours",
        "%(count)s offers end within %(hours)s hours",
        count,
        count=_many(count),
        hours=LAPSING_HOURS,
    )
    note = _("Not accepted by then, they go on to somebody else.")
    return Need("clock", "amber", what, note, figures.lapsing.url, _("See them"))


def _ageing(figures: Figures) -> Need:
    count = figures.ageing.number
    what = ngettext(
        "%(count)s %(leads)s unclaimed for %(days)s days or longer",
        "%(count)s %(leads)s unclaimed for %(days)s days or longer",
        count,
        count=number(count),
        leads=labels.many("lead") if count > 1 else labels.one("lead"),
        days=AGEING_DAYS,
    )
    note = _("In any queue, or offered and not accepted.")
    return Need("hourglass", "amber", what, note, figures.ageing.url, _("See them"))


def _untouched(figures: Figures) -> Need:
    count = figures.untouched.number
    what = ngettext(
        "%(count)s %(leads)s taken and not yet touched",
        "%(count)s %(leads)s taken and not yet touched",
        count,
        count=_many(count),
        leads=labels.many("lead") if count > 1 else labels.one("lead"),
    )
    note = _("Somebody has them and has done nothing on them so far.")
    return Need("phone", "grey", what, note, figures.untouched.url, _("See them"))


def _left_behind(needs: Needs) -> Need:
    leads = labels.many("lead") if needs.left_behind > 1 else labels.one("lead")
    what = ngettext(
        "%(count)s open %(leads)s needs an owner",
        "%(count)s open %(leads)s need an owner",
        needs.left_behind,
        count=_many(needs.left_behind),
        leads=leads,
    )
    return Need(
        "user-x",
        "red",
        what,
        _("Whoever has them has left."),
        url_for("leads.index", needs_owner="true", count="all"),
        _("Assign"),
    )


def _stale(needs: Needs) -> Need:
    leads = labels.many("lead") if needs.stale > 1 else labels.one("lead")
    what = ngettext(
        "%(count)s open %(leads)s untouched for %(days)s days",
        "%(count)s open %(leads)s untouched for %(days)s days",
        needs.stale,
        count=_many(needs.stale),
        leads=leads,
        days=STALE_DAYS,
    )
    note = _("Somebody has them and does nothing.")
    return Need(
        "hourglass",
        "amber",
        what,
        note,
        url_for("leads.index", stale_days=STALE_DAYS, count="all"),
        _("See them"),
    )


def _refusals(needs: Needs) -> Need:
    what = ngettext(
        "%(count)s offer was declined or lapsed today",
        "%(count)s offers were declined or lapsed today",
        needs.refusals,
        count=_many(needs.refusals),
    )
    return Need(
        "hourglass",
        "amber",
        what,
        _("They went on to somebody else."),
        url_for("home.refusals"),
        _("See why"),
    )


def _alerts(needs: Needs) -> Need:
    what = ngettext(
        "Routing could not do as told in %(count)s case",
        "Routing could not do as told in %(count)s cases",
        needs.alerts,
        count=_many(needs.alerts),
    )
    return Need(
        "alert", "red", what, _("A rule or round robin needs a look."), _url("alerts.index"), _("Look")
    )


def _failed_mail(needs: Needs) -> Need:
    what = ngettext(
        "%(count)s e-mail could not be delivered",
        "%(count)s e-mails could not be delivered",
        needs.failed_mail,
        count=_many(needs.failed_mail),
    )
    url = _url("deliveries.index", state="failed")
    return Need("mail", "red", what, _("They can be sent again."), url, _("See why"))


def _imports(needs: Needs) -> Need:
    what = ngettext(
        "%(count)s import has refused rows",
        "%(count)s imports have refused rows",
        needs.imports,
        count=_many(needs.imports),
    )
    return Need(
        "file",
        "grey",
        what,
        _("The rows can be corrected and taken in again."),
        url_for("home.imports"),
        _("See them"),
    )


def _invited(needs: Needs) -> Need:
    people = labels.many("partner_user") if needs.invited > 1 else labels.one("partner_user")
    what = ngettext(
        "%(count)s %(people)s has never signed in",
        "%(count)s %(people)s have never signed in",
        needs.invited,
        count=_many(needs.invited),
        people=people,
    )
    return Need(
        "user-plus",
        "grey",
        what,
        _("Until then they cannot be given anything."),
        url_for("home.invited"),
        _("See who"),
    )


def _unnamed() -> Need:
    return Need(
        "building",
        "grey",
        _("Your organisation has no name of its own yet"),
        _("Pages, e-mails and invitations say %(name)s until it has.", name=UNNAMED),
        url_for("setup.organisation"),
        _("Name it"),
    )


def next_setup_step(actor: Actor, organisation: Organisation, needs: Needs) -> SetupStep | None:
    """The step that comes next before partners can work; None when nothing is missing."""
    partners, leads = labels.many("partner"), labels.many("lead")
    may = actor.can(Permission.PRM_ENABLE)
    if organisation.prm_enabled_at is None:
        text = _(
            "Companies can become %(partners)s once it is on. It cannot be switched off again.",
            partners=partners,
        )
        url = _url("setup.prm") if may else ""
        return SetupStep(_("Switch partner management on"), text, url, _("See what it means"), 0)
    if not needs.partners:
        text = _("Open a company and make it one; its people are invited from its contacts.")
        url = f"{request.script_root}/accounts"
        return SetupStep(_("Make a company your first partner"), text, url, _("Choose a company"), 1)
    if organisation.portal_published_at is None:
        text = _("Until the portal is published nobody of your %(partners)s can sign in.", partners=partners)
        url = _url("setup.prm") if actor.can(Permission.PORTAL_PUBLISH) else ""
        return SetupStep(_("Publish the portal"), text, url, _("Publish"), 2)
    if not needs.rules:
        text = _(
            "Until then every new %(lead)s waits in %(queue)s.",
            lead=labels.one("lead"),
            queue=needs.default_queue,
        )
        return SetupStep(
            _("Say where new %(leads)s go", leads=leads), text, _url("rules.index"), _("Write rules"), 3
        )
    return None
