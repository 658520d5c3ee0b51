"""What becomes of the rows of an import: created, updated, refused, warned about."""

from datetime import UTC, datetime

from flask import Flask
from sqlalchemy.orm import Session

from app.events.models import Event
from app.identity.models import AccountScope, User
from app.identity.queries import get_organisation
from app.intake.models import ImportIssue, ImportState
from app.kernel import clock
from app.kernel.actor import Role
from app.leads.models import Assignment, Lead, LeadSource
from app.notifications.models import Delivery, Notification
from tests.factories import (
    get_status,
    make_account,
    make_contact,
    make_lead,
    make_source,
    make_user,
    row_count,
    rows,
)
from tests.intake.importing import leads_by_name, take


def test_a_row_becomes_a_lead_with_its_first_assignment_and_event(
    app: Flask, session: Session, mara: User
) -> None:
    done = take(
        session,
        "Last name,Company,E-mail,Phone,Country,Employees,Annual revenue,Arrived,Shoe size\n"
        'Puig,"Forges del Ter, S.L.",Marta@Forges.example,600 111 222,Espanya,1.200,"1,5",2026-02-03 10:00,42\n',
        by=mara,
    )
    assert (done.state, done.rows, done.done, done.accepted, done.created) == (ImportState.DONE, 1, 1, 1, 1)
    lead = leads_by_name(session)["Puig"]
    assert lead.company == "Forges del Ter, S.L."
    assert (lead.company_key, lead.email_key, lead.phone_key) == (
        "forges del ter",
        "marta@forges.example",
        "+34600111222",
    )
    assert (lead.country, lead.employees, lead.annual_revenue) == ("ES", 1200, 1.5)
    assert lead.arrived_at == datetime(2026, 2, 3, 10, tzinfo=UTC)
    assert lead.imported == {"Shoe size": "42"}
    assert (lead.import_id, lead.created_by_id, lead.version) == (done.id, mara.id, 1)
    assert lead.status_id == get_status(session, "new").id
    (assignment,) = rows(session, Assignment)
    assert (assignment.lead_id, assignment.cause, assignment.to_queue_id) == (
        lead.id,
        "default_queue",
        lead.owner_queue_id,
    )
    event = rows(session, Event, Event.record_kind == "lead")[0]
    assert (event.verb, event.record_id, event.record_ref, event.actor_id, event.door) == (
        "created", lead.id, lead.ref, mara.id, "import",
    )  # fmt: skip


def test_moments_without_a_zone_are_meant_in_the_organisations(app: Flask, session: Session) -> None:
    get_organisation(session).time_zone = "Europe/Madrid"
    take(session, "Last name,Arrived\nPuig,2026-02-03 10:00\nRoca,13/02/2026\n")
    leads = leads_by_name(session)
    assert leads["Puig"].arrived_at == datetime(2026, 2, 3, 9, tzinfo=UTC)
    assert leads["Roca"].arrived_at == datetime(2026, 2, 12, 23, tzinfo=UTC)


def test_dates_put_the_month_first_when_some_can_only_be_so(app: Flask, session: Session) -> None:
    take(session, "Last name,Arrived\nPuig,03/04/2026\nRoca,03/25/2026\n")
    leads = leads_by_name(session)
    assert leads["Puig"].arrived_at == datetime(2026, 3, 4, tzinfo=UTC)
    assert leads["Roca"].arrived_at == datetime(2026, 3, 25, tzinfo=UTC)


def test_each_of_the_identifying_fields_is_enough_and_none_is_refused(app: Flask, session: Session) -> None:
    done = take(
        session,
        "Last name,Company,E-mail,Phone,Mobile,City\nPuig,,,,,\n,Acme,,,,\n,,a@b.example,,,\n,,,600111222,,\n,,,,600111333,\n,,,,,Girona\n",
    )
    assert (done.accepted, done.refused) == (5, 1)
    (issue,) = rows(session, ImportIssue)
    assert (issue.kind, issue.line, issue.cells["City"]) == ("refused", 7, "Girona")
    assert "last name" in issue.reason


