"""What is known of the demo company's shops: who answers for them, what they want, whom they deal with."""

from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import select

from app.accounts.models import Account
from app.accounts.operations import add_responsible, edit_account
from app.accounts.relations.characteristics import add_characteristic
from app.accounts.relations.interests import note_interest
from app.accounts.relations.registries import CHARACTERISTIC_TYPES, INTEREST_AREAS
from app.accounts.relations.relationships import add_relationship
from app.identity.queries import find_actor
from app.registries.operations import add_item, add_many
from app.sharing.scope import scope

AREAS = """Bikes
  Road bikes
    Gravel
  Mountain bikes
  Touring bikes
  Electric bikes
Components
  Wheels
  Frames
  Brakes
Clothing
  Jerseys
  Gloves
Accessories
  Helmets
  Lights
Services
  Workshop training
"""
LEAVES = (
    "Gravel",
    "Mountain bikes",
    "Touring bikes",
    "Electric bikes",
    "Wheels",
    "Frames",
    "Brakes",
    "Helmets",
)
NEEDS = (
    "Asks for a cargo model under 3,000 that fits their loading bay.",
    "Wants delivery within two days; the present supplier takes a week.",
    "Needs training for two mechanics before the season.",
    "Looks for a rental fleet of 20 with one contract for service.",
)
TYPES = (("Shop size", ("small", "medium", "large")), ("Workshop", ("own", "none")), ("Languages", ()))
SHOPS = 24


def set_up_relations(company: Any) -> None:
    """Areas, types, and what hangs on two dozen shops.  Draws from a source of its own."""
    session, chance = company.session, Random(7)  # noqa: S311 - the demo's chance is no secret
    ada, mara = find_actor(session, company.staff["ada"].id), company.manager
    if ada is None:
        raise RuntimeError("the demo's administrator may not act")
    begin = company.begin + timedelta(days=3)
    add_many(session, ada, INTEREST_AREAS, AREAS, now=begin)
    for name, allowed in TYPES:
        add_item(session, ada, CHARACTERISTIC_TYPES, {"name": name, "allowed": allowed}, now=begin)
    seen = select(Account).where(scope(Account, mara))
    shops = session.scalars(
        seen.where(Account.industry == "Bicycle retail").order_by(Account.name_fold, Account.id).limit(SHOPS)
    ).all()
    makers = session.scalars(
        seen.where(Account.type == "Certified provider").order_by(Account.name_fold, Account.id).limit(6)
    ).all()
    people = [company.staff["sal"], company.staff["ingrid"], company.staff["hugo"]]
    for number, shop in enumerate(shops):
        at = max(
            shop.created_at + timedelta(hours=2),
            company.now - timedelta(days=chance.randrange(2, 120), hours=chance.randrange(24)),
        )
        for area in chance.sample(LEAVES, chance.randrange(1, 4)):
            wants = chance.random() < 0.8
            need = chance.choice(NEEDS) if wants and chance.random() < 0.4 else None
            note_interest(session, mara, shop.ref, area, is_interested=wants, need=need, now=at)
        add_characteristic(session, mara, shop.ref, "Shop size", chance.choice(TYPES[0][1]), now=at)
        add_characteristic(session, mara, shop.ref, "Workshop", chance.choice(TYPES[1][1]), now=at)
        if number % 3 == 0:
            person = people[number // 3 % len(people)]
            if person.id != shop.owner_user_id:
                role = chance.choice(("Account manager", "Technical contact"))
                add_responsible(session, mara, shop.ref, person.ref, role=role, now=at)
        if makers and number % 2 == 0:
            maker = makers[number % len(makers)]
            since = max(at, maker.created_at + timedelta(hours=2))
            add_relationship(
                session, mara, maker.ref, shop.ref, "Supplier of", since_on=since.date(), now=since
            )
        if number % 5 == 1:
            add_relationship(session, mara, shop.ref, shops[number - 1].ref, "Competitor of", now=at)
    for branch in shops[1:5]:  # a small chain, with one shop below a branch
        above = shops[1] if branch is shops[4] else shops[0]
        if branch.id != above.id:
            edit_account(session, mara, branch.ref, {"parent_id": above.ref}, now=begin)
