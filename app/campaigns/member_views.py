"""Members of a campaign: adding one, adding all of a list, what they did, taking one out."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from app.accounts.filters import parse_contact_query
from app.accounts.queries import list_contacts
from app.campaigns.members import add_matching, add_member, remove_member, set_member_status
from app.campaigns.queries import campaign_choices, get_campaign
from app.campaigns.views import bp
from app.kernel import clock, refs
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict, Invalid, NotFound
from app.leads.asking import parse_lead_query
from app.leads.queries import list_leads
from app.lists.catalogue import objects
from app.lists.door import list_url, params_sent
from app.lists.query import parse_list
from app.lists.rows import count_near
from app.web.access import current_actor, needs
from app.web.filters import number
from app.web.once import once

NAMED = 4  # of several that can be meant


@bp.post("/<ref('camp'):campaign_ref>/members")
@needs(Permission.CAMPAIGN_EDIT)
@once
def add(campaign_ref: str) -> ResponseReturnValue:
    """Make a lead or a contact a member: named by their page's address, their public name, or chosen from a list."""
    given = request.form.get("record", "").strip()
    record_ref = given.rstrip("/").rpartition("/")[2][:60]
    if not any(refs.is_ref(kind, record_ref) for kind in (refs.LEAD, refs.CONTACT)):
        meant = _meant(db.session(), current_actor(), given[:120])
        if len(meant) > 1:
            names = ", ".join(name for _ref, name in meant[:NAMED])
            flash(
                _("Several can be meant: %(names)s. Choose one of those offered as you type.", names=names),
                "error",
            )
            page = url_for("campaigns.show", campaign_ref=campaign_ref, typed=given[:120], _anchor="members")
            return redirect(page, 303)
        record_ref = meant[0][0] if meant else record_ref
    back = url_for(
        "campaigns.show",
        campaign_ref=campaign_ref,
        kind="contact" if refs.is_ref(refs.CONTACT, record_ref) else None,
        _anchor="members",
    )
    try:
        with transaction() as session:
            _member, is_new = add_member(session, current_actor(), campaign_ref, record_ref, now=clock.now())
    except (Invalid, Conflict) as error:
        messages = (
            [m for found in error.errors.values() for m in found]
            if isinstance(error, Invalid)
            else [error.message]
        )
        flash(" ".join(str(message) for message in messages), "error")
        return redirect(back, 303)
    flash(_("Added.") if is_new else _("They are a member already."), "success")
    return redirect(back, 303)


@bp.get("/members/found")
@needs(Permission.CAMPAIGN_EDIT)
def found() -> ResponseReturnValue:
    """Leads and contacts whose name begins with what was typed, for the picker."""
    text = request.args.get("record", "")[:120]
    session, actor = db.session(), current_actor()
    rows = _meant(session, actor, text)
    return render_template("campaigns/_options.html", rows=rows)


def _meant(session: Session, actor: Actor, text: str) -> list[tuple[str, str]]:
    """(public name, name) of the leads and contacts that the text can mean, as far as the actor reads them."""
    if not text.strip():
        return []
    leads = list_leads(session, actor, parse_lead_query(session, actor, {"q": [text]}), limit=6)
    found = [
        (row.ref, " · ".join(filter(None, (row.title, row.person))))
        for row in leads.items
        if not row.is_preview
    ]
    if actor.can(Permission.CONTACT_VIEW):
        query = parse_contact_query(session, actor, {"q": [text]})
        contacts = list_contacts(session, actor, query, limit=6)
        found += [(row.contact.ref, row.contact.full_name) for row in contacts.items]
    return found


@bp.post("/<ref('camp'):campaign_ref>/members/<ref('mem'):member_ref>")
@needs(Permission.CAMPAIGN_EDIT)
def change(campaign_ref: str, member_ref: str) -> ResponseReturnValue:
    """Say what a member has done."""
    with transaction() as session:
        set_member_status(
            session,
            current_actor(),
            campaign_ref,
            member_ref,
            request.form.get("status", ""),
            now=clock.now(),
        )
    flash(_("Saved."), "success")
    return redirect(_back(campaign_ref), 303)


@bp.post("/<ref('camp'):campaign_ref>/members/<ref('mem'):member_ref>/remove")
@needs(Permission.CAMPAIGN_EDIT)
@once
def remove(campaign_ref: str, member_ref: str) -> ResponseReturnValue:
    """Take a member out."""
    try:
        with transaction() as session:
            remove_member(session, current_actor(), campaign_ref, member_ref, now=clock.now())
    except Conflict as error:
        flash(str(error.message), "error")
    else:
        flash(_("Taken out of the campaign."), "success")
    return redirect(_back(campaign_ref), 303)


def _back(campaign_ref: str) -> str:
    kind = "contact" if request.form.get("kind") == "contact" else None
    status = request.form.get("shown_status") or None
    return url_for("campaigns.show", campaign_ref=campaign_ref, kind=kind, status=status, _anchor="members")


@bp.post("/members/add")
@needs(Permission.CAMPAIGN_EDIT)
@once
def add_list() -> ResponseReturnValue:
    """Make all that a list has members; without a campaign named it is asked which."""
    session, actor = db.session(), current_actor()
    object_name = request.form.get("object", "")
    if object_name not in ("lead", "contact") or not actor.can(objects()[object_name].view):
        raise NotFound("list", object_name)
    campaign_ref, params, errors = request.form.get("campaign", ""), params_sent(), []
    if campaign_ref:
        try:
            with transaction() as writing:
                campaign = get_campaign(writing, actor, campaign_ref)
                added, there = add_matching(
                    writing, actor, campaign_ref, object_name, params, now=clock.now()
                )
        except Invalid as error:
            errors = [str(message) for messages in error.errors.values() for message in messages]
        except Conflict as error:
            errors = [str(error.message)]
        else:
            flash(
                ngettext("%(number)s was added to “%(name)s”", "%(number)s were added to “%(name)s”", added, number=number(added), name=campaign.name)
                + ("; " + ngettext("%(number)s was a member already.", "%(number)s were members already.", there, number=number(there)) if there else "."),
                "success",
            )  # fmt: skip
            return redirect(
                url_for("campaigns.show", campaign_ref=campaign_ref, kind=object_name, _anchor="members"), 303
            )
    given = {name: values for name, values in params.items() if name != "sort"}
    query = parse_list(session, actor, objects()[object_name], given)
    count, is_more = count_near(session, actor, query)
    page = render_template(
        "campaigns/add_list.html",
        object=objects()[object_name],
        params=params,
        up=list_url(objects()[object_name], {name: list(v) for name, v in params.items()}),
        count=number(count) + ("+" if is_more else ""),
        campaigns=campaign_choices(session, actor),
        errors=errors,
    )
    return page, 422 if errors else 200