def test_an_unknown_country_or_malformed_address_leaves_the_field_empty_with_a_warning(
    app: Flask, session: Session
) -> None:
    done = take(
        session, "Last name,E-mail,Country,Employees,Arrived\nPuig,nobody@nowhere,Atlantis,many,soon\n"
    )
    assert (done.accepted, done.refused, done.warnings) == (1, 0, 4)
    lead = leads_by_name(session)["Puig"]
    assert (lead.email, lead.email_key, lead.country, lead.employees) == (None, None, None, None)
    assert {(i.kind, i.line) for i in rows(session, ImportIssue)} == {("warning", 2)}
    assert any("Atlantis" in i.reason for i in rows(session, ImportIssue))


def test_what_cannot_be_stored_refuses_the_row_and_no_other(app: Flask, session: Session) -> None:
    long = "x" * 300
    done = take(session, f"Last name,Company\nPuig,{long}\nRo\0ca,Acme\nSoler,Acme\n{'y' * 10_000},Acme\n")
    assert (done.accepted, done.refused) == (1, 3)
    assert list(leads_by_name(session)) == ["Soler"]


def test_marks_that_turn_text_around_and_accents_are_kept_or_cleaned_as_elsewhere(
    app: Flask, session: Session
) -> None:
    take(
        session, "Last name,Company\n\u202ePuig\u202c,\u0627\u0644\u0634\u0631\u0643\u0629\nA\u0300vila,王\n"
    )
    leads = leads_by_name(session)
    assert leads["Puig"].company == "الشركة"
    assert leads["Àvila"].last_name == "\u00c0vila"


def test_a_known_external_id_updates_and_creates_nothing(app: Flask, session: Session, mara: User) -> None:
    take(session, "External id,Last name,City,Phone\nx1,Puig,Girona,600111222\nx2,Roca,Olot,\n", by=mara)
    done = take(
        session, "External id,Last name,City,Phone\nx1,Puig,Salt,\nx2,Roca,Olot,\nx3,Soler,,\n", by=mara
    )
    assert (done.created, done.updated, done.unchanged, done.refused) == (1, 1, 1, 0)
    puig = leads_by_name(session)["Puig"]
    assert (puig.city, puig.phone, puig.phone_key, puig.version) == ("Salt", "600111222", "600111222", 2)
    (event,) = rows(session, Event, Event.verb == "edited")
    assert event.record_id == puig.id
    assert event.changes == {"city": ["Girona", "Salt"]}
    assert row_count(session, Lead) == 3
    assert row_count(session, Assignment) == 3


def test_an_update_renews_what_is_derived_and_the_state_that_counts(app: Flask, session: Session) -> None:
    take(session, "External id,Last name,Company\nx1,Puig,Acme\n")
    take(
        session,
        "External id,Last name,Company,Status,Budget,Reason not to qualify\nx1,Ávila,Nord GmbH,unqualified,yes,No budget\n",
    )
    (lead,) = rows(session, Lead)
    assert (lead.last_name_fold, lead.company_key, lead.is_open) == ("avila", "nord", False)
    assert lead.qualified_by["budget"]["by"] is None
    (event,) = rows(session, Event, Event.verb == "edited")
    assert event.changes["status"] == ["New", "Unqualified"]


def test_an_opt_out_is_never_taken_back_by_a_file(app: Flask, session: Session) -> None:
    take(session, "External id,Last name,No e-mail\nx1,Puig,yes\n")
    done = take(session, "External id,Last name,No e-mail\nx1,Puig,no\nx2,Roca,no\n")
    assert (done.unchanged, done.created) == (1, 1)
    assert leads_by_name(session)["Puig"].opted_out_email is True
    assert leads_by_name(session)["Roca"].opted_out_email is False


