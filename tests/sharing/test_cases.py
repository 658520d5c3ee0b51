"""Who sees which cases, against an independent oracle: random people, cases, rules and shares."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.cases.filters import parse_case_query
from app.cases.models import Case
from app.cases.operations import edit_case
from app.cases.queries import count_cases, get_case_and_level, list_cases, open_case
from app.identity.models import AccountScope, User
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Level, Role
from app.kernel.errors import NotFound
from app.sharing.explain import why
from app.sharing.scope import scope
from app.sharing.shares import share_record
from app.sharing.sharing_rules import create_rule, read_rule
from app.sharing.verify import differences
from tests.factories import SYSTEM, actor_of, make_account, make_case, make_contact
from tests.sharing.shared_worlds import Shared, any_principal, belongs, build_shared, settle_all

_QUIET: Any = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}
_LEVELS = {"private": 0, "read": 2, "read_write": 3}

pytestmark = pytest.mark.usefixtures("at_once")


@pytest.mark.long_on("postgresql")
def test_who_sees_a_case_agrees_with_the_oracle(app: Any, session: Session) -> None:
    _live_through(session, 1)


@pytest.mark.long
@settings(max_examples=60, **_QUIET)
@given(seed=st.integers(0, 10**9))
def test_sixty_worlds_of_cases_agree_with_the_oracle(app: Any, session: Session, seed: int) -> None:
    _live_through(session, seed)


def _live_through(session: Session, seed: int) -> None:
    try:
        chance = random.Random(seed + 7)
        shared = build_shared(session, seed)
        world = _World(session, shared, chance)
        world.check()
        ada = actor_of(session, shared.administrator)
        for case in chance.sample(world.live, 3):  # what is changed is settled with the change
            values = {"priority": chance.choice(["low", "high"]), "owner": chance.choice(world.inside).ref}
            edit_case(session, ada, case.ref, values, now=clock.now())
        settle_all(session)
        world.check()
        assert list(differences(session)) == []
    finally:
        session.rollback()


class _World:
    """Cases of a world in which things are shared, and what the oracle needs to know of them."""

    def __init__(self, session: Session, shared: Shared, chance: random.Random) -> None:
        self.session, self.shared, self.chance = session, shared, chance
        self.inside = [p for p in shared.world.people if not p.is_partner]
        keys = [partner.account_id for partner in shared.world.partners]
        self.accounts = list(
            session.scalars(select(Account).where(scope(Account, SYSTEM), Account.id.in_(keys)))
        )
        self.accounts.append(make_account(session, owner=chance.choice(self.inside)))
        self.default = {side: chance.choice(list(_LEVELS)) for side in ("internal", "external")}
        if _LEVELS[self.default["external"]] > _LEVELS[self.default["internal"]]:
            self.default["external"] = self.default["internal"]
        organisation = get_organisation(session)
        organisation.defaults = {**organisation.defaults, "case": self.default}
        self.cases = [self._case(may_be_gone=number >= 3) for number in range(8)]
        self.live = [case for case in self.cases if case.deleted_at is None]
        self.rules = [self._rule(kind) for kind in ("owner", "criteria")]
        self.shares = [self._share(case) for case in chance.sample(self.live, 2)]
        settle_all(session)

    def _case(self, *, may_be_gone: bool) -> Case:
        chance, owner = self.chance, self.chance.choice(self.inside)
        account = chance.choice([None, *self.accounts])
        contact = None
        if chance.random() < 0.5:  # one without an account is private; the case is not
            contact = make_contact(self.session, account=account, owner=chance.choice(self.inside))
        priority = chance.choice(["low", "high"])
        gone = clock.now() if may_be_gone and chance.random() < 0.2 else None
        return make_case(
            self.session, account=account, contact=contact, owner=owner, priority=priority, deleted_at=gone
        )

    def _rule(self, kind: str) -> dict[str, Any]:
        chance = self.chance
        written: dict[str, Any] = {
            "object": "case",
            "kind": kind,
            "share_with": any_principal(self.session, self.shared, chance),
            "level": chance.choice(["read", "edit"]),
        }
        if kind == "owner":
            written["owned_by"] = any_principal(self.session, self.shared, chance)
        else:
            written["criteria"] = {
                "field": "priority",
                "op": "equals",
                "value": chance.choice(["low", "high"]),
            }
        ada = actor_of(self.session, self.shared.administrator)
        create_rule(self.session, ada, read_rule(self.session, written), now=clock.now())
        return written

    def _share(self, case: Case) -> tuple[int, dict[str, Any], int]:
        spec, level = any_principal(self.session, self.shared, self.chance), self.chance.choice([2, 3])
        ada = actor_of(self.session, self.shared.administrator)
        share_record(self.session, ada, case, spec, {2: "read", 3: "edit"}[level], now=clock.now())
        return case.id, spec, level

    def oracle(self, person: User, case: Case) -> int:
        """The level by the words of the design, without a database.  0: not seen."""
        if case.deleted_at is not None:
            return 0
        if person.role is Role.ADMINISTRATOR:
            return 4
        given = [0]
        side = "external" if person.is_partner else "internal"
        if person.account_scope is AccountScope.ALL:
            given.append(_LEVELS[self.default[side]])
        if case.owner_user_id == person.id:
            given.append(4)
        account = next((a for a in self.accounts if a.id == case.account_id), None)
        if account is not None and not person.is_partner:
            answers = (account.id, person.id) in self.shared.world.responsibles
            given.append(3 if answers or account.owner_user_id == person.id else 0)
        given += [self._by_rule(person, case, rule) for rule in self.rules]
        given += [
            level
            for key, spec, level in self.shares
            if key == case.id and belongs(self.session, self.shared, person, spec)
        ]
        return min(max(given), 2) if person.role is Role.VIEWER else max(given)

    def _by_rule(self, person: User, case: Case, rule: dict[str, Any]) -> int:
        if rule["kind"] == "owner":
            owner = self.session.get_one(User, case.owner_user_id)
            holds = belongs(self.session, self.shared, owner, rule["owned_by"], as_owner=True)
        else:
            holds = case.priority == rule["criteria"]["value"]
        if not holds or not belongs(self.session, self.shared, person, rule["share_with"]):
            return 0
        return 3 if rule["level"] == "edit" else 2

    def check(self) -> None:
        """Every way of asking says what the oracle says, for every person and case."""
        session = self.session
        for person in self.shared.world.people:
            actor = actor_of(session, person)
            expected = {case.ref: self.oracle(person, case) for case in self.cases}
            seen = {ref: level for ref, level in expected.items() if level}
            query = parse_case_query(session, actor, {})
            assert {row.case.ref for row in list_cases(session, actor, query).items} == set(seen), person.role
            assert count_cases(session, actor, query) == len(seen)
            for level in Level:
                found = set(session.scalars(select(Case.ref).where(scope(Case, actor, level))))
                assert found == {ref for ref, given in seen.items() if given >= level}, (person.role, level)
            for case in self.cases:
                level_given, causes = why(session, actor, case)
                assert (level_given or 0) == expected[case.ref]
                assert bool(causes) == bool(level_given)
                if expected[case.ref]:
                    assert get_case_and_level(session, actor, case.ref)[1] == expected[case.ref]
                    self._check_names(actor, person, case)
                else:
                    with pytest.raises(NotFound):
                        open_case(session, actor, case.ref)

    def _check_names(self, actor: Any, person: User, case: Case) -> None:
        """A contact that is private is named to its owner and administrators alone."""
        contact = open_case(self.session, actor, case.ref).contact
        if contact is not None and contact.account_id is None:
            assert person.role is Role.ADMINISTRATOR or contact.owner_user_id == person.id
