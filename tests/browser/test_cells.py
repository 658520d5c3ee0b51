"""Changing cells of a list in their place, by mouse and keyboard."""

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Portal, SignIn

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("path", "column"), [("/accounts", "Industry"), ("/leads", "Product interest")])
def test_a_cell_is_changed_where_it_stands(portal: Portal, sign_in: SignIn, path: str, column: str) -> None:
    page = sign_in("mara@adventure-works.example")
    page.goto(portal.url + path)
    link = page.get_by_role("link", name=f"Change {column}").first
    row = page.locator(f"#{link.locator('xpath=ancestor::tr').get_attribute('id')}")
    link.focus()
    page.keyboard.press("Enter")
    row.get_by_role("textbox", name=column).fill("Airships of our own")
    page.keyboard.press("Enter")
    expect(row.get_by_role("textbox")).to_have_count(0)
    expect(row.get_by_role("cell", name="Airships of our own")).to_be_visible()
    expect(row.get_by_role("link", name=f"Change {column}")).to_be_focused()
    row.get_by_role("link", name=f"Change {column}").click()
    row.get_by_role("textbox", name=column).fill("Never mind")
    page.keyboard.press("Escape")
    expect(row.get_by_role("cell", name="Airships of our own")).to_be_visible()
    page.reload()
    expect(row.get_by_role("cell", name="Airships of our own")).to_be_visible()


def test_what_is_typed_before_the_scripts_came_is_looked_for(portal: Portal, sign_in: SignIn) -> None:
    page = sign_in("mara@adventure-works.example")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/htmx.min.js", hold)
    page.goto(portal.url + "/leads", wait_until="commit")
    page.locator("[data-search]").fill("northwest")
    page.wait_for_timeout(100)
    expect(page.locator("#search-found a")).to_have_count(0)
    held[0].continue_()
    expect(page.locator("#search-found a").first).to_be_visible()


def test_values_go_along_with_the_record_that_stays_until_one_is_picked(
    portal: Portal, sign_in: SignIn
) -> None:
    page = sign_in("mara@adventure-works.example")
    page.goto(portal.url + "/contacts")
    refs = page.locator("tr[id^=cont_]").evaluate_all("rows => rows.slice(0, 2).map((row) => row.id)")
    page.goto(f"{portal.url}/care/merge/contact?ref={refs[0]}&ref={refs[1]}&survivor={refs[0]}")
    name, email = (page.locator(f"input[name=field-{field}]") for field in ("first_name", "email"))
    email.and_(page.locator(f"[value={refs[1]}]")).check()
    for stays in (refs[1], refs[0]):
        page.locator(f"#survivor-{stays}").check()
        expect(name.and_(page.locator(f"[value={stays}]"))).to_be_checked()
        expect(email.and_(page.locator(f"[value={refs[1]}]"))).to_be_checked()
