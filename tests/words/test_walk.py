"""Every page of a company that calls things otherwise, in three languages: no standard word is left on any."""

import html
import re
from collections.abc import Iterator

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
    make_lead,
    make_opportunity,
    make_queue,
    make_round_robin,
)

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
# What stays, and why.
KEPT = {
    "en": ("leads to it.", "where it leads", "each status leads", "Names of objects", "partner account"),
    "es": ("cuenta como", "Di qué cuenta", "se cuenta el importe", "Nombres de los objetos"),
    "ca": ("Noms dels objectes",),
}
# Files, ways out, what asks for something else first.
LEFT_OUT = re.compile(r"/static/|/sign-out|\.csv|\.xlsx|/api/|/export|/calendar|/healthz|/readyz|/manifest")
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


def test_no_standard_word_is_left(app, session: Session, ada, mara, signed_in):
    now = clock.now()
    account = make_account(session, "Forges", owner=mara)
    contact = make_contact(session, "Puig", account=account, owner=mara)
    refs = {
        "acct": account.ref, "cont": contact.ref, "lead": make_lead(session, owner=mara, company="Ferrer", last_name="Vidal", email="vidal@ferrer.example").ref,
        "opp": make_opportunity(session, "Pumps", account=account, owner=mara).ref,
        "case": make_case(session, "Broken", account=account, owner=mara).ref,
        "queue": make_queue(session, "North").ref, "rr": make_round_robin(session, "Round").ref,
        "user": mara.ref, "thing": "lead",
    }  # fmt: skip
    browser = signed_in(ada)
    pages = sorted(addresses(app, refs))
    edit_organisation(session, actor_of(session, ada), {"names": NAMES}, now=now)
    session.commit()
    found = []
    for language, old in OLD.items():
        ada.language = language
        session.commit()
        for path in pages:
            answer = browser.get(path)
            if answer.status_code != 200 or not answer.mimetype.startswith("text/html"):
                if language == "en":
                    print(answer.status_code, path)
                continue
            text = visible(answer.get_data(as_text=True))
            for hit in old.finditer(text):
                around = " ".join(text[max(0, hit.start() - 70) : hit.end() + 40].split())
                if not any(kept in around for kept in KEPT[language]):
                    found.append(f"{language} {path}: {around}")
    print(len(pages))
    assert not found, "\n".join(found)
