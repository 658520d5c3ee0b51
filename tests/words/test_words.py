"""What objects and fields are called: renamed in setup, followed by every text, and given back."""

import csv
import io
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from app.events.models import Event
from app.identity.queries import get_organisation
from app.intake.uploads import field_labels
from app.kernel.errors import Invalid
from app.kernel.labels import RENAMEABLE
from app.lists.jobs import run_waiting
from app.setup.words_samples import SAMPLES
from app.words.edition import in_force
from app.words.given import given_noun
from app.words.grammar import Renaming, is_about, rewritten
from app.words.nouns import STANDARD, Gender, Noun, standard_gender
from app.words.senses import ALSO_MEANT, MEANT_OTHERWISE, afar
from tests.factories import make_lead, rows
from tests.notifications.correspondence import correspond
from tests.notifications.mailing import text_of

M, F = Gender.MASCULINE, Gender.FEMININE
LEAD = {
    "en-one": "Enquiry", "en-many": "enquiries", "es-one": "consulta", "es-many": "consultas", "es-gender": "f",
    "ca-one": "consulta", "ca-many": "consultes", "ca-gender": "f", "en-company-label": "Organisation",
}  # fmt: skip
ES, CA = ("es", "lead", Noun("lead", "leads", M)), ("ca", "lead", Noun("lead", "leads", M))


@pytest.mark.parametrize(
    ("language", "thing", "old", "new", "before", "after"),
    [
        ("en", "lead", Noun("lead", "leads"), Noun("enquiry", "enquiries"), "A lead of %(lead)s; Leads", "An enquiry of %(lead)s; Enquiries"),
        (*ES, Noun("consulta", "consultas", F), "Del lead nuevo al primer lead abierto", "De la consulta nueva a la primera consulta abierta"),
        (*ES, Noun("consulta", "consultas", F), "Los %(num)s leads ya están asignados", "Las %(num)s consultas ya están asignadas"),
        (*ES, Noun("consulta", "consultas", F), "Ha abierto un lead con él", "Ha abierto una consulta con ella"),
        (*ES, Noun("consulta", "consultas", F), "Con este lead; asígnalo a otra persona o deja que alguien lo tome", "Con esta consulta; asígnala a otra persona o deja que alguien la tome"),
        (*CA, Noun("consulta", "consultes", F), "Un lead es considera qualificat", "Una consulta es considera qualificada"),
        (*ES, Noun("interesado", "interesados", M), "Cuentas y leads", "Cuentas e interesados"),
        (*CA, Noun("entrada", "entrades", F), "Del lead, el lead i els altres leads", "De l'entrada, l'entrada i les altres entrades"),
        (*CA, Noun("encàrrec", "encàrrecs", M), "El lead passa al lead i pel lead", "L'encàrrec passa a l'encàrrec i per l'encàrrec"),
        ("ca", "opportunity", Noun("oportunitat", "oportunitats", F), Noun("negoci", "negocis", M), "L'oportunitat d'una oportunitat oberta", "El negoci d'un negoci obert"),
        ("ca", "account", Noun("compte", "comptes", M), Noun("idea", "idees", F), "En comptes de Del compte", "En comptes de De la idea"),
    ],
)  # fmt: skip
def test_a_sentence_follows_its_noun(language, thing, old, new, before, after):
    assert rewritten(language, before, [Renaming(thing, old, new)]) == after


@pytest.mark.databases("sqlite")
def test_what_is_said_of_words_is_true_of_the_catalogue(app):
    """No phrase is kept for a text that is gone, and the objects here are those of the labels."""
    assert set(STANDARD) == RENAMEABLE == set(SAMPLES)
    for language in ("es", "ca"):
        with (Path(app.root_path) / "translations" / language / "LC_MESSAGES" / "messages.po").open(
            "rb"
        ) as file:
            messages = [message for message in read_po(file) if message.id]
        english = {form for m in messages for form in ([m.id] if isinstance(m.id, str) else m.id)}
        for texts in SAMPLES.values():
            assert {form for text in texts for form in ([text] if isinstance(text, str) else text)} <= english
        for phrases in ALSO_MEANT.values():
            assert all(any(text.startswith(phrase) for text in english) for phrase in phrases)
        for thing in STANDARD:
            about = [
                str(m.string) for m in messages if is_about(m.id if isinstance(m.id, str) else m.id[0], thing)
            ]
            assert [
                old for old, _new in afar(language, thing) if not any(old in text for text in about)
            ] == []
            assert standard_gender(language, thing) is not None
    spoken = {"leads to something", "leads to the right", "nothing leads to", "pages lead", "your account at"}
    assert spoken <= {phrase for phrases in MEANT_OTHERWISE.values() for phrase in phrases}


