"""Partners: the list, one partner."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.activities.panel import feed_of
from app.identity.queries import get_organisation
from app.identity.roles import role_names
from app.kernel import clock, refs
from app.kernel.actor import Permission
from app.kernel.db import db
from app.kernel.text import clean_text
from app.leads.asking import parse_lead_query
from app.leads.choices import first_names
from app.leads.queries import list_leads
from app.partners import enabling_views, team_views  # noqa: F401 - their routes
from app.partners.blueprint import bp
from app.partners.forms import MAY_INVITE, MEMBERS_FROM
from app.partners.models import PartnerState
from app.partners.queries import (
    MOST_TO_ENABLE,
    PartnerDetail,
    PartnerFilter,
    list_levels,
    list_partners,
    open_partner,
)
from app.routing.candidates import PARTNER_ACCOUNT, USER
from app.routing.eligibility import Wanted, take_snapshot
from app.routing.partner_queues import minimum_role
from app.sharing.access_page import panel_of
from app.targets.progress import Progress, progress_of, today_of
from app.targets.queries import targets_now
from app.web.access import current_actor, needs
from app.web.listing import ListAddress

SHOWN_LEADS = 8


@bp.get("/partners")
@needs(Permission.PARTNER_VIEW)
def index() -> ResponseReturnValue:
    """Partners by name with their figures."""
    session, actor = db.session(), current_actor()
    levels = list_levels(session)
    wanted, given = _wanted()
    address = ListAddress(request.path, given)
    return render_template(
        "partners/index.html",
        page=list_partners(session, actor, wanted, cursor=request.args.get("cursor")),
        wanted=wanted,
        address=address,
        chips=_chips(address, {level.ref: level.name for level in levels}),
        levels=[(level.ref, level.name) for level in levels],
        root=url_for("partners.index") + "/",
        prm_is_on=get_organisation(session).prm_enabled_at is not None,
    )


def _wanted() -> tuple[PartnerFilter, dict[str, list[str]]]:
    """What the address narrows the list to, parsed and as it was given."""
    given = {
        name: [request.args[name]] for name in ("q", "state", "level", "owner") if request.args.get(name)
    }
    state, level = request.args.get("state", ""), request.args.get("level", "")
    wanted = PartnerFilter(
        q=clean_text(request.args.get("q"), field="q") or "",
        state=PartnerState(state) if state in set(PartnerState) else None,
        level=level if refs.is_ref(refs.LEVEL, level) else "",
        mine=request.args.get("owner") == "me",
    )
    return wanted, given


def _chips(address: ListAddress, levels: dict[str, str]) -> list[dict[str, str]]:
    words = {
        "q": (_("name starts with"), None),
        "state": (_("state is"), {"active": _("Active"), "suspended": _("Suspended")}),
        "level": (_("level is"), levels),
        "owner": (_("channel manager is"), {"me": _("me")}),
    }
    chips = []
    for name, (value,) in address.given.items():
        label, values = words[name]
        shown = (values or {}).get(value, value)
        chips.append({"label": label, "value": shown, "remove_url": address.without(name, value)})
    return chips


@bp.get("/partners/<ref('acct'):account_ref>")
@needs(Permission.PARTNER_VIEW)
def show(account_ref: str) -> ResponseReturnValue:
    """One partner: its people, its open leads and offers, what happened."""
    session, actor, now = db.session(), current_actor(), clock.now()
    detail = open_partner(session, actor, account_ref)
    query = parse_lead_query(
        session, actor, {"partner": [account_ref], "open": ["true"], "waiting": ["false"]}, "-updated_at"
    )
    leads = list_leads(session, actor, query, limit=SHOWN_LEADS)
    return render_template(
        "partners/show.html",
        page_ref=detail.account.ref,
        detail=detail,
        account=detail.account,
        most_to_enable=MOST_TO_ENABLE,
        leads=leads.items,
        has_more_leads=leads.older is not None,
        members_from=MEMBERS_FROM[minimum_role(session, detail.queue.id, detail.account.id)],
        may_invite=MAY_INVITE[detail.partner.may_invite],
        role_names=role_names(),
        status_words=first_names(),
        **_standing(session, detail, now),
        feed=feed_of(session, actor, detail.account),
        access=panel_of(actor, detail.account),
        feed_next=request.path,
        now=now,
        may_change=actor.can(Permission.PARTNER_ENABLE),
        targets=_targets(session, detail, now),
    )


def _targets(session: Session, detail: PartnerDetail, now: datetime) -> Sequence[Progress]:
    aims = targets_now(session, detail.account, today_of(session, now))
    return progress_of(session, current_actor(), aims, account=detail.account, now=now)


def _standing(session: Session, detail: PartnerDetail, now: datetime) -> dict[str, Any]:
    """Why the partner, or one of its people (by key), is given no leads now."""
    people, key = [member.user.id for member in detail.members], detail.account.id
    snapshot = take_snapshot(session, Wanted.of(USER, people), Wanted.of(PARTNER_ACCOUNT, [key]), now=now)
    found = {place: candidate.blocked or candidate.resting for place, candidate in snapshot.by_key.items()}
    company = found.get((PARTNER_ACCOUNT, key))
    return {
        "company_reason": company.message if company else "",
        "reasons": {
            key: refusal.message for (what, key), refusal in found.items() if what == USER and refusal
        },
    }
