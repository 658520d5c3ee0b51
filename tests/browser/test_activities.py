"""On a telephone: find an account, log a call with what comes next, and press it away on my day."""

from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Portal, SignIn

pytestmark = pytest.mark.browser


def test_a_call_is_logged_on_a_phone_and_what_comes_next_is_pressed_away(
    portal: Portal, sign_in: SignIn
) -> None:
    page = sign_in("mara@adventure-works.example", width=390)
    page.goto(f"{portal.url}/accounts?category=customer")
    page.locator("a.row-link").first.click()
    panel = page.locator("#log")
    panel.locator("textarea").fill("Wants two more\nBudget is there.")
    expect(panel.get_by_label("Place")).to_be_hidden()
    panel.get_by_label("Next step").fill("Send them the offer")
    panel.get_by_label("Date", exact=True).fill((date.today() + timedelta(days=2)).isoformat())  # noqa: DTZ011 - as a phone does
    button = panel.get_by_role("button", name="Log")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    button.click()
    expect(page.locator(".history-entry").first).to_contain_text("Wants two more")
    expect(page.locator(".feed-planned")).to_contain_text("Send them the offer")
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over == 0
    page.goto(f"{portal.url}/my-day")
    row = page.locator("#day li", has_text="Send them the offer")
    row.get_by_role("button", name="Mark as done").click()
    expect(row).to_have_count(0)
    expect(page.locator("#day [role=status]")).to_contain_text("Done: Send them the offer")
