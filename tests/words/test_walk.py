"""Every page of a company that calls things otherwise, in three languages: no standard word is left on any."""

import html
import re
from collections.abc import Iterator
from itertools import product

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.identity.organisation import edit_organisation
from app.kernel import clock
from tests.factories import (
    actor_of,
    make_account,
    make_case,
    make_contact,
    make_opportunity,
    make_queue,
    make_round_robin,
    open_portal,
)
from tests.notifications.correspondence import correspond
from tests.notifications.mailing import text_of

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.long]

NAMES = {
    "en": {"lead": ["enquiry", "enquiries"], "account": ["organisation", "organisations"]},
    "es": {"lead": ["consulta", "consultas", "f"], "account": ["cliente", "clientes", "m"]},
    "ca": {"lead": ["consulta", "consultes", "f"], "account": ["organització", "organitzacions", "f"]},
}
OLD = {
    "en": re.compile(r"(?<![\w-])(?:leads?|accounts?)(?![\w-])", re.I),
    "es": re.compile(r"(?<![\w-])(?:leads?|cuentas?)(?![\w-])", re.I),
    "ca": re.compile(r"(?<![\w-])(?:leads?|comptes?)(?![\w-])", re.I),
}
# What stays: "to lead", «contar», an account that one signs in to, idioms.
KEPT = {
    "en": ("leads to it.", "where it leads", "leads to the list of it", "leads to what it counts", "the people you lead", "each status leads", "your account at", "opened an account for you", "sign-in to your account",
           "off your account"),
    "es": ("uenta como", "Di qué cuenta", "cuenta lo que", "lo que cuenta.", "Se cuenta:", "se cuenta el importe", "tu cuenta en", "abierto una cuenta", "acceso a tu cuenta", "tu cuenta el"),
    "ca": ("vostre compte", "obert un compte", "en comptes de"),
}  # fmt: skip
# Files, ways out, and pages that show the standard words themselves, or a change of words as it was recorded.
LEFT_OUT = re.compile(
    r"/setup/words|/audit-log|/static/|/sign-out|\.csv|\.xlsx|/api/|/export|/calendar|/healthz|/readyz|/manifest"
)
_SHOWN = re.compile(r'(?:aria-label|title|placeholder|alt|data-label|data-confirm|content)="([^"]*)"')


def visible(page: str) -> str:
    """What a page says, to eyes and to screen readers."""
    page = re.sub(r"<(script|style)\b.*?</\1>|<code\b.*?</code>", " ", page, flags=re.S)
    return html.unescape(re.sub(r"<[^>]*>", " ", page) + " ".join(_SHOWN.findall(page)))


def addresses(app: Flask, refs: dict[str, str]) -> Iterator[str]:
    """Every page that can be asked for without more than the records of this world."""
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or LEFT_OUT.search(rule.rule):
            continue
        path, known = rule.rule, True
        for name, converter in rule._converters.items():
            value = refs.get(getattr(converter, "kind", "") or name)
            known = known and value is not None
            path = re.sub(rf"<(?:[^<>]*:)?{name}>", value or "", path)
        if known:
            yield path


def test_no_standard_word_is_left(app, session: Session, ada, signed_in):
    world = correspond(session)
    account = make_account(session, "Forges", owner=world.mara)
    refs = {
        "acct": account.ref, "cont": make_contact(session, "Puig", account=account, owner=world.mara).ref,
        "lead": world.leads["internal"].ref, "opp": make_opportunity(session, "Pumps", account=account, owner=world.mara).ref,
        "case": make_case(session, "Broken", account=account, owner=world.mara).ref,
        "queue": make_queue(session, "North").ref, "rr": make_round_robin(session, "Round").ref,
        "user": world.mara.ref, "thing": "lead",
    }  # fmt: skip
    open_portal(session)
    walks = [
        (person, signed_in(person), sorted(addresses(app, {**refs, "lead": lead.ref})))
        for person, lead in ((ada, world.leads["internal"]), (world.pia, world.leads["owned"]))
    ]
    edit_organisation(session, actor_of(session, ada), {"names": NAMES}, now=clock.now())
    said = []
    for language, (person, browser, pages) in product(OLD, walks):
        person.language = world.mara.language = world.pam.language = language
        session.commit()
        answers = [(path, browser.get(path)) for path in pages]
        said += [
            (language, path, visible(answer.get_data(as_text=True)))
            for path, answer in answers
            if answer.status_code == 200 and answer.mimetype.startswith("text/html")
        ]
        if person is world.pia:
            mails = {name: world.write(session, name) for name in world.deliveries}
            said += [(language, name, f"{mail['Subject']}\n{text_of(mail)}") for name, mail in mails.items()]
    assert len(said) > 450
    found = [line for language, where, text in said for line in left(language, where, text)]
    assert not found, "\n".join(found)


def left(language: str, where: str, text: str) -> Iterator[str]:
    """The standard words in a text, each with what is around it."""
    # Addresses stay.
    text = re.sub(r"http\S+", "", text)
    for hit in OLD[language].finditer(text):
        around = " ".join(text[max(0, hit.start() - 70) : hit.end() + 40].split())
        if not any(kept in around for kept in KEPT[language]):
            yield f"{language} {where}: {around}"
