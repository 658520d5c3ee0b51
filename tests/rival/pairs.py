"""Probable duplicates among what is hidden, and the words that hidden records hold."""

from sqlalchemy.orm import Session

from app.care.models import DuplicatePair
from app.kernel import refs
from app.search.near import learn
from tests.factories import make_account
from tests.rival.worlds import STEM, World, veil


def add_veiled_pairs(session: Session, world: World) -> None:
    """Two accounts of others that are alike."""
    one, other = (make_account(session, owner=world.people["nora"]) for _ in range(2))
    veil(one, other)
    session.flush()
    pair = DuplicatePair(
        ref=refs.new_ref(refs.DUPLICATE), kind="account", one_id=one.id, other_id=other.id, reasons=["name"],
        weight=1, found_at=world.now,
    )  # fmt: skip
    session.add(pair)
    learn(session, [STEM])
    world.veiled["acct"] += [one.ref, other.ref]
    world.veiled["pair"].append(pair.ref)
