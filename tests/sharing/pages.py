"""What tests of pages about sharing have in common: a rule, and the words of a page."""

import re

from app.accounts.models import Account
from app.kernel import clock
from app.sharing.sharing_rules import create_rule, read_rule
from tests.factories import actor_of, rows

GIRONA = {"field": "city", "op": "equals", "value": "Girona"}


def rule_for(session, user, share_with, **given):
    """A rule about leads in Girona, as somebody wrote it.  given: what is otherwise."""
    written = {"object": "lead", "kind": "criteria", "criteria": GIRONA, "level": "read", "share_with": share_with, "name": "Girona"}  # fmt: skip
    actor = actor_of(session, user)
    rule = create_rule(session, actor, read_rule(session, {**written, **given}), now=clock.now())
    session.commit()
    return rule


def account_of(session, partner):
    """The account that the partner is."""
    return rows(session, Account, Account.id == partner.account_id)[0]


def page_words(page):
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))
