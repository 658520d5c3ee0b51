"""The macros pages are built from: safe, accessible, within the content policy."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import Babel
from flask_wtf import CSRFProtect, FlaskForm
from jinja2 import StrictUndefined
from wtforms import RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from app.web.charts import Item, init_charts
from app.web.filters import init_filters

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "app" / "templates"
COMPONENTS = ("ui", "table", "fields", "dialog", "timeline", "chart")
EVIL = "<b>\"'&"


@dataclass(frozen=True)
class Owner:
    kind: str
    name: str
    company_name: str = ""
    url: str = ""


class PersonForm(FlaskForm):
    last_name = StringField("Last name", [InputRequired("Give a last name.")], description="As on the card.")
    phone = StringField("Phone")
    way = RadioField(
        "Way in", choices=[SelectChoice("form", "Form"), SelectChoice("file", "File")], default="form"
    )


@pytest.fixture
def render():
    """Renders a line of template with all components imported."""
    app = Flask("components", template_folder=str(TEMPLATES))
    app.config["SECRET_KEY"] = "for tests"
    app.jinja_env.undefined = StrictUndefined
    Babel(app, timezone_selector=lambda: "Europe/Madrid")
    CSRFProtect(app)
    init_filters(app)
    init_charts(app)
    imports = "".join(f'{{% import "components/{name}.html" as {name} %}}' for name in COMPONENTS)

    def render(source, **values):
        return app.jinja_env.from_string(imports + source).render(**values)

    with app.test_request_context():
        yield render


def test_names_are_escaped_wherever_they_stand(render):
    owner = Owner("user", EVIL, EVIL, "/users/" + EVIL)
    html = render(
        "{{ ui.owner(owner) }}{{ ui.badge(evil) }}{{ ui.copyable(evil) }}{{ table.check(evil, evil) }}"
        "{{ table.row_link(evil, evil, evil) }}{{ ui.facts([(evil, evil)]) }}{{ ui.empty(evil, evil, evil, evil) }}"
        "{{ timeline.entry('phone', evil, evil, none, evil) }}{{ dialog.opener(evil, evil, evil) }}",
        owner=owner,
        evil=EVIL,
    )
    assert EVIL not in html
    assert "<b>&#34;" not in html
    assert html.count("&lt;b&gt;") >= 15


def test_charts_begin_at_zero_leave_gaps_and_have_their_figures_in_a_table(render):
    mine = [
        Item("Jan", 4),
        Item("Feb", None),
        Item("Mar", 8, url="/leads?x=1&y=2"),
        Item("Apr", 2, text="2 h"),
    ]
    theirs = [Item(item.label, 1) for item in mine]
    html = render(
        "{{ chart.line([(evil, mine), ('All', theirs)], 'Won') }}", mine=mine, theirs=theirs, evil=EVIL
    )
    assert '<polyline class="chart-line is-1" points="10.0,82.0"/>' in html, "half of the highest, above 140"
    assert html.count('points="') == 3, "a gap parts the first line"
    assert 'role="img"><title>Won</title><desc>' in html
    assert EVIL not in html
    cells = re.findall(r'<td class="is-number">(.*?)</td>', html)
    assert cells == ["4", "1", "–", "1", '<a href="/leads?x=1&amp;y=2">8</a>', "1", "2 h", "1"]
    funnel = render(
        "{{ chart.funnel(items, 'Funnel') }}", items=[Item("All", 8000), Item("Won", 842), Item("Paid", 0)]
    )
    assert re.findall(r'class="is-number">([^<]*)</td>', funnel) == [
        "100 %",
        "",
        "11 %",
        "11 %",
        "0 %",
        "0 %",
    ]
    assert 'width="10.5"' in funnel
    empty = "{{ chart.bars([], 'x') }}{{ chart.columns([], 'x') }}{{ chart.line([], 'x') }}{{ chart.spark([], 'x') }}"
    assert render(empty)


def test_a_status_is_escaped_too(render):
    html = render("{{ ui.status_badge(s) }}", s=type("S", (), {"name": EVIL, "category": "new"})())
    assert html == '<span class="state is-new">&lt;b&gt;&#34;&#39;&amp;</span>'


@pytest.mark.parametrize(
    ("owner", "kind_word"),
    [
        (Owner("queue", "Catalan industry"), "Queue"),
        (Owner("partner", "Nord"), "Partner"),
        (Owner("user", "Pau", "Nord"), "Partner"),
    ],
)
def test_the_kind_of_owner_is_said_in_words(render, owner, kind_word):
    assert kind_word in render("{{ ui.owner(owner) }}", owner=owner)


def test_an_owner_links_to_its_page_unless_asked_not_to(render):
    owner = Owner("user", "Mara Vidal", url="/users/user_1")
    assert 'href="/users/user_1"' in render("{{ ui.owner(owner) }}", owner=owner)
    assert "href" not in render("{{ ui.owner(owner, link=False) }}", owner=owner)
    assert "Nobody" in render("{{ ui.owner(none) }}")


def test_a_time_carries_the_exact_moment(render):
    html = render("{{ ui.time(m, 'datetime') }}", m=datetime(2026, 11, 21, 10, 12, tzinfo=UTC))
    assert (
        html == '<time datetime="2026-11-21T10:12Z" title="Sat 21 Nov 2026, 11:12">21 Nov 2026, 11:12</time>'
    )


@pytest.mark.parametrize(
    ("score", "dots"), [(0, 0), (1, 1), (25, 1), (26, 2), (74, 3), (76, 4), (100, 4), (250, 4)]
)
def test_a_score_fills_its_dots(render, score, dots):
    assert f'"score is-{dots}"' in render("{{ ui.score(n) }}", n=score)


def test_errors_and_help_are_tied_to_their_field(render):
    form = PersonForm(meta={"csrf": False})
    assert not form.validate()
    html = render("{{ fields.text(form.last_name) }}", form=form)
    assert 'aria-describedby="last_name-help last_name-error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="last_name-error"' in html
    assert ">required<" in html
    assert '<label class="field-label" for="last_name">' in html


def test_a_valid_field_says_nothing_of_errors(render):
    html = render("{{ fields.text(form.phone, autocomplete='tel') }}", form=PersonForm(meta={"csrf": False}))
    assert "aria-" not in html
    assert "required" not in html
    assert 'autocomplete="tel"' in html


def test_the_error_summary_links_to_each_field(render):
    form = PersonForm(meta={"csrf": False})
    form.validate()
    html = render("{{ fields.error_summary(form) }}", form=form)
    assert '<a href="#last_name">Last name</a>: Give a last name.' in html
    assert 'role="alert"' in html
    assert render("{{ fields.error_summary(form) }}", form=PersonForm(meta={"csrf": False})).strip() == ""


def test_radio_cards_are_one_labelled_group(render):
    html = render(
        "{{ fields.radio_cards(form.way, helps={'file': 'A CSV'}) }}", form=PersonForm(meta={"csrf": False})
    )
    assert html.count('type="radio"') == 2
    assert "<legend" in html
    assert "A CSV" in html


def test_every_icon_that_a_template_names_is_in_the_sprite():
    known = set(re.findall(r'id="i-([\w-]+)"', (ROOT / "app/static/icons.svg").read_text()))
    named = {
        (file.name, name)
        for file in TEMPLATES.rglob("*.html")
        for name in re.findall(r'(?:sprite|icon)\("([\w-]+)"', file.read_text())
    }
    assert named
    assert not [pair for pair in sorted(named) if pair[1] not in known]


@pytest.mark.parametrize(
    "what",
    [
        r"\sstyle=",
        r"\son(?!e=)[a-z]+=",
        r"\|\s*safe\b",
        r"\bhx-on",
        r"<script(?![^>]*\bsrc=)",
        r"<style\b",
        r"javascript:",
    ],
)
def test_no_template_needs_more_than_the_content_policy_gives(what):
    found = [
        f"{file.relative_to(TEMPLATES)}: {match.group()}"
        for file in TEMPLATES.rglob("*.html")
        if "mail" not in file.parts  # mail clients know no style sheets
        for match in re.finditer(what, re.sub(r"\{#.*?#\}", "", file.read_text(), flags=re.DOTALL))
    ]
    assert not found


def test_the_catalogue_names_only_macros_that_exist(render):
    catalogue = (ROOT / "docs/components.md").read_text()
    modules = {
        "ui": "ui",
        "tables": "table",
        "fields": "fields",
        "dialogs": "dialog",
        "timeline": "timeline",
        "charts": "chart",
    }
    used = set(re.findall(rf"\b({'|'.join(modules)})\.(\w+)\(", catalogue))
    assert len(used) > 20
    missing = [
        f"{m}.{name}"
        for m, name in sorted(used)
        if "Undefined" in render("{{ (" + modules[m] + "." + name + ") is defined or 'Undefined' }}")
    ]
    assert not missing
