"""Mails about people: invitations, passwords, sign-ins, addresses."""

from collections.abc import Callable

from sqlalchemy import select

from app.accounts.models import Account
from app.identity.links import link_url
from app.identity.models import OneTimeLink, UserState
from app.kernel.actor import Actor
from app.notifications.envelope import Envelope, Letter, moment_in_full, recipient_of
from app.notifications.models import NotificationKind as Kind
from app.notifications.outcomes import Outcome, Withheld
from app.notifications.plain import one_line
from app.notifications.queries import find_records
from app.partners.models import PartnerAccount, PartnerState
from app.sharing.scope import scope


def _invitation(envelope: Envelope) -> Letter:
    link = _link(envelope)
    if envelope.user.state is not UserState.INVITED:
        raise Withheld(Outcome.LINK_USED)
    until = moment_in_full(link.expires_at, envelope.user.time_zone)
    words = {"is_partner": envelope.user.is_partner, "company": _company(envelope), "until": until}
    return Letter(Kind.INVITATION, link_url(link), words)


def _password_reset(envelope: Envelope) -> Letter:
    link = _link(envelope)
    recipient_of(envelope)
    return Letter(
        Kind.PASSWORD_RESET,
        link_url(link),
        {"until": moment_in_full(link.expires_at, envelope.user.time_zone)},
    )


def _password_changed(envelope: Envelope) -> Letter:
    if envelope.user.state is not UserState.ACTIVE:
        raise Withheld(Outcome.NOT_ACTIVE)
    at = moment_in_full(envelope.notification.created_at, envelope.user.time_zone)
    return Letter(Kind.PASSWORD_CHANGED, envelope.link("/forgot-password"), {"at": at})


def _second_factor(envelope: Envelope) -> Letter:
    if envelope.user.state is not UserState.ACTIVE:
        raise Withheld(Outcome.NOT_ACTIVE)
    what = str(envelope.detail.get("what", ""))
    path = "/forgot-password" if what in ("reset", "codes_tried") else "/profile#second-factor"
    at = moment_in_full(envelope.notification.created_at, envelope.user.time_zone)
    return Letter(Kind.SECOND_FACTOR, envelope.link(path), {"what": what, "at": at})


def _new_device(envelope: Envelope) -> Letter:
    if envelope.user.state is not UserState.ACTIVE:
        raise Withheld(Outcome.NOT_ACTIVE)
    where = {name: one_line(envelope.detail.get(name, "")) for name in ("browser", "system", "address")}
    at = moment_in_full(envelope.notification.created_at, envelope.user.time_zone)
    return Letter(Kind.NEW_DEVICE, envelope.link("/profile#sessions"), {"at": at, **where})


def _address_taken(envelope: Envelope) -> Letter:
    actor = recipient_of(envelope)
    account = envelope.session.execute(
        select(Account.ref, Account.name).where(
            scope(Account, actor), Account.id == envelope.notification.record_id
        )
    ).first()
    if account is None:
        raise Withheld(Outcome.NO_ACCESS)
    words = {
        "company": one_line(account.name),
        "address": one_line(envelope.detail.get("email", "")),
        "who": one_line(envelope.detail.get("who", "")),
    }
    return Letter(Kind.ADDRESS_TAKEN, envelope.link(f"/partners/{account.ref}"), words)


def _duplicate_found(envelope: Envelope) -> Letter:
    actor = recipient_of(envelope)
    found = find_records(envelope.session, actor, [envelope.notification]).get(envelope.notification.id)
    if found is None:
        raise Withheld(Outcome.NO_ACCESS)
    return Letter(Kind.DUPLICATE_FOUND, envelope.link(found.path), {"title": one_line(found.title)})


def _link(envelope: Envelope) -> OneTimeLink:
    """The one-time link of the mail.  Raises Withheld when it opens nothing any more."""
    link = envelope.session.get(OneTimeLink, envelope.detail["link_id"])
    if link is None or link.used_at is not None or link.user_id != envelope.user.id:
        raise Withheld(Outcome.LINK_USED)
    if link.expires_at <= envelope.now:
        raise Withheld(Outcome.LINK_EXPIRED)
    if envelope.delivery.recipient != envelope.user.email:
        raise Withheld(Outcome.ADDRESS_CHANGED)
    return link


def _company(envelope: Envelope) -> str:
    """The name of the recipient's own company.  Raises Withheld when it has been suspended."""
    company_id = envelope.user.partner_account_id
    if company_id is None:
        return ""
    name = envelope.session.scalar(
        select(Account.name)
        .join(PartnerAccount, PartnerAccount.account_id == Account.id)
        .where(
            # Somebody who is only invited has no actor yet; the name of their own company is theirs to read.
            scope(Account, Actor.system("invitation mail")),
            Account.id == company_id,
            PartnerAccount.state == PartnerState.ACTIVE,
        )
    )
    if name is None:
        raise Withheld(Outcome.NOT_ACTIVE)
    return one_line(name)


WRITERS: dict[Kind, Callable[[Envelope], Letter]] = {
    Kind.INVITATION: _invitation,
    Kind.PASSWORD_RESET: _password_reset,
    Kind.PASSWORD_CHANGED: _password_changed,
    Kind.SECOND_FACTOR: _second_factor,
    Kind.NEW_DEVICE: _new_device,
    Kind.ADDRESS_TAKEN: _address_taken,
    Kind.DUPLICATE_FOUND: _duplicate_found,
}
