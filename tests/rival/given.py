"""Accounts and contacts that the rival is given: by a conversion of theirs and by a share, with what the vendor keeps there."""

from typing import Any

from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.activities.operations import log_activity
from app.conversion.operations import convert_lead
from app.conversion.wanted import read_wanted
from app.lists.operations import find_or_make_tag, set_tag
from app.sharing.shares import share_record
from tests.accounts.hanging import characterise, interest, make_answerable, make_area, make_type, relate
from tests.factories import (
    actor_of,
    make_account,
    make_case,
    make_contact,
    make_lead,
    make_opportunity,
    rows,
)
from tests.fields.making import make_field
from tests.rival.worlds import INNER, STEM, World, veil

# What of an account and a contact the vendor keeps for itself.
_KEPT = {
    Account: ("type", "description", "external_id"),
    Contact: ("description", "external_id", "consent_origin"),
}


def add_given_records(session: Session, world: World) -> None:
    """What a lead of Otto's became, and a customer that the vendor shares with their company."""
    people, now = world.people, world.now
    otto, ada = actor_of(session, people["otto"]), actor_of(session, people["ada"])
    lead = make_lead(
        session, owner=people["otto"], company="Sold", last_name="Roca", email="roca@sold.example"
    )
    sold = convert_lead(session, otto, lead.ref, read_wanted(opportunity={"name": "Of Otto's"}), now=now)
    shared = make_account(session, "Shared", owner=people["mara"], phone="+34 931234567")
    their = make_contact(session, "Shared's Serra", account=shared, owner=people["mara"])
    company = {
        "type": "partner_account",
        "id": rows(session, Account, Account.id == world.southwind.account_id)[0].ref,
    }
    share_record(session, ada, shared, company, "read", now=now)
    secret = make_field(
        session, people["ada"], "account", label=f"{INNER} own", is_internal=True, commits=False
    )
    plain = make_field(session, people["ada"], "account", label="Shown", commits=False)
    area, type_ = make_area(session, f"{INNER} area"), make_type(session, f"{INNER} type")
    for account in (sold.account, shared):
        account.custom = {secret.name: INNER, plain.name: "plain"}
        interest(session, account, area, need=f"{INNER} need")
        characterise(session, account, type_, INNER)
        make_answerable(session, account, people["ada"], f"{INNER} role")
        make_case(session, f"{INNER} case", account=account, owner=people["ada"])
        tag = find_or_make_tag(session, ada, f"{INNER} tag", now=now)
        set_tag(session, ada, account, tag, on=True, now=now)
    for record in (sold.account, shared, sold.contact, their):
        log_activity(session, ada, record, kind="note", subject=f"{INNER} said", now=now)
        log_activity(session, ada, record, kind="task", subject=f"{INNER} plan", done=False, now=now)
        for name in _KEPT[type(record)]:
            setattr(record, name, f"{INNER} {name} {record.id}")
        record.imported = {f"{INNER} column": INNER}
    world.southwinds["acct"] += [sold.account.ref, shared.ref]
    world.southwinds["cont"] += [sold.contact.ref, their.ref]
    world.southwinds["opp"].append(sold.opportunity.ref)


def add_veiled_to_given(session: Session, world: World) -> None:
    """What others have at these accounts, which says nothing to the rival."""
    ada, nora = world.people["ada"], world.people["nora"]
    above = make_account(session, f"{STEM} above", owner=nora)
    veil(above)
    world.veiled["acct"].append(above.ref)
    sold, shared = (_named(session, Account, ref) for ref in world.southwinds["acct"])
    person, theirs = (_named(session, Contact, ref) for ref in world.southwinds["cont"])
    colleague = make_contact(session, f"{STEM} boss", account=sold, owner=nora)
    others = [
        make_opportunity(session, account=account, owner=owner, amount=7, currency="EUR", stage=stage)
        for account in (sold, shared)
        for owner, stage in ((ada, "won"), (world.people["pia"], "prospecting"))
    ]
    veil(colleague, *others)
    for other in others:
        other.currency = "EUR"
    person.reports_to_id = theirs.reports_to_id = colleague.id
    for account in (sold, shared):
        account.parent_id = above.id
        relate(session, account, above)
        for who in (ada, world.people["pia"]):
            call = log_activity(
                session, actor_of(session, ada), account, kind="call", subject=f"{STEM} call", now=world.now
            )
            call.company_id = world.northwind.account_id if who is not ada else None
            world.veiled["act"].append(call.ref)
    world.veiled["cont"].append(colleague.ref)
    world.veiled["opp"] += [each.ref for each in others]
    session.flush()


def _named(session: Session, model: Any, ref: str) -> Any:
    return rows(session, model, model.ref == ref)[0]
