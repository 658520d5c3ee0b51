"""Writing a mail text in a browser: it is shown as it is typed, placeholders are put in by a click, a rule chooses it."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Portal, SignIn

pytestmark = pytest.mark.browser

ADA = "ada@adventure-works.example"


def test_a_text_is_written_tried_kept_and_chosen(portal: Portal, sign_in: SignIn) -> None:
    page = sign_in(ADA)
    page.goto(f"{portal.url}/setup/mail-texts")
    page.get_by_placeholder("Name of the text").fill("For the spring campaign")
    page.get_by_role("button", name="New text").click()
    previews = page.locator("#previews article")
    expect(previews).to_have_count(3)
    body = page.get_by_label("Text", exact=True)
    body.fill("Dear ")
    page.get_by_role("button", name="{{ name }}", exact=True).click()
    expect(body).to_be_focused()
    page.keyboard.type(",\nit is about: ")
    page.get_by_role("button", name="{{ company }}", exact=True).click()
    expect(previews.first).to_contain_text("Dear Ada Lindqvist")
    expect(previews.first).not_to_contain_text("it is about", timeout=1000)
    expect(previews.nth(1)).to_contain_text("it is about: ")
    page.keyboard.type(" {{ nothing }}")
    expect(page.locator("#previews")).to_contain_text("Line 2: there is no placeholder “nothing”.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("there is no placeholder")
    expect(body).to_have_value("Dear {{ name }},\nit is about: {{ company }} {{ nothing }}")
    body.fill("Dear {{ name }}.")
    expect(previews.first).to_contain_text("Dear Ada Lindqvist.")
    page.get_by_role("button", name="Send me a test mail").click()
    expect(page.get_by_text("A test mail is on its way to you.")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#versions")).to_contain_text("Version 1")
    page.goto(f"{portal.url}/setup/assignment-rules/new")
    expect(page.get_by_label("Text of the e-mail").locator("option")).to_contain_text(
        ["the usual text", "For the spring campaign"]
    )