def test_who_noted_an_opt_out_of_a_file_and_when_is_kept(app: Flask, session: Session, mara: User) -> None:
    take(session, "External id,Last name,No e-mail,No calls\nx1,Puig,yes,\n", by=mara)
    first = leads_by_name(session)["Puig"].opted_out_by
    assert first["opted_out_email"]["by"] == mara.id
    take(session, "External id,Last name,No calls\nx1,Puig,yes\n", by=mara)
    both = leads_by_name(session)["Puig"].opted_out_by
    assert both["opted_out_email"] == first["opted_out_email"]
    assert both["opted_out_phone"]["by"] == mara.id


def test_the_same_external_id_twice_in_a_file_is_one_lead_with_the_later_values(
    app: Flask, session: Session
) -> None:
    done = take(session, "External id,Last name,City\nx1,Puig,Girona\nx1,Puig,Salt\nx1,Puig,Salt\nx2,Roca,\n")
    assert (done.created, done.updated, done.unchanged) == (2, 1, 1)
    assert leads_by_name(session)["Puig"].city == "Salt"
    assert row_count(session, Lead) == 2


def test_an_external_id_of_a_deleted_or_hidden_lead_is_refused_without_saying_which(
    app: Flask, session: Session, mara: User
) -> None:
    make_lead(session, external_id="gone", deleted_at=clock.now())
    narrow = make_user(session, "Nil", role=Role.CHANNEL_MANAGER, account_scope=AccountScope.PORTFOLIO)
    make_lead(session, owner=mara, external_id="hidden")
    done = take(session, "External id,Last name\ngone,Puig\nhidden,Roca\nnew,Soler\n", by=narrow)
    assert (done.created, done.refused) == (1, 2)
    reasons = {issue.reason for issue in rows(session, ImportIssue)}
    assert len(reasons) == 1


def test_a_converted_lead_is_left_as_it_is(app: Flask, session: Session) -> None:
    make_lead(session, external_id="x1", last_name="Puig", city="Girona", converted_at=clock.now())
    done = take(session, "External id,Last name,City\nx1,Puig,Salt\n")
    assert done.refused == 1
    assert take(session, "External id,Last name,City\nx1,Puig,Girona\n").unchanged == 1


def test_unknown_sources_are_added_for_whoever_may_and_reported(
    app: Flask, session: Session, mara: User
) -> None:
    make_source(session, "Word of mouth")
    done = take(
        session, "Last name,Source\nPuig,winter EXPO\nRoca,Winter expo\nSoler,WORD OF MOUTH\nVila,\n", by=mara
    )
    names = {s.id: s.name for s in rows(session, LeadSource)}
    leads = leads_by_name(session)
    assert names[leads["Puig"].source_id] == names[leads["Roca"].source_id] == "winter EXPO"
    assert names[leads["Soler"].source_id] == "Word of mouth"
    assert leads["Vila"].source_id is None
    assert done.warnings == 1
    assert "winter EXPO" in rows(session, ImportIssue)[0].reason


def test_a_source_for_all_rows_goes_to_those_that_name_none(app: Flask, session: Session) -> None:
    take(session, "Last name,Source\nPuig,\nRoca,Autumn fair\n", source="Spring fair")
    names = {s.id: s.name for s in rows(session, LeadSource)}
    leads = leads_by_name(session)
    assert names[leads["Puig"].source_id] == "Spring fair"
    assert names[leads["Roca"].source_id] == "Autumn fair"


def test_a_retired_source_is_left_out_with_a_warning(app: Flask, session: Session) -> None:
    make_source(session, "Old fair", is_active=False)
    done = take(session, "Last name,Source\nPuig,Old fair\n")
    assert (done.accepted, done.warnings) == (1, 1)
    assert leads_by_name(session)["Puig"].source_id is None


def test_strict_capture_asks_for_last_name_company_and_status(app: Flask, session: Session) -> None:
    get_organisation(session).strict_capture = True
    done = take(session, "Last name,Company,Status\nPuig,Acme,new\nRoca,,new\n,Acme,new\nSoler,Acme,\n")
    assert (done.accepted, done.refused) == (1, 3)


