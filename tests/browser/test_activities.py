"""On a telephone: find an account, call, log the call within four taps, with what comes next, and press it away on my day."""

import re
from datetime import date, datetime, timedelta
from time import monotonic

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Portal, SignIn

pytestmark = pytest.mark.browser


def test_a_call_is_logged_on_a_phone_and_what_comes_next_is_pressed_away(
    portal: Portal, sign_in: SignIn
) -> None:
    page = sign_in("mara@adventure-works.example", width=390)
    page.goto(f"{portal.url}/accounts")
    first = page.locator("#list tbody tr").first
    box = first.bounding_box()
    assert box is not None
    assert box["y"] <= 204, "the list begins in the upper quarter of a telephone"
    page.goto(f"{portal.url}/accounts?category=customer")
    name = page.locator("a.row-link").first.inner_text()
    # Four taps from anywhere to a logged call: the name found, the number rung, the panel, the button.
    began, taps = monotonic(), 0
    page.get_by_role("combobox", name="Search").fill(name[:8])
    page.locator("#search-found a", has_text=name).first.click()
    page.wait_for_url("**/accounts/acct_*")  # the page as it stands, with its styles
    taps += 1
    ring = page.locator(".thumb-bar a[href^='tel:']")
    box = ring.bounding_box()
    assert box is not None
    assert (box["height"] >= 44, box["y"] > 600) == (True, True), "at the thumb"
    assert re.fullmatch(r"tel:\+?\d{7,}", ring.get_attribute("href") or "")
    taps += 1  # the telephone rings; coming back the page is where it was
    page.locator(".thumb-bar").get_by_text("Log a call").click()
    taps += 1
    panel = page.locator("#log")
    expect(panel.locator("textarea")).to_be_focused()
    page.keyboard.type("Rang back, all well")
    panel.get_by_role("button", name="Log").click()
    taps += 1
    expect(page.locator(".history-entry").first).to_contain_text("Rang back, all well")
    assert (taps, monotonic() - began < 10) == (4, True)
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
    panel.get_by_label("Meeting").check()
    panel.locator("textarea").fill("Visit their workshop")
    ahead = datetime.now() + timedelta(days=3)  # noqa: DTZ005 - as a phone does
    panel.locator("[name=at]").fill(ahead.strftime("%Y-%m-%dT%H:%M"))
    panel.locator("[name=at]").dispatch_event("change")
    expect(panel.get_by_label("Planned, not done yet")).to_be_checked()
    panel.get_by_role("button", name="Plan").click()
    expect(page.locator(".feed-planned")).to_contain_text("Visit their workshop")
    page.goto(f"{portal.url}/my-day")
    row = page.locator("#day li[id]", has_text="Send them the offer")
    following = row.locator("xpath=following::li[@id][1]").get_attribute("id")
    row.get_by_role("button", name="Mark as done").click()
    expect(row).to_have_count(0)
    expect(page.locator(".day-said")).to_contain_text("Done: Send them the offer")
    expect(page.locator(f"#{following} .day-done")).to_be_focused()
    page.locator(".day-said").get_by_role("button", name="Undo").click()
    expect(row.get_by_role("button", name="Mark as done")).to_be_focused()
    row.get_by_role("button", name="Mark as done").click()
    expect(row).to_have_count(0)
