"""Probable duplicates: what is shown before saving, what the worker finds, whom it tells, what stays hidden."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts.contact_operations import create_contact
from app.accounts.errors import ProbableDuplicate
from app.accounts.operations import create_account, edit_account
from app.care.comparing import compare_some
from app.care.models import DuplicateCheck, DuplicatePair, PairState
from app.identity.models import AccountScope
from app.kernel.actor import Role
from app.notifications.models import Delivery, Notification
from tests.factories import actor_of, make_account, make_contact, make_user, rows


def compare(session, now):
    """Let the worker come to its end."""
    while compare_some(session, now=now):
        session.flush()


def refused(session, actor, create, values, now):
    with pytest.raises(ProbableDuplicate) as refusal:
        create(session, actor, values, now=now)
    return [(match.name, match.reasons) for match in refusal.value.matches]


def test_names_are_compared_as_people_read_them(session, ada, now):
    actor = actor_of(session, ada)
    for name in (
        "Forges Riera, S.L.",
        "Zürich Maschinenbau GmbH",
        "Store 12",
        "株式会社山田製作所",
        "Северсталь ПАО",
    ):
        make_account(session, name)
    compare(session, now)
    for name, alike in (
        ("FORGES RIERA", "Forges Riera, S.L."),
        ("Forgse Riera SA", "Forges Riera, S.L."),
        ("ForgesRiera", "Forges Riera, S.L."),
        ("Zurich Machinenbau AG", "Zürich Maschinenbau GmbH"),
        ("山田製作所", "株式会社山田製作所"),
        ("Севeрсталь".replace("e", "е"), "Северсталь ПАО"),
    ):
        assert refused(session, actor, create_account, {"name": name}, now) == [(alike, ("name",))], name
    for name in ("Store 13", "Forges Rivera del Ter", "Riera"):
        create_account(session, actor, {"name": name}, now=now)


def test_two_shops_of_one_name_are_told_apart_by_their_sites(session, ada, now):
    actor = actor_of(session, ada)
    make_account(session, "Montse Shop", site="Girona", website="https://shop.example")
    values = {"name": "Montse Shop", "website": "shop.example"}
    create_account(session, actor, {**values, "site": "Vic"}, now=now)
    assert refused(session, actor, create_account, values, now)[0] == ("Montse Shop", ("name", "domain"))
    make_account(session, "Bakery", website="https://gmail.com")
    create_account(session, actor, {"name": "Butcher", "website": "gmail.com"}, now=now)


def test_people_are_told_apart_by_more_than_a_name(session, ada, now):
    actor = actor_of(session, ada)
    home = {"billing_street": "6 Tullaroop Street", "billing_city": "St James", "billing_postal_code": "4011"}
    person = {"kind": "person", "first_name": "Jamilla", "last_name": "Waller"}
    create_account(session, actor, {**person, **home}, now=now)
    compare(session, now)
    twin = {**person, "first_name": "Jamila", **home, "billing_street": "6, Tularoop Street"}
    assert refused(session, actor, create_account, twin, now) == [("Jamilla Waller", ("name", "address"))]
    elsewhere = {"billing_street": "48 Goldfinch Circuit", "billing_city": "Canterbury"}
    create_account(session, actor, {**person, **elsewhere}, now=now)
    work = make_account(session, "Forges")
    make_contact(
        session, "Puig", first_name="Marta", account=work, email="marta@gmail.com", phone="+34600111222"
    )
    compare(session, now)
    at_work = {"last_name": "Piug", "first_name": "Marta", "account_id": work.ref}
    assert refused(session, actor, create_contact, at_work, now) == [("Marta Puig", ("name",))]
    by_mail = {"last_name": "Other", "email": "MARTA@gmail.com", "phone": "600 11 12 22"}
    assert refused(session, actor, create_contact, by_mail, now) == [("Marta Puig", ("email",))]
    create_contact(session, actor, {**at_work, "last_name": "Puig", "first_name": "Pere"}, now=now)


def test_the_worker_finds_pairs_and_takes_them_back(session, ada, now):
    one, two = make_account(session, "Forges Riera"), make_account(session, "Forgas Riera")
    compare(session, now)
    pair = session.scalars(select(DuplicatePair)).one()
    assert (pair.one_id, pair.other_id, pair.reasons, pair.state) == (
        one.id,
        two.id,
        ["name"],
        PairState.OPEN,
    )
    assert rows(session, DuplicateCheck) == []
    edit_account(session, actor_of(session, ada), two.ref, {"name": "Something else"}, now=now)
    compare(session, now)
    assert pair.state is PairState.GONE


def test_a_duplicate_of_what_one_may_not_see_is_told_to_its_owner_alone(session, sal, now):
    now = now + timedelta(minutes=1)
    narrow = make_user(session, "Nora", role=Role.SALES, account_scope=AccountScope.PORTFOLIO)
    sal.mail_preferences = {}
    hidden = make_account(session, "Forges Riera", owner=sal, website="https://forges.example")
    values = {"name": "Forges Riera", "website": "forges.example"}
    made = create_account(session, actor_of(session, narrow), values, now=now)
    assert rows(session, Notification) == []
    compare(session, now)
    notice = session.scalars(select(Notification)).one()
    assert (notice.user_id, notice.record_kind, notice.record_id) == (sal.id, "account", hidden.id)
    assert notice.detail == {"reasons": ["name", "domain"], "other": made.id}
    assert rows(session, Delivery) == []
    edit_account(session, actor_of(session, narrow), made.ref, {"name": "Forges Riera SL"}, now=now)
    compare(session, now)
    assert len(rows(session, Notification)) == 1
