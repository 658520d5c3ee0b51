"""Accounts and contacts in one file, what rows are known by, and what an export gives back."""

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountKind, Contact
from app.events.models import Event
from app.identity.models import User
from app.intake import record_later
from app.intake.leases import lease_one
from app.intake.mapping import suggest
from app.intake.models import Import, ImportIssue
from app.intake.run import Run
from app.intake.tables import name_headers
from app.intake.takers import RecordTaker
from app.intake.uploads import field_labels
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.db import set_reading, transaction
from app.kernel.errors import Invalid
from app.lists import jobs
from app.lists.catalogue import objects
from app.lists.export_operations import ask_for_export
from app.lists.models import ListJob
from tests.factories import actor_of, make_account, make_contact, make_user, row_count, rows
from tests.intake.importing import as_csv, submit, take

COURSE = """Account Name,Phone,Account Number,Account Site,Type,Industry,Billing City,Billing State/Province,\
First Name,Last Name,Title,Phone,Email
Get Cloudy,775-555-5309,117,single location,Customer - Direct,Consumer,Reno,NV,\
Alan,Johnson,sales manager,(720) 444-1229,alan@gogetcloudy.com
Get Cloudy,775-555-5309,117,single location,Customer - Direct,Consumer,Reno,NV,\
Leung,Chan,marketing manager,,leung@gogetcloudy.com
"""


def suggested(kind: str, content: str) -> dict[str, str | None]:
    headers = name_headers(content.splitlines()[0].split(","))
    return suggest(kind, headers, field_labels(kind), {})


def reasons(session: Session, kind: str = "refused") -> dict[int, str]:
    """What the last import says, by line."""
    last = rows(session, Import)[-1]
    found = rows(session, ImportIssue, ImportIssue.kind == kind, ImportIssue.import_id == last.id)
    return {issue.line: issue.reason for issue in found}


def halves(done: Import) -> dict[str, int]:
    return {name: count for name, count in done.options["halves"].items() if count}


def test_the_sample_of_a_course_comes_in_and_out_and_in_again(
    app: Flask, session: Session, mara: User
) -> None:
    mapping = suggested("account_contact", COURSE)
    assert mapping == {
        "Account Name": "account.name", "Phone": "account.phone", "Account Number": "account.account_number",
        "Account Site": "account.site", "Type": "account.type", "Industry": "account.industry",
        "Billing City": "account.billing_city", "Billing State/Province": "account.billing_state",
        "First Name": "first_name", "Last Name": "last_name", "Title": "title", "Phone (2)": "phone",
        "Email": "email",
    }  # fmt: skip
    done = take(session, COURSE, by=mara, kind="account_contact", mapping=mapping)
    assert (done.created, done.refused, done.warnings) == (2, 0, 0)
    assert halves(done) == {"account.created": 1, "contact.created": 2}
    (cloudy,) = rows(session, Account)
    assert (cloudy.name, cloudy.phone, cloudy.account_number, cloudy.site, cloudy.type, cloudy.industry) == (
        "Get Cloudy", "775-555-5309", "117", "single location", "Customer - Direct", "Consumer",
    )  # fmt: skip
    assert (cloudy.billing_city, cloudy.billing_state, cloudy.owner_user_id) == ("Reno", "NV", mara.id)
    alan, leung = rows(session, Contact)
    assert (alan.first_name, alan.last_name, alan.title, alan.phone, alan.email, alan.account_id) == (
        "Alan", "Johnson", "sales manager", "(720) 444-1229", "alan@gogetcloudy.com", cloudy.id,
    )  # fmt: skip
    assert (leung.full_name, leung.title, leung.phone, leung.email, leung.account_id) == (
        "Leung Chan", "marketing manager", None, "leung@gogetcloudy.com", cloudy.id,
    )  # fmt: skip
    before, versions = row_count(session, Event, Event.verb != "exported"), [cloudy.version, alan.version]
    again = take(session, COURSE + "\n", by=mara, kind="account_contact", mapping=mapping)
    assert halves(again) == {"account.unchanged": 1, "contact.unchanged": 2}
    for kind, count in (("account", 1), ("contact", 2)):
        content = exported(session, mara, kind)
        back = take(session, content, by=mara, kind=kind, mapping=None)
        assert (back.created, back.updated, back.unchanged, back.refused, back.warnings) == (
            0,
            0,
            count,
            0,
            0,
        )
    session.expire_all()
    assert [cloudy.version, alan.version] == versions
    assert row_count(session, Event, Event.record_kind.in_(("account", "contact"))) == 3
    assert before > 3


