"""Changing cells of a list in their place, by mouse and keyboard."""

import pytest
from playwright.sync_api import expect

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
    row.get_by_role("textbox", name=column).fill("Cargo bikes")
    page.keyboard.press("Enter")
    expect(row.get_by_role("cell", name="Cargo bikes")).to_be_visible()
    expect(row.get_by_role("link", name=f"Change {column}")).to_be_focused()
    row.get_by_role("link", name=f"Change {column}").click()
    row.get_by_role("textbox", name=column).fill("Never mind")
    page.keyboard.press("Escape")
    expect(row.get_by_role("cell", name="Cargo bikes")).to_be_visible()
    page.reload()
    expect(row.get_by_role("cell", name="Cargo bikes")).to_be_visible()
