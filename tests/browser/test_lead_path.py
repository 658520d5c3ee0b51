"""What a step asks for is filled in where it stands, on a phone too; Escape takes it back."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Portal, SignIn

pytestmark = pytest.mark.browser


def test_a_field_of_the_path_is_filled_in_there(portal: Portal, sign_in: SignIn) -> None:
    page = sign_in("mara@adventure-works.example")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(portal.url + "/leads?status=working")
    page.goto(portal.url + str(page.locator("td.is-main a").first.get_attribute("href")))
    path = page.locator("#path")
    expect(path.get_by_text("Step 2 of 3: Working")).to_be_visible()
    change = path.get_by_role("link", name="Change Budget")
    change.focus()
    page.keyboard.press("Enter")
    expect(path.get_by_role("textbox", name="Budget")).to_be_focused()
    path.get_by_role("textbox", name="Budget").fill("40,000 this year")
    page.keyboard.press("Enter")
    expect(path.get_by_text("40,000 this year")).to_be_visible()
    expect(change).to_be_focused()
    expect(page.locator("#score").get_by_text("Money is there")).to_have_count(1)
    change.click()
    path.get_by_role("textbox", name="Budget").fill("Nothing")
    page.keyboard.press("Escape")
    expect(path.get_by_text("40,000 this year")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
