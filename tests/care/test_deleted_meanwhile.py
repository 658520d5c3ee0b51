"""What somebody typed for a record that was deleted meanwhile is shown to them, and to nobody who could not see it."""

import re
from datetime import timedelta

import pytest

from app.activities.operations import delete_activity, log_activity
from app.care.merging import merge_records
from app.kernel import refs
from app.leads.operations import delete_lead
from tests.factories import (
    actor_of,
    make_account,
    make_case,
    make_contact,
    make_lead,
    make_opportunity,
    open_portal,
)

GONE = "It was deleted meanwhile"
TYPED = "They asked for twelve pumps.\nThe other ones broke."


@pytest.fixture
def records(session, mara):
    account = make_account(session, "Forges", owner_user_id=mara.id)
    return {
        "lead": make_lead(session, owner=mara),
        "account": account,
        "contact": make_contact(session, "Roca", account=account),
        "opportunity": make_opportunity(session, "Pumps", account=account),
        "case": make_case(session, "Broken pump", account=account),
    }


def same_but_for_ref(text, ref):
    """The page without what differs with every request, and with the name that was asked for."""
    text = re.sub(
        r'name="(csrf_token|once)" value="[^"]*"|X-CSRFToken[^}]*|Request [\w-]+|nonce="[^"]*"', "", text
    )
    return text.replace(ref, "REF")


def test_what_was_typed_for_a_deleted_record_is_shown_to_who_could_see_it(
    session, signed_in, api, ada, mara, otto, records, now
):
    open_portal(session)
    mara_, otto_ = signed_in(mara), signed_in(otto)
    for kind, record in records.items():
        record.deleted_at, record.updated_at, record.updated_by_id = now, now, ada.id
        url, form = f"/{refs.room_of(kind)}/{record.ref}/edit", {"description": TYPED, "version": "1"}
        answer = mara_.submit(url, form, page="/profile")
        assert answer.status_code == 404
        assert GONE in answer.text
        assert TYPED in answer.text
        assert f"/{refs.room_of(kind)}/deleted" in answer.text
        assert "Ada" in answer.text
        assert (
            "CSRF Token" not in answer.text
        )  # what the form carries for itself is nothing that somebody typed

        absent = refs.new_ref(record.ref.partition("_")[0])
        hidden = otto_.submit(url, form, page="/profile")
        none = otto_.submit(url.replace(record.ref, absent), form, page="/profile")
        assert hidden.status_code == none.status_code >= 403
        assert GONE not in hidden.text
        assert same_but_for_ref(hidden.text, record.ref) == same_but_for_ref(none.text, absent)
        refused = api(mara).patch(f"/{refs.room_of(kind)}/{record.ref}", json={"description": TYPED})
        assert (refused.status_code, refused.json["type"].rpartition("/")[2]) == (404, "not-found")


def test_what_was_chosen_is_shown_by_its_name(session, signed_in, mara, records, now):
    lead, case = records["lead"], records["case"]
    lead.deleted_at = case.deleted_at = now
    mara_ = signed_in(mara)
    form = {"status": "working", "country": "FR", "consent_basis": "contract", "interest_confirmed": "yes"}
    page = mara_.submit(f"/leads/{lead.ref}/edit", form, page="/profile").text
    for name, word in (("Status", "Working"), ("Country", "France"), ("Interest confirmed", "Yes")):
        assert f"<dt>{name}</dt><dd>{word}</dd>" in page, name
    assert "<dd>Contract</dd>" in page
    page = mara_.submit(f"/cases/{case.ref}/edit", {"priority": "high"}, page="/profile").text
    assert "<dd>High</dd>" in page
    call = {"kind": "call", "remind": "15", "subject": "Pumps"}
    page = mara_.submit(f"/leads/{lead.ref}/activities", call, page="/profile").text
    assert "<dd>Call</dd>" in page
    assert "<dd>15 minutes before</dd>" in page


def test_a_field_changed_in_place_and_a_note_on_a_deleted_lead_are_shown_too(
    session, signed_in, mara, pia, records, now
):
    open_portal(session)
    lead = make_lead(session, owner=pia)
    delete_lead(session, actor_of(session, mara), lead.ref, now=now)
    pia_ = signed_in(pia)
    note = {"kind": "note", "subject": "", "text": TYPED, "people": mara.ref}
    answer = pia_.submit(f"/leads/{lead.ref}/activities", note, page="/profile")
    assert GONE in answer.text
    assert TYPED in answer.text
    assert mara.ref not in answer.text
    assert "Mara" not in answer.text  # partner people read no names of the vendor's
    field = {"description": TYPED, "began": ""}
    part = pia_.submit(
        f"/leads/{lead.ref}/fields/description", field, page="/profile", headers={"HX-Request": "true"}
    )
    assert part.status_code == 404
    assert "<html" not in part.text
    assert TYPED in part.text


def test_who_saves_what_was_merged_away_is_led_to_what_stayed(session, signed_in, mara, records, now):
    one, other = records["contact"], make_contact(session, "Roca", account=records["account"])
    merge_records(session, actor_of(session, mara), "contact", one.ref, [one.ref, other.ref], {}, now=now)
    answer = signed_in(mara).submit(
        f"/contacts/{other.ref}/edit", {"last_name": "Roca i Vidal"}, page="/profile"
    )
    assert answer.status_code == 404
    assert "Roca i Vidal" in answer.text
    assert f'href="/contacts/{one.ref}"' in answer.text


def test_an_activity_that_went_tells_where_it_was(session, signed_in, mara, pia, otto, records, now):
    open_portal(session)
    lead, actor = make_lead(session, owner=pia), actor_of(session, mara)
    activity = log_activity(session, actor, lead, kind="note", text="Old", now=now)
    session.flush()
    ref = activity.ref
    delete_activity(session, actor, ref, now=now + timedelta(seconds=1))
    form, url = {"kind": "note", "subject": "New", "text": TYPED}, f"/activities/{ref}/edit"
    answer = signed_in(mara).submit(url, form, page="/profile")
    assert GONE in answer.text
    assert TYPED in answer.text
    assert f'href="/leads/{lead.ref}"' in answer.text
    for person in (pia, otto):  # it was the vendor's own note: neither ever read it
        refused = signed_in(person).submit(url, form, page="/profile")
        assert refused.status_code == 404
        assert GONE not in refused.text
