"""Letting partners in, in a browser: the steps in three languages, the way back, what changed meanwhile, Done."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Portal, SignIn, load_demo, running
from tests.browser.test_pages import axe_problems

pytestmark = pytest.mark.browser

STEPS = ("defaults", "reaching", "views", "summary")
NEXT = "main .form-actions .btn-primary"
# What the steps are called.
WORDS = {
    "es": ("Valores predeterminados", "Reglas y grupos", "Documentos y vistas", "Último vistazo"),
    "ca": ("Valors predeterminats", "Regles i grups", "Documents i vistes", "Última ullada"),
}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Canal before partners are let in, as `make trial` starts it."""
    data = tmp_path_factory.mktemp("closed")
    load_demo(data, ["--leads", "60", "--before-partners"])
    with running(data) as found:
        yield found


def _speak(canal: Portal, language: str) -> None:
    with closing(sqlite3.connect(canal.data / "canal.db", timeout=10)) as database:
        database.execute("UPDATE user SET language = ? WHERE email LIKE 'ada@%'", (language,))
        database.commit()


def _look(page: Page) -> None:
    """Nothing for axe to find, nothing sticks out."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert (wide, axe_problems(page)) == (0, []), page.url


def _through(page: Page, canal: Portal) -> None:
    """From the page before the steps to the last look."""
    page.goto(f"{canal.url}/setup/prm")
    _look(page)
    page.check("[name=understood]")
    page.click(NEXT)
    for step in STEPS:
        page.wait_for_url(f"**/setup/prm/{step}")
        _look(page)
        if step != "summary":
            page.click(NEXT)


def _on_a_phone(page: Page, canal: Portal, language: str) -> None:
    """The same in another language, without script, and back out again."""
    _speak(canal, language)
    page.goto(f"{canal.url}/setup/prm")
    page.check("[name=understood]")
    page.click(NEXT)
    for step, name in zip(STEPS, WORDS[language], strict=True):
        page.wait_for_url(f"**/setup/prm/{step}")
        expect(page.locator("h1")).to_have_text(name)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, page.url
        if step != "summary":
            page.click(NEXT)
    page.locator("main .form-actions .btn-quiet").click()
    page.wait_for_url(f"{canal.url}/setup/")


def test_partners_are_let_in(closed: Portal, sign_in: SignIn) -> None:
    phone = sign_in("administrator", width=390, script=False, at=closed.url)
    for language in WORDS:
        _on_a_phone(phone, closed, language)
    _speak(closed, "en")
    page, other = sign_in("administrator", at=closed.url), sign_in("channel manager", at=closed.url)
    _through(page, closed)
    page.set_viewport_size({"width": 390, "height": 900})
    for step in STEPS:
        page.goto(f"{closed.url}/setup/prm/{step}")
        _look(page)
    page.set_viewport_size({"width": 1280, "height": 900})

    page.goto(f"{closed.url}/setup/prm/reaching")
    rule = page.locator("fieldset", has_text="Customers, for everybody")
    expect(rule).to_contain_text(re.compile(r"\d+ accounts, \d+ contacts"))
    expect(rule).to_contain_text("and 34 more")
    expect(rule.locator("input:checked")).to_have_value("remove")
    desk = page.locator("fieldset", has_text="Leads from the United States")
    expect(desk.locator("input:checked")).to_have_value("narrow")
    desk.locator("input[value=keep]").check()
    page.get_by_role("button", name="Back").click()
    page.wait_for_url("**/setup/prm/defaults")
    page.go_back()
    expect(desk.locator("input:checked")).to_have_value("keep")
    page.click(NEXT)
    page.wait_for_url("**/setup/prm/views")
    page.click(NEXT)
    expect(page.locator("main")).to_contain_text("Kept, and reaching partners")
    expect(page.locator("main")).to_contain_text(re.compile(r"Front Sporting Goods.*\d+ leads", re.DOTALL))

    other.goto(f"{closed.url}/setup/sharing-rules")
    other.get_by_role("link", name="Customers, for everybody").click()
    other.get_by_role("link", name="Edit").first.click()
    other.locator("#level").select_option("edit")
    other.locator("main .form-actions .btn-primary").click()
    other.locator("main .form-actions .btn-primary").click()
    other.wait_for_url(re.compile("/setup/sharing-rules/srule_[^/]+$"))

    page.click(NEXT)
    expect(page.locator("#changed")).to_contain_text(
        "The rule “Customers, for everybody”, or who is reached through it"
    )
    expect(page.locator("#changed")).to_be_focused()
    _look(page)
    page.keyboard.press("Tab")
    page.locator(NEXT).press("Enter")
    page.wait_for_url(f"{closed.url}/setup/prm")
    expect(page.locator("main")).to_contain_text("Partner management is on")
    page.goto(f"{closed.url}/setup/sharing-rules")
    expect(page.locator("main")).not_to_contain_text("Customers, for everybody")
    expect(page.locator("main")).to_contain_text("Leads from the United States")
