"""From a stranger's form to an opportunity that is won, in three languages: pressed twice, gone back to, moved by keys.

One story in one browser: what strangers see is in the form's language, what Mara sees in hers; axe looks at each page.
"""

import re
import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Portal, SignIn
from tests.browser.test_pages import axe_problems, speak

pytestmark = pytest.mark.browser

NAME = "Won"
# language → width, theme, "Last name" on the form, and what is said once it is won.
WAYS = {
    "en": (1280, "light", "Last name", "It is won."),
    "es": (390, "dark", "Apellido", "Está ganada."),
    "ca": (390, "light", "Cognom", "Està guanyada."),
}


def sees(page: Page) -> None:
    """Nothing for axe, nothing that sticks out."""
    assert axe_problems(page) == [], page.url
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0, page.url


def press(page: Page, button: str) -> None:
    """By keyboard: a click is tried again by Playwright where the page is gone before it is sure of it."""
    page.locator(button).first.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")


def fill_in(manager: Page, stranger: BrowserContext, portal: Portal, language: str) -> Page:
    """The form in that language with somebody's name in it, not yet sent: who is faster than two seconds is a program."""
    with closing(sqlite3.connect(f"file:{portal.data / 'canal.db'}?mode=ro", uri=True)) as database:
        key, ref = database.execute("SELECT key, ref FROM lead_form ORDER BY id").fetchone()
    manager.goto(f"{portal.url}/setup/lead-forms/{ref}/edit")
    manager.locator("main select[name=language]").select_option(language)
    with manager.expect_navigation():
        manager.locator("main form button[type=submit], main form button:not([type])").last.click()
    page = stranger.new_page()
    page.goto(f"{portal.url}/f/{key}")
    expect(page.locator("html")).to_have_attribute("lang", language)
    page.get_by_label(re.compile(rf"^{WAYS[language][2]}")).fill(f"{NAME}-{language}")
    for name, text in (
        ("company", f"{NAME} in {language}"),
        ("email", f"{language}@won.example"),
        ("phone", "972 000 000"),
    ):
        page.locator(f"[name={name}]").fill(text)
    return page


def qualify(page: Page, portal: Portal, language: str) -> None:
    """From the list to qualified, by the step that stands out; the focus stays on the path."""
    page.goto(f"{portal.url}/leads?q={NAME}-{language}")
    page.goto(portal.url + str(page.locator("td.is-main a").first.get_attribute("href")))
    expect(page.locator("main")).to_contain_text(f"{NAME} in {language}")
    press(page, "main form[action$='/claim'] button:visible")
    expect(page.locator("main form[action$='/claim']")).to_have_count(0)
    for _step in range(2):
        press(page, "main form[action$='/status'] .btn:visible")
        expect(page.locator("#path")).to_be_focused()
        expect(page.locator("#flashes .tone-green")).to_have_count(1)
    assert not page.url.partition("#")[0].endswith("/status")
    sees(page)


def convert(page: Page) -> str:
    """To an account, a contact and an opportunity, the button pressed twice; the opportunity's address."""
    page.goto(str(page.url.partition("#")[0]) + "/convert")
    sees(page)
    page.locator("[name=with_opportunity]").check()
    page.locator("main [name=name]").fill("Twelve bikes")
    page.locator("main [name=amount]").fill("1200")
    page.locator("main .form-actions button").first.dblclick()
    page.wait_for_url("**/opportunities/opp_*")
    sold = page.url
    # Back, and once more: the same, not another.
    page.go_back()
    if "/convert" in page.url:
        page.locator("main .form-actions button").first.click()
        page.wait_for_load_state()
    page.goto(sold)
    return sold


def win(page: Page, language: str) -> None:
    """Stage by stage, on to the question why, to won."""
    for _stage in range(2):
        press(page, "main form[action$='/stage'] .btn-primary:visible")
        expect(page.locator("#path")).to_be_focused()
    sees(page)
    press(page, "main form[action$='/stage'] .btn-primary:visible")
    page.wait_for_url("**/turn**")
    page.locator("main select[name=outcome]").select_option(index=1)
    page.locator("main .form-actions button").first.dblclick()
    expect(page.locator("#flashes")).to_contain_text(WAYS[language][3])


def on_the_board(page: Page, portal: Portal) -> None:
    """A card is moved by the arrow keys; it keeps the focus and what came of it is said."""
    page.goto(f"{portal.url}/leads/board")
    sees(page)
    card = page.locator("[data-stage=new] [data-card]").nth(4)  # the newest are those of this story
    ref = str(card.get_attribute("id"))
    card.focus()
    page.keyboard.press("ArrowRight")
    moved = page.locator(f"[data-stage=working] #{ref}")
    expect(moved).to_be_focused()
    expect(page.locator("#flashes .tone-green")).to_have_count(1)
    page.goto(f"{portal.url}/opportunities/board")
    sees(page)


def test_from_a_form_to_an_opportunity_that_is_won(portal: Portal, sign_in: SignIn) -> None:
    page = sign_in("channel manager")
    assert page.context.browser is not None
    stranger = page.context.browser.new_context()
    filled = {language: fill_in(page, stranger, portal, language) for language in WAYS}
    filled["en"].wait_for_timeout(2100)
    for language, form in filled.items():
        form.locator("button[type=submit]").dblclick()
        expect(form).to_have_url(re.compile(r"/thanks$"))  # the second press may cut the first short
        expect(form.locator("html")).to_have_attribute("lang", "ca")  # as the form is by now
        assert form.locator("h1").count() == 1, language
    stranger.close()
    for language, (width, theme, *_words) in WAYS.items():
        if language != "en":
            speak(page, portal, language)
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
        qualify(page, portal, language)
        convert(page)
        win(page, language)
        on_the_board(page, portal)
    speak(page, portal, "en")
    with closing(sqlite3.connect(f"file:{portal.data / 'canal.db'}?mode=ro", uri=True)) as database:
        [(leads,)] = database.execute("SELECT count(*) FROM lead WHERE company LIKE 'Won in %'")
        [(sold,)] = database.execute(
            "SELECT count(*) FROM opportunity WHERE name = 'Twelve bikes' AND category = 'won'"
        )
    assert (leads, sold) == (3, 3), "each once, however often it was pressed"
