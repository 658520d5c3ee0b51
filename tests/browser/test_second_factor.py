"""Setting up a second factor in a browser, and signing in with it and with a recovery code."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect
from pyotp import TOTP

from app.demo.company import PASSWORD
from tests.browser.conftest import Portal, SignIn
from tests.browser.test_pages import axe_problems

pytestmark = pytest.mark.browser

VIC = "vic@adventure-works.example"


def code_for(secret: str, *, steps: int = 0) -> str:
    """What the app shows now; steps: so many half minutes later."""
    return TOTP(secret.replace(" ", "")).at(datetime.now(UTC) + timedelta(seconds=30 * steps))


def check(page: Page, shown: Locator) -> None:
    """Nothing for axe to find, nothing sticks out.  shown: what tells that the page is there."""
    expect(shown).to_be_visible()
    page.wait_for_load_state()
    assert axe_problems(page) == []
    sticks_out = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not sticks_out, page.url


def give_password(page: Page, portal: Portal) -> None:
    page.goto(f"{portal.url}/sign-in")
    page.fill("[name=email]", VIC)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    expect(page.locator("h1")).to_have_text("Enter your code")


def test_a_second_factor_from_setting_it_up_to_turning_it_off(portal: Portal, sign_in: SignIn) -> None:
    page = sign_in(VIC)
    page.goto(f"{portal.url}/profile")
    page.locator("#second-factor").get_by_role("link", name="Set up").click()
    check(page, page.get_by_label("Your password"))
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    check(page, page.get_by_role("img", name="QR code for your authenticator app"))
    secret = page.locator("[data-copy]").get_attribute("data-copy") or ""
    page.get_by_role("textbox", name="Code").fill(code_for(secret, steps=-1))
    page.get_by_role("button", name="Confirm").click()
    codes = page.locator(".recovery-codes code")
    expect(codes).to_have_count(10)
    check(page, codes.first)
    kept = codes.all_inner_texts()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.locator("#second-factor")).to_contain_text("10 left")

    context = page.context.browser.new_context(viewport={"width": 390, "height": 900}, locale="en-GB")  # type: ignore[union-attr]
    phone = context.new_page()
    give_password(phone, portal)
    check(phone, phone.get_by_role("textbox", name="Code"))
    phone.get_by_role("textbox", name="Code").fill("12345")
    phone.get_by_role("button", name="Sign in").click()
    expect(phone.locator(".field-error")).to_contain_text("This code is wrong")
    phone.get_by_role("textbox", name="Code").fill(code_for(secret))
    phone.get_by_role("button", name="Sign in").click()
    phone.wait_for_url(f"{portal.url}/")
    context.clear_cookies()

    give_password(phone, portal)
    phone.get_by_role("link", name="Use a recovery code").click()
    check(phone, phone.get_by_label("Recovery code"))
    phone.get_by_label("Recovery code").fill(kept[0])
    phone.get_by_role("button", name="Sign in").click()
    phone.wait_for_url(f"{portal.url}/")
    expect(phone.locator("#flashes")).to_contain_text("You have 9 left")
    subjects = [str(mail["Subject"]) for mail in portal.mails_to(VIC, at_least=3)]
    assert any("second factor" in subject for subject in subjects)
    assert any("New sign-in" in subject for subject in subjects)

    phone.goto(f"{portal.url}/profile/second-factor/turn-off")
    check(phone, phone.get_by_label("Your password"))
    phone.get_by_label("Your password").fill(PASSWORD)
    phone.get_by_role("textbox", name="Code").fill(kept[1])
    phone.get_by_role("button", name="Turn off").click()
    expect(phone.locator("#second-factor")).to_contain_text("Your password alone signs you in.")
    context.close()