def exported(session: Session, user: User, object_: str) -> bytes:
    """The whole list as the worker writes it."""
    actor, list_object = actor_of(session, user), objects()[object_]
    job = ask_for_export(session, actor, list_object, {}, format_="csv", now=clock.now())
    session.commit()
    while jobs.run_waiting():
        pass
    set_reading(False)
    session.expire_all()
    return (jobs.folder() / session.get_one(ListJob, job.id).path).read_bytes()


def test_rows_are_refused_with_the_half_that_stands_in_the_way(
    app: Flask, session: Session, mara: User
) -> None:
    make_account(session, "Puig", owner=mara, kind=AccountKind.PERSON, last_name="Puig")
    content = (
        "account.name,account.site,last_name,first_name,email,reports_to_id,account.parent_id,Odd\n"
        "Nord,,Roca,Ana,ana@nord.example,Boss Big,Sud,x\n"  # the superior and the parent come below
        "Nord,,Big,Boss,boss@nord.example,,,\n"
        f"Sud,,{'x' * 200},,,,Nord,\n"
        "Sud,,Gil,,,,,y\n"
        ",,Sola,,,,,\n"
        ",,,,,,,z\n"
        "Puig,,Vila,,,,,\n"
        "Sud,,,,,,Nord,\n"
    )
    done = take(session, content, by=mara, kind="account_contact")
    assert reasons(session) == {
        4: "Contact: Last name: This is too long: 200 characters, at most 120.",
        7: "The row names neither an account nor a contact.",
        8: "Contact: Account: A person account is one person and has no contacts.",
    }
    assert (done.state, done.created, done.refused, done.done) == ("done", 4, 3, 8)
    assert halves(done) == {"account.created": 2, "account.updated": 0, "contact.created": 4} or halves(
        done
    ) == {"account.created": 2, "contact.created": 4}
    accounts = {account.name: account for account in rows(session, Account)}
    people = {contact.full_name: contact for contact in rows(session, Contact)}
    assert people["Ana Roca"].reports_to_id == people["Boss Big"].id
    assert accounts["Sud"].parent_id == accounts["Nord"].id
    assert accounts["Nord"].parent_id is None  # a circle: the second is told
    assert "stand below itself" in reasons(session, "warning")[2]
    assert people["Sola"].account_id is None
    assert "only" in reasons(session, "warning")[6]
    assert people["Ana Roca"].imported == {"Odd": "x"}
    assert row_count(session, ImportIssue, ImportIssue.kind == "later") == 0


def test_what_rows_are_known_by_and_what_becomes_of_those_that_are(
    app: Flask, session: Session, mara: User
) -> None:
    acme = make_account(session, "Ácme", owner=mara, site="Reno", phone="1")
    make_account(session, "Acme", owner=mara, site="Vic")
    ana = make_contact(session, "Roca", account=acme, owner=mara, first_name="Ana", email="ana@acme.example")
    file = "name,site,phone,website\nACME,reno,,https://acme.example\nAcme,,7,\nNord,,8,\n"
    done = take(session, file, by=mara, kind="account", match="name", mode="update")
    assert (done.created, done.updated, done.refused) == (0, 1, 2)
    assert reasons(session) == {
        3: "Several are called so. Name the site to tell them apart.",
        4: "Nothing that you may change fits, and nothing is created here.",
    }
    session.refresh(acme)
    assert (acme.name, acme.phone, acme.website) == ("ACME", "1", "https://acme.example")
    people = as_csv(
        [
            {
                "last_name": "Roca",
                "first_name": "Anna",
                "email": "ANA@acme.example",
                "account_id": "",
                "title": "CEO",
            },
            {"last_name": "Gil", "first_name": "", "email": "", "account_id": acme.ref, "title": "CTO"},
        ]
    )
    left = take(session, people, by=mara, kind="contact", match="email", mode="create")
    assert (left.created, left.updated, left.unchanged) == (1, 0, 1)
    done = take(session, people + "\n", by=mara, kind="contact", match="email")
    assert (done.created, done.updated, done.unchanged, done.refused) == (0, 1, 1, 0)
    session.refresh(ana)
    assert (ana.first_name, ana.title, ana.account_id) == ("Anna", "CEO", acme.id)
    with pytest.raises(Invalid):
        take(session, "name,phone\nNord,9\n", by=mara, kind="account", match="email")
    with pytest.raises(Invalid):
        take(session, "name,phone\nNord,9\n", by=mara, kind="account", mode="update")
    with pytest.raises(Invalid):
        take(session, "last_name\nPuig\n", by=mara, match="name")