def test_qualified_needs_last_name_and_company(app: Flask, session: Session) -> None:
    done = take(session, "Last name,Company,Status\nPuig,Acme,qualified\nRoca,,Qualified\n")
    assert (done.accepted, done.refused) == (1, 1)


def test_probable_duplicates_are_flagged_with_reasons(app: Flask, session: Session) -> None:
    old = make_lead(
        session, last_name="Puig", email="puig@acme.example", company="Acme S.L.", phone="+34600111222"
    )
    contact = make_contact(session, email="roca@nord.example")
    account = make_account(session, "Nord, GmbH")
    make_lead(session, email="gone@acme.example", deleted_at=clock.now())
    take(
        session,
        "Last name,Company,E-mail,Phone,Country\nPuig,ACME,PUIG@acme.example,600 111 222,ES\n"
        "Roca,Nord,roca@nord.example,,\nSoler,Sud,,,\nSoler,Sud,,,\nVila,,gone@acme.example,,\n",
    )
    first, second, third, fourth, fifth = rows(session, Lead, Lead.import_id.is_not(None))
    assert first.duplicates == [
        {"type": "lead", "id": old.id, "reasons": ["email", "name", "phone", "company"]}
    ]
    assert {(d["type"], d["id"], *d["reasons"]) for d in second.duplicates} == {
        ("contact", contact.id, "email"), ("account", account.id, "company"),
    }  # fmt: skip
    assert third.duplicates == []
    assert fourth.duplicates == [{"type": "lead", "id": third.id, "reasons": ["company", "name"]}]
    assert fifth.duplicates == []


def test_an_update_looks_for_duplicates_by_what_it_changes(app: Flask, session: Session) -> None:
    old = make_lead(session, last_name="Puig", email="puig@acme.example", company="Sud")
    account = make_account(session, "Nord, GmbH")
    take(session, "External id,Last name,Company\nx1,Vila,Nord\nx2,Roca,\nx3,Soler,\n")
    by_company = {"type": "account", "id": account.id, "reasons": ["company"]}
    assert leads_by_name(session)["Vila"].duplicates == [by_company]
    take(
        session,
        "External id,City,E-mail,Phone,Country\nx1,Olot,puig@acme.example,,\nx2,,,600 111 222,ES\nx3,,,600111222,ES\n",
    )
    found = leads_by_name(session)
    assert found["Vila"].duplicates == [by_company, {"type": "lead", "id": old.id, "reasons": ["email"]}]
    assert found["Roca"].duplicates == [{"type": "lead", "id": found["Soler"].id, "reasons": ["phone"]}]
    assert found["Soler"].duplicates == [{"type": "lead", "id": found["Roca"].id, "reasons": ["phone"]}]
    take(session, "External id,Company\nx1,Est\n")
    session.expire_all()
    assert leads_by_name(session)["Vila"].duplicates == [{"type": "lead", "id": old.id, "reasons": ["email"]}]


def test_headers_are_matched_in_three_languages_whatever_the_case_and_spaces(
    app: Flask, session: Session
) -> None:
    done = take(session, " LAST  NAME ;company\nPuig;Acme\n")
    assert done.created == 1
    done = take(session, "last_name,E-MAIL\nRoca,roca@acme.example\n")
    assert leads_by_name(session)["Roca"].email == "roca@acme.example"


def test_with_a_mapping_columns_that_it_does_not_name_are_only_kept(app: Flask, session: Session) -> None:
    take(session, "Who,City,Country\nPuig,Girona,ES\n", mapping={"who": "last_name", "City": None})
    (lead,) = rows(session, Lead)
    assert (lead.last_name, lead.city, lead.country) == ("Puig", None, None)
    assert lead.imported == {"City": "Girona", "Country": "ES"}


def test_nothing_is_sent_to_the_command_line_or_for_what_waits_in_the_default_queue(
    app: Flask, session: Session
) -> None:
    take(session, "Last name\nPuig\n")
    assert row_count(session, Notification) == row_count(session, Delivery) == 0
