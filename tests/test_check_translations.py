"""The translation check finds what it promises to find."""

import pytest
from babel.messages.catalog import Catalog

from tests import check_translations


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of one template; returns a function that writes it and gives what is not wrapped."""
    monkeypatch.setattr(check_translations, "ROOT", tmp_path)
    folder = tmp_path / "app" / "templates"
    folder.mkdir(parents=True)

    def unwrapped(source):
        (folder / "page.html").write_text(source)
        return list(check_translations.unwrapped())

    return unwrapped


@pytest.mark.parametrize(
    "source",
    [
        '<h1>{{ _("Leads") }}</h1>',
        "{# Expects: lead (Lead). #}<p>{{ lead.title }} · 12 &nbsp; %</p>",
        "{% block body_class %}frame is-partner{% endblock %}",
        '<input placeholder="{{ _("Search") }}" name="query" class="form-control">',
        "<title>Canal</title><svg><title>drawn</title></svg><!-- a remark -->",
    ],
)
def test_wrapped_texts_pass(project, source):
    assert project(source) == []


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<h1>\nLeads</h1>", "page.html:2: not wrapped for translation: 'Leads'"),
        ('<input placeholder="Search leads">', "page.html:1: not wrapped for translation: 'Search leads'"),
        ("<p>{{ count }} waiting</p>", "page.html:1: not wrapped for translation: 'waiting'"),
        ('<button aria-label="Close">×</button>', "page.html:1: not wrapped for translation: 'Close'"),
    ],
)
def test_letters_that_are_not_wrapped_are_named(project, source, text):
    assert project(source) == [f"app/templates/{text}"]


def catalogue(tmp_path, entries):
    path = tmp_path / "app" / "translations" / "es" / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    path.write_text(f'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n{entries}')


def wanted():
    catalog = Catalog()
    catalog.add("Hello %(name)s", locations=[("app/a.py", 1)])
    catalog.add(("%(num)d lead", "%(num)d leads"), locations=[("app/a.py", 2)])
    return catalog


@pytest.mark.parametrize(
    ("entries", "faults"),
    [
        (
            (
                'msgid "Hello %(name)s"\nmsgstr "Hola, %(name)s"\n\n'
                'msgid "%(num)d lead"\nmsgid_plural "%(num)d leads"\n'
                'msgstr[0] "%(num)d contacto"\nmsgstr[1] "%(num)d contactos"\n'
            ),
            [],
        ),
        (
            (
                'msgid "Hello %(name)s"\nmsgstr "Hola, %(nombre)s"\n\n'
                'msgid "%(num)d lead"\nmsgid_plural "%(num)d leads"\n'
                'msgstr[0] "%(num)d contacto"\nmsgstr[1] ""\n\nmsgid "Gone"\nmsgstr "Ido"\n'
            ),
            ["other placeholders in 'Hola, %(nombre)s'", "not translated", "in no source"],
        ),
        (
            '#, fuzzy\nmsgid "Hello %(name)s"\nmsgstr "Hola, %(name)s"\n',
            ["marked fuzzy", "not in the catalogue: '%(num)d lead'"],
        ),
    ],
)
def test_faults_of_a_catalogue_are_named(tmp_path, monkeypatch, entries, faults):
    monkeypatch.setattr(check_translations, "ROOT", tmp_path)
    catalogue(tmp_path, entries)
    found = list(check_translations.compared("es", wanted()))
    assert len(found) == len(faults), found
    assert all(any(fault in line for line in found) for fault in faults), found


def test_a_language_without_catalogue_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(check_translations, "ROOT", tmp_path)
    assert "is missing: run `make translations`" in next(check_translations.compared("ca", wanted()))


def test_the_sources_are_read_as_make_translations_reads_them():
    texts = {str(message.id) for message in check_translations.sources() if message.id}
    assert "just now" in texts
    assert any("%(duration)s" in text for text in texts)
