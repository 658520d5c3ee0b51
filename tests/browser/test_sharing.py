"""Sharing in a browser: a group, a rule for it, somebody who sees the record through it; and who sees this, and why."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Portal, SignIn
from tests.browser.test_pages import check_pages

pytestmark = pytest.mark.browser


def _pick(page: Page, picker: str, kind: str, search: str) -> None:
    """Choose a principal: its type, part of its name, then the one that is left."""
    expect(page.locator(f"#{picker}_type")).to_have_value(kind)
    page.locator(f"#{picker}_q").fill(search)
    options = page.locator(f"#{picker}_id option:not([value=''])")
    expect(options).to_have_count(1)
    page.locator(f"#{picker}_id").select_option(index=1)


def test_a_group_and_a_rule_give_a_partner_user_a_record(portal: Portal, sign_in: SignIn) -> None:
    page, partner = sign_in("channel manager"), sign_in("partner user")
    company = "Nobody Else's Business"
    page.goto(f"{portal.url}/leads/new")
    page.locator("main [name=company]").fill(company)
    page.locator("main [name=owner][value=me]").check(force=True)
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(re.compile("/leads/lead_"))
    lead = page.url
    answer = partner.goto(f"{lead}/edit")
    assert answer is not None
    assert answer.status in (403, 404)

    page.goto(f"{portal.url}/setup/groups")
    page.get_by_role("link", name="New group").first.click()
    page.get_by_label("Name").fill("Friends of the house")
    page.get_by_role("button", name="Make the group").click()
    _pick(page, "principal", "user", "pia n")
    page.locator("#add").get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#members")).to_contain_text("Pia")
    expect(page.locator("main")).to_contain_text("Reaches partners")
    group = page.url

    page.goto(f"{portal.url}/setup/sharing-rules/new")
    page.locator("#name").fill("One company for friends")
    page.locator("[name=e0-c0-field]").select_option("company")
    page.locator("[name=e0-c0-value]").fill(company)
    page.locator("#share_with_id").select_option(label="Friends of the house")
    page.locator("#level").select_option("edit")
    page.locator("main .form-actions").get_by_role("button", name="Save").click()
    expect(page.locator("#reach")).to_contain_text(
        re.compile(r"Friends of the house .* would see and change [1-9]\d* of the leads")
    )
    page.get_by_role("button", name="Save and share with partners").click()
    expect(page.locator("h1")).to_have_text("One company for friends")
    rule = page.url
    page.goto(f"{portal.url}/setup/sharing-rules")
    row = page.locator("tbody tr", has_text="One company for friends")
    expect(row).to_contain_text("In force", timeout=30_000)  # without a reload
    check_pages(
        page,
        portal,
        [
            group.removeprefix(portal.url),
            rule.removeprefix(portal.url),
            rule.removeprefix(portal.url) + "/edit",
        ],
    )

    answer = partner.goto(f"{lead}/edit")
    assert answer is not None
    assert answer.status == 200
    partner.goto(lead)
    partner.locator("#access summary").click()
    expect(partner.locator("#access-body")).to_contain_text("a sharing rule")

    page.goto(lead)
    panel = page.locator("#access")
    panel.locator("summary").click()
    expect(panel).to_contain_text("Friends of the house")
    panel.get_by_role("link", name="rule “One company for friends”").click()
    expect(page.locator("h1")).to_have_text("One company for friends")

    page.goto(f"{lead}/access")
    page.locator("#q").fill("otto")
    page.locator("#people a").first.click()
    expect(page.locator("#person")).to_contain_text("does not see it")
    expect(page.locator("#person")).to_contain_text("no sharing rule and no share by hand gives it to them")

    page.goto(f"{rule}/delete")
    expect(page.locator("main")).to_contain_text("are given to Friends of the house through this rule")
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#flashes")).to_contain_text("was deleted")
    answer = partner.goto(f"{lead}/edit")
    assert answer is not None
    assert answer.status in (403, 404)


def test_a_record_is_shared_by_hand_without_script_on_a_phone(portal: Portal, sign_in: SignIn) -> None:
    page = sign_in("administrator", width=390, script=False)
    page.goto(f"{portal.url}/accounts")
    page.locator("table tbody tr a.row-link").first.click()
    page.locator("#access summary").click()
    page.locator("#access a").click()
    page.wait_for_url(re.compile("/access$"))
    here = page.url
    page.locator("#principal_type").select_option("internal_role")
    page.get_by_role("button", name="Show").click()
    page.locator("#principal_id").select_option("viewer")
    page.locator("#share").get_by_role("button", name="Share", exact=True).click()
    expect(page.locator("#shares")).to_contain_text("Viewer")
    page.goto(f"{here}?q=otto")
    page.locator("#people a").first.click()
    expect(page.locator("#person")).to_contain_text("does not see it")
    page.locator("#shares").get_by_role("button", name=re.compile("Stop sharing")).click()
    expect(page.locator("#shares")).to_contain_text("It is shared with nobody by hand.")
