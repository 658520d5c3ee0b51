"""A partner's executive invites a colleague on a phone, who gets in and is shown what to do first."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Portal, SignIn, executive_of, link_in

pytestmark = pytest.mark.browser

NEW_PASSWORD = "nine herons on the weir"
NEW_ADDRESS = "nil.serra@colleague.example"


def is_within(page: Page) -> bool:
    """Whether nothing is wider than the screen, once its styles are there."""
    page.wait_for_load_state()
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide <= 0


def test_a_colleague_is_invited_on_a_phone_and_gets_in(portal: Portal, sign_in: SignIn) -> None:
    page = sign_in(executive_of(portal), width=390)
    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("navigation", name="Main", exact=True).get_by_role("link", name="My team").click()
    expect(page.locator("h1")).to_have_text("My team")
    assert is_within(page)
    page.get_by_role("link", name="Invite a colleague").click()
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_role("alert")).to_contain_text("2 things need another look")
    assert is_within(page)
    page.get_by_label("Name").fill("Nil Serra")
    page.get_by_label("E-mail address").fill(NEW_ADDRESS)
    page.get_by_text("Partner manager").click()
    page.get_by_role("button", name="Send the invitation").click()
    expect(page.locator("#flashes")).to_contain_text(f"Nil Serra is invited at {NEW_ADDRESS}")
    row = page.get_by_role("row", name="Nil Serra")
    expect(row).to_contain_text("Partner manager")
    expect(row).to_contain_text("Invited")
    row.get_by_label("More for Nil Serra").click()
    expect(row.get_by_role("button", name="Send the invitation again")).to_be_visible()
    assert is_within(page)

    newcomer = page.context.browser.new_context(viewport={"width": 390, "height": 900}).new_page()  # type: ignore[union-attr]
    newcomer.goto(link_in(portal.mails_to(NEW_ADDRESS)[-1]))
    newcomer.fill("[name=password]", NEW_PASSWORD)
    newcomer.fill("[name=password_again]", NEW_PASSWORD)
    newcomer.click("main button[type=submit]")
    newcomer.wait_for_url(f"{portal.url}/first-steps")
    expect(newcomer.locator("h1")).to_have_text("Welcome, Nil")
    assert is_within(newcomer)
    newcomer.get_by_role("link", name="To the home page").click()
    expect(newcomer.locator("h1")).to_have_text("Hello, Nil")
    newcomer.locator(".top-person").click()
    newcomer.get_by_role("link", name="First steps").click()
    expect(newcomer.locator("h1")).to_have_text("Welcome, Nil")
    newcomer.context.close()

    page.goto(f"{portal.url}/team")
    row.get_by_role("link", name="Nil Serra").click()
    page.get_by_text("Partner user", exact=True).click()
    page.get_by_label("Most open leads").fill("5")
    page.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("Partner user")
    row.get_by_label("More for Nil Serra").click()
    row.get_by_role("link", name="Deactivate").click()
    page.get_by_role("button", name="Deactivate").click()
    expect(page.locator("#flashes")).to_contain_text("Nil Serra is deactivated")
    expect(row).to_have_count(0)


def test_levels_are_ordered_by_dragging_and_by_the_menu(portal: Portal, sign_in: SignIn) -> None:
    page = sign_in("administrator")
    page.goto(f"{portal.url}/setup/levels")
    names = page.locator("#registry tbody tr:not(.is-new-entry) input[name=name]")

    def order() -> list[str]:
        return [names.nth(i).input_value() for i in range(names.count())]

    assert order() == ["Registered", "Silver", "Gold"]
    handles = page.locator("[data-drag]")
    handles.nth(2).drag_to(page.locator("[data-drop]").first, target_position={"x": 40, "y": 4})
    expect(page.locator("#registry [role=status]")).to_contain_text("“Gold” is moved.")
    assert order() == ["Gold", "Registered", "Silver"]
    for place in (1, 2):
        row = page.locator("[data-drop]").filter(has=page.locator("input[value=Gold]"))
        row.get_by_label("More for Gold").press("Enter")
        row.get_by_role("button", name="Move down").press("Enter")
        expect(names.nth(place)).to_have_value("Gold")
    page.reload()
    assert order() == ["Registered", "Silver", "Gold"]
