"""That whatever Canal writes down can be said in words, in the languages it speaks."""

import re
from pathlib import Path

import pytest
from flask_babel import force_locale

import app as package
from app.events.details import details, note
from app.events.models import Event
from app.events.verbs import GROUPS, VERBS, group_names, sentence, verb_name
from app.leads.placement import _VERBS as PLACED

WRITTEN = re.compile(r"""\bverb=["']([a-z_]+)["']""")


def test_every_verb_that_is_written_has_words():
    written = {
        verb
        for file in Path(package.__file__).parent.rglob("*.py")
        for verb in WRITTEN.findall(file.read_text())
    }
    written |= set(PLACED.values()) | {"assigned", "imported", "import_failed"}
    assert len(written) > 50
    assert sorted(written - set(VERBS)) == []
    assert {group for _icon, group, _text in VERBS.values()} == set(GROUPS)


@pytest.mark.parametrize("language", ["en", "es", "ca"])
def test_every_verb_reads_as_a_sentence(app, language):
    with app.test_request_context(), force_locale(language):
        assert set(group_names()) == set(GROUPS)
        for verb in VERBS:
            event = Event(verb=verb, record_kind="lead", changes={}, detail={}, actor_id=1)
            says = sentence(event)
            assert "%(" not in says.before + says.after, verb
            assert says.before.strip(), verb
            assert verb_name(verb)[:1].isupper(), verb
            assert note(event, {}) == "", verb


def test_details_hold_old_and_new_and_what_else_there_is(app):
    event = Event(
        verb="edited",
        record_kind="lead",
        changes={
            "city": [None, "Olot"],
            "owner": ["Iberia", "user_x"],
            "source_id": [1, 2],
            "open": [True, False],
        },
        detail={},
    )
    detail = {
        "cause": "claim", "to_ref": "user_x", "version": 3, "user_id": 7, "principal": "user:7", "empty": None,
        "long": "x" * 1000, "list": [], "filter": {"q": ["a", "b"]},
    }  # fmt: skip
    with app.test_request_context(), force_locale("en"):
        shown = dict(details(event, detail, {"user_x": "Pia"}))
    assert shown["City"] == "empty → Olot"
    assert shown["Owner"] == "Iberia → Pia"
    assert shown["Open"] == "yes → no"
    assert shown["Cause"] == "claim"
    assert shown["Filters"] == "q: a, b"
    assert len(shown["Long"]) == 300
    assert shown["List"] == "empty"
    assert not {"Source id", "User id", "Principal", "Version", "To ref", "Empty"} & set(shown)