@pytest.mark.parametrize("word", ["lead<b>", 'lead" hx-get="/x', "100% lead", "{lead}"])
def test_a_word_is_no_part_of_a_page_or_a_form(word):
    for noun in ([word, "leads"], ["lead", word]):
        with pytest.raises(Invalid):
            given_noun("en", noun)
    assert given_noun("en", ["R&D call", "l'ordre d'entrada"]) == ["R&D call", "l'ordre d'entrada"]


@pytest.mark.databases("sqlite")
def test_an_object_and_a_field_are_called_otherwise_and_as_before_again(app, signed_in, session, ada, api):
    world = correspond(session, "es")
    lead = make_lead(session, owner=world.mara, company="Forges", last_name="Puig")
    browser, client = signed_in(ada), api(ada)
    version = {"version": str(get_organisation(session).version)}
    pages = ["/leads/new", "/accounts", f"/leads/{lead.ref}", "/setup/"]
    plain = [standing(browser, page) for page in pages]
    tried = browser.submit("/setup/words/lead", {**LEAD, **version, "act": "try"}).get_data(as_text=True)
    assert "3 consultas abiertas" in tried
    assert [standing(browser, page) for page in pages] == plain

    assert browser.submit("/setup/words/lead", {**LEAD, **version}).status_code == 303
    late = browser.submit("/setup/words/lead", {**LEAD, **version, "en-one": "hint"})
    assert late.status_code == 409
    assert 'value="hint"' in late.get_data(as_text=True)
    half = {"version": str(get_organisation(session).version), "es-one": "", "es-many": "consultas"}
    assert browser.submit("/setup/words/lead", half).status_code == 422
    [event] = rows(session, Event, Event.record_kind == "organisation")
    assert event.changes["names"][1]["en"] == {"lead": ["enquiry", "enquiries"]}

    form = browser.get("/leads/new").get_data(as_text=True)
    assert "Company" not in form
    assert ("Add an enquiry" in form or "New enquiry" in form, "Organisation" in form) == (True, True)
    assert ">Enquiries<" in re.sub(r"\s+", "", browser.get("/accounts").get_data(as_text=True))
    assert "Una consulta nueva" in text_of(world.write(session, "lead_in_queue"))
    read = client.get("/openapi.json").json
    assert {tag["name"] for tag in read["tags"]} >= {"Enquiries", "Accounts"}
    assert read["paths"]["/api/v1/leads"]["get"]["summary"] == "List enquiries"
    assert "company" in read["components"]["schemas"]["NewLead"]["properties"]
    assert "Organisation" in field_labels("lead")["company"]
    browser.submit("/lists/lead/export", {"format": "csv", "headings": "shown"}, page="/leads")
    while run_waiting(seconds=0):
        pass
    exports = re.search(r"/lists/exports/(exp_\w+)", browser.get("/lists/jobs").get_data(as_text=True))
    answer = browser.get(f"{exports[0]}/file")
    assert re.search(r"filename=enquiries-[\d-]+\.csv", answer.headers["Content-Disposition"])
    file = answer.get_data().decode("utf-8-sig")
    assert {"id", "Organisation", "Last name"} <= set(next(csv.reader(io.StringIO(file))))

    back = {"version": str(get_organisation(session).version), "act": "reset"}
    assert browser.submit("/setup/words/lead", back).status_code == 303
    assert get_organisation(session).words_key == ""
    browser.get("/leads")  # the message
    assert [standing(browser, page) for page in pages] == plain
    assert in_force() is None


def standing(browser, page):
    """A page without what differs from one request to the next."""
    text = browser.get(page).get_data(as_text=True)
    changing = r'\bI[jm][\w-]+\.[\w-]+\.[\w-]+|\d+ (?:seconds?|minutes?) ago|name="once" value="[\w-]+"'
    return re.sub(changing, "", text)
