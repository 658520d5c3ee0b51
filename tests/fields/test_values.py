"""What a field that administrators add holds, what is said of it, and how it goes with its values."""

import pytest

from app.accounts.operations import create_account, edit_account
from app.events.models import Event
from app.fields.catalogue import catalogue
from app.fields.counting import count_fields
from app.fields.drafts import ChoiceDraft
from app.fields.models import CustomField, FieldCount
from app.fields.operations import (
    create_field,
    delete_field,
    edit_field,
    index_field,
)
from app.fields.values import for_index
from app.kernel import clock
from app.kernel.errors import Conflict, Invalid, NotAllowed
from tests.factories import (
    actor_of,
    make_account,
    rows,
)
from tests.fields.making import draft, finish_work, make_field

BAD = {
    "number": ["much", True, "nan"],
    "money": ["€", {}],
    "date": ["someday", 7],
    "choice": ["silver", ["gold"]],
    "choices": [["silver"], 4],
    "yes_no": ["perhaps", 3],
    "link": ["http://a.example", "javascript:alert(1)", "https://", "https://a@b.example/"],
    "user": ["nobody at all"],
    "text": ["x" * 256, "\x00"],
}
GOOD = {
    "number": ("1234.5", 1234.5),
    "money": (99.999, 100),
    "date": ("2026-03-01", "2026-03-01"),
    "choice": ("Gold", "gold"),
    "choices": (["Very big", "gold"], ["gold", "very_big"]),
    "yes_no": ("yes", True),
    "link": ("https://a.example/b", "https://a.example/b"),
    "user": ("ada@vendor.example", None),
    "text": (" Wheels ", "Wheels"),
}


def test_every_type_holds_what_it_should_and_says_what_it_should_not(api, session, ada, sal):
    for kind in GOOD:
        choices = ("Gold", "Very big") if kind.startswith("choice") else ()
        make_field(session, ada, "account", kind, f"My {kind}", choices=choices)
    account, client = make_account(session, "Acme", owner=sal), api(sal)
    url = f"/api/v1/accounts/{account.ref}"
    given = {f"c_my_{kind}": value for kind, (value, _kept) in GOOD.items()}
    answer = client.patch(url, json={"custom": given})
    kept = {f"c_my_{kind}": value for kind, (_given, value) in GOOD.items()} | {"c_my_user": ada.ref}
    assert (answer.status_code, answer.json["custom"]) == (200, kept)
    for kind, values in BAD.items():
        for value in values:
            refused = client.patch(url, json={"custom": {f"c_my_{kind}": value}})
            assert refused.status_code == 422, (kind, value)
            assert list(refused.json["errors"]) == [f"custom.c_my_{kind}"]
    for name in ("c_nothing", "name", "nothing"):
        refused = client.patch(url, json={"custom": {name: "x"}})
        assert (refused.status_code, list(refused.json["errors"])) == (422, [f"custom.{name}"])
    # What is not named stays; null empties; the event says what it was called.
    assert client.patch(url, json={"custom": {"c_my_choice": None}}).json["custom"] == kept | {
        "c_my_choice": None
    }
    first, second = rows(session, Event, Event.record_kind == "account", Event.verb == "edited")
    assert first.changes["c_my_choices"] == [None, "Gold; Very big"]
    assert (first.changes["c_my_user"], second.changes) == ([None, "Ada"], {"c_my_choice": ["Gold", None]})
    assert client.get(url).json["custom"]["c_my_choice"] is None
    made = client.post("/api/v1/contacts", json={"last_name": "Roe", "account_id": account.ref})
    assert made.json["custom"] == {}


def test_numbers_and_days_keep_their_order_as_text(session, ada):
    number = make_field(session, ada, kind="number", label="Size")
    field = catalogue(session).all("account")[number.name]
    values = [-(10**14), -12.5, -12, -0.000001, 0, 0.5, 3, 20, 10**14]
    assert sorted(values) == sorted(values, key=lambda value: for_index(field, value))
    assert for_index(field, None) < for_index(field, -(10**14))


def test_what_is_said_of_a_field_is_required_and_its_type_stays(session, ada, mara):
    with pytest.raises(NotAllowed):
        create_field(session, actor_of(session, mara), draft(), now=clock.now())
    with pytest.raises(Invalid) as refused:
        create_field(
            session, actor_of(session, ada), draft(kind="choice", help="", description=" "), now=clock.now()
        )
    assert set(refused.value.errors) == {"help", "description", "choices"}
    field = make_field(session, ada, kind="choice", label="Ségment", choices=("Gold", "Iron"))
    again = make_field(session, ada, label="Segment")
    assert (field.name, again.name) == ("c_segment", "c_segment_2")
    actor, now = actor_of(session, ada), clock.now()
    account = create_account(session, actor, {"name": "Acme", "c_segment": "iron"}, now=now)
    with pytest.raises(Invalid):
        edit_field(session, actor, field.ref, draft(kind="text"), now=now)
    # Another name for a choice; the other is in use and can only be retired.
    wanted = draft(kind="choice", label="Segment")
    wanted.choices = [_choice("gold", "Golden"), _choice("", "New")]
    with pytest.raises(Invalid) as refused:
        edit_field(session, actor, field.ref, wanted, now=now)
    assert "Iron" in str(refused.value.errors["choices"][0])
    wanted.choices = [_choice("new", "New"), _choice("iron", "Steel", retired=True)]
    edit_field(session, actor, field.ref, wanted, now=now)
    assert account.custom == {"c_segment": "iron"}
    edit_account(session, actor, account.ref, {"c_segment": "iron", "site": "Girona"}, now=now)
    with pytest.raises(Invalid):
        create_account(session, actor, {"name": "Bolt", "c_segment": "Steel"}, now=now)


def _choice(key, name, *, retired=False):
    return ChoiceDraft(key, name, {}, retired)


def test_a_field_with_values_goes_after_a_number_was_agreed_to(session, ada, api):
    field = make_field(session, ada, "account", "text", "Fax")
    kept = make_field(session, ada, "account", "text", "Kept")
    actor, now = actor_of(session, ada), clock.now()
    account = create_account(session, actor, {"name": "Acme", field.name: "1", kept.name: "2"}, now=now)
    session.commit()
    with pytest.raises(Conflict):
        delete_field(session, actor, field.ref, now=now)
    assert delete_field(session, actor, field.ref, knowingly=1, now=now) == 1
    session.commit()
    assert field.name not in catalogue(session).all("account")
    finish_work(session)
    session.refresh(account)
    assert account.custom == {kept.name: "2"}
    assert make_field(session, ada, "account", "text", "Fax").name == "c_fax_2"
    event = rows(session, Event, Event.record_kind == "custom_field", Event.verb == "deleted")[0]
    assert event.detail["values"] == 1
    index_field(session, actor, kept.ref, now=now)
    session.commit()
    finish_work(session)
    client = api(ada)
    assert [a["name"] for a in client.get(f"/api/v1/accounts?{kept.name}=2").json["items"]] == ["Acme"]
    assert client.get(f"/api/v1/accounts?{kept.name}=3").json["items"] == []
    assert client.get(f"/api/v1/contacts?{kept.name}=2").status_code == 422
    count_fields(session, "account", now=now)
    counted = {row.name: (row.filled, row.looked_at) for row in rows(session, FieldCount)}
    assert (counted[kept.name], counted["name"]) == ((1, 1), (1, 1))
    assert rows(session, CustomField, CustomField.deleted_at.is_(None)) != []