def test_what_one_may_not_see_or_change_is_as_if_it_were_not_there(
    app: Flask, session: Session, mara: User, ada: User
) -> None:
    other = make_user(session, "Otis", role=Role.SALES)
    hidden = make_contact(session, "Secret", owner=other, email="s@x.example", first_name="Sam")
    session.commit()
    assert hidden.account_id is None  # private to its owner
    for match in ("email", "name"):
        file = f"last_name,first_name,email,title\nSecret,Sam,s@x.example,{match}\nNobody,No,n@x.example,{match}\n"
        done = take(session, file, by=mara, kind="contact", match=match, mode="update")
        assert (done.updated, done.refused, len(set(reasons(session).values()))) == (0, 2, 1)
    file = f"id,last_name,title\n{hidden.ref},Secret,x\ncont_0000000000000000000000,Nobody,x\n"
    mapping = {"id": "id", "last_name": "last_name", "title": "title"}
    done = take(session, file, by=mara, kind="contact", mapping=mapping)
    assert (done.updated, done.refused, len(set(reasons(session).values()))) == (0, 2, 1)
    session.refresh(hidden)
    assert hidden.title is None
    done = take(session, file + "\n", by=ada, kind="contact", mapping=mapping)
    assert (done.updated, done.refused) == (1, 1)


@pytest.mark.databases("sqlite")
def test_an_interrupted_file_counts_each_account_once_and_looks_up_what_came_later(
    app: Flask, session: Session, mara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RecordTaker, "batch_rows", 4)
    monkeypatch.setattr(record_later, "TOGETHER", 2)
    people = [
        {
            "account.name": f"Firm {n % 2}",
            "external_id": f"p{n}",
            "last_name": f"N{n}",
            "reports_to_id": f"p{n + 4}",
        }
        for n in range(10)
    ]  # each reports to somebody of a later batch; the last four to nobody there is
    import_id = submit(session, as_csv(people), by=mara, kind="account_contact").id
    for _ in range(12):  # every batch by another process
        with transaction() as own:
            found = own.get_one(Import, import_id)
            found.leased_until = None
            lease = lease_one(own, import_id, now=clock.now())
        assert lease is not None
        if not Run(import_id, lease).step():
            break
    set_reading(False)
    done = session.get_one(Import, import_id, populate_existing=True)
    assert (done.state, done.done, done.created, done.refused, done.warnings) == ("done", 10, 10, 0, 4)
    assert halves(done) == {"account.created": 2, "contact.created": 10}
    ids = {contact.external_id: contact for contact in rows(session, Contact)}
    assert [ids[f"p{n}"].reports_to_id for n in range(10)] == [
        ids[f"p{n + 4}"].id if n < 6 else None for n in range(10)
    ]
    assert "“p13” is not found" in reasons(session, "warning")[11]


def test_two_rows_that_are_one_record_under_two_names_say_so(
    app: Flask, session: Session, mara: User
) -> None:
    content = (
        "account.external_id,account.name,last_name,email\n"
        "A1,Nord,Roca,ana@nord.example\n"
        "A1,Nord,Vila,pau@nord.example\n"  # the same account again: nothing to say
        "A1,Sud,Gil,eva@sud.example\n"
        "A2,Est,Mas,ana@nord.example\n"
    )
    take(session, content, by=mara, kind="account_contact")
    assert reasons(session, "warning") == {
        4: "An earlier row has made the same record as “Nord”; this one has made it “Sud”.",
        5: "An earlier row has made the same record as “Roca”; this one has made it “Mas”.",
    }
    take(session, "external_id,name\nB1,Alt\nB1,Baix\nB1,Baix\n", by=mara, kind="account")
    assert list(reasons(session, "warning")) == [3]
    take(session, "external_id,name\nB1,Dalt\n", by=mara, kind="account")
    assert reasons(session, "warning") == {}  # known before the file: an update as it was asked for
