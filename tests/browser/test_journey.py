"""The main job in a browser, from enabling a partner to the e-mail about a lead, as a newcomer would play it."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Portal, SignIn, link_in

pytestmark = pytest.mark.browser

NEW_PASSWORD = "seven swans at the lock"


def test_a_contact_becomes_a_partner_user_and_gets_in(portal: Portal, sign_in: SignIn) -> None:
    page = sign_in("channel manager")
    page.get_by_role("link", name="Partners").first.click()
    page.get_by_role("link", name="Enable a partner").click()
    page.get_by_role("searchbox").last.fill("Bike Products")
    page.keyboard.press("Enter")
    page.locator("table tbody a").first.click()
    page.get_by_role("link", name="Enable as partner").click()
    page.get_by_role("button", name="Enable as partner").click()
    expect(page.locator("#flashes")).to_contain_text("It is a partner now")
    page.goto(page.url.replace("/partners/", "/accounts/"))
    contact = page.locator("a[href^='/contacts/cont_']").first
    contact.click()
    page.get_by_role("link", name="Enable partner user").click()
    address = page.locator("[name=email]").input_value()
    assert "@" in address
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_load_state()

    invitation = portal.mails_to(address)[-1]
    newcomer = page.context.browser.new_context().new_page()  # type: ignore[union-attr]
    newcomer.goto(link_in(invitation))
    newcomer.fill("[name=password]", NEW_PASSWORD)
    newcomer.fill("[name=password_again]", NEW_PASSWORD)
    newcomer.click("main button[type=submit]")
    newcomer.wait_for_url(f"{portal.url}/**")
    newcomer.goto(f"{portal.url}/inbox")
    expect(newcomer.locator("h1")).to_have_text("Inbox")
    again = newcomer.context.browser.new_context().new_page()  # type: ignore[union-attr]
    again.goto(link_in(invitation))
    expect(again.locator("[name=password]")).to_have_count(0)


def write_leads(path: Path, count: int) -> None:
    """A file as another program would export it, with semicolons and two rows that are nobody."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(
            [
                "Last Name",
                "First Name",
                "Company Name",
                "E-mail",
                "Country",
                "State",
                "No. of Employees",
                "Id",
            ]
        )
        for n in range(count):
            state = ["Washington", "California", "Ontario", ""][n % 4]
            country = ["United States", "USA", "Canada", "Germany"][n % 4]
            writer.writerow(
                [
                    f"Journey{n}",
                    "Nora",
                    f"Company {n}",
                    f"n{n}@journey.example",
                    country,
                    state,
                    n * 7 + 1,
                    f"J-{n}",
                ]
            )
        writer.writerow(["", "Nobody", "", "", "Spain", "", "", "J-x"])
        writer.writerow(["", "", "", "", "", "", "12", "J-y"])


def test_a_file_of_leads_is_imported_routed_and_its_refused_rows_come_back(
    portal: Portal, sign_in: SignIn, tmp_path: Path
) -> None:
    file = tmp_path / "leads.csv"
    write_leads(file, 120)
    page = sign_in("channel manager")
    page.goto(f"{portal.url}/imports/new")
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name="Upload and choose columns").click()
    expect(page.locator("h1")).to_have_text("Choose columns")
    page.get_by_role("button", name="Check the file").click()
    expect(page.locator("main")).to_contain_text("Would be refused")
    page.get_by_role("button", name=re.compile(r"^Import \d+ rows")).click()
    expect(page.get_by_text("See what was created")).to_be_visible(timeout=30_000)
    expect(page.locator("main")).to_contain_text("120")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("refused|rejected", re.IGNORECASE)).first.click()
    rejected = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert "Nobody" in rejected
    page.get_by_text("See what was created").click()
    expect(page.locator("table tbody tr")).to_have_count(50)

    # The same file again creates nothing.
    page.goto(f"{portal.url}/imports/new")
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name="Upload and choose columns").click()
    page.get_by_role("button", name="Check the file").click()
    expect(page.locator("main")).to_contain_text(re.compile(r"Unchanged\s*120"))
    expect(page.locator("main")).to_contain_text(re.compile(r"Would be created\s*0"))


def lead_for_the_north_west(page: Page, portal: Portal) -> str:
    """The id of a new lead that waits where its partners may claim it, whatever was claimed before."""
    page.goto(f"{portal.url}/leads/new")
    page.fill("[name=last_name]", "Rivalled")
    page.fill("[name=company]", "Two Want It")
    page.fill("[name=email]", "two@rivalled.example")
    page.get_by_text("More fields").click()
    page.select_option("[name=country]", "US")
    page.fill("[name=state]", "Washington")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(re.compile(r"/leads/lead_\w+$"))
    return page.url.rsplit("/", 1)[1]


def test_a_partner_claims_a_lead_and_a_rival_is_told_it_is_taken(portal: Portal, sign_in: SignIn) -> None:
    ref = lead_for_the_north_west(sign_in("channel manager"), portal)
    pia, otto = sign_in("partner user"), sign_in("rival")
    claim = "button[formaction$='/claim']"
    for page in (pia, otto):
        page.goto(f"{portal.url}/inbox?country=US")
        expect(page.locator(f"tr#{ref} {claim}")).to_be_enabled()
    row = pia.locator(f"tr#{ref}")
    expect(pia.locator("main")).not_to_contain_text("@")
    row.locator(claim).click()
    expect(row.locator(claim)).to_have_count(0)
    otto.locator(f"tr#{ref} {claim}").click()
    expect(otto.get_by_text("Otro partner acaba de tomarlo.")).to_be_visible()  # in Otto's language

    pia.goto(f"{portal.url}/leads/{ref}")
    expect(pia.locator("main")).to_have_attribute("data-ref", ref)
    expect(pia.locator("main")).to_contain_text(re.compile(r"@\w+\.example"))
    pia.locator("main textarea").first.fill("Asked for a quote")
    pia.get_by_role("button", name="Log", exact=True).click()
    expect(pia.get_by_text("Asked for a quote", exact=True)).to_be_visible()
    forward = pia.locator("main form[action$='/status'] > button[name=status]").first
    status = forward.inner_text().removeprefix("Mark as ").strip()
    forward.click()
    expect(pia.locator("main .state").first).to_have_text(status)

    answer = otto.goto(f"{portal.url}/leads/{ref}")
    assert answer is not None
    assert answer.status == 404


def test_take_the_next_one_accept_and_decline(portal: Portal, sign_in: SignIn) -> None:
    lead_for_the_north_west(sign_in("channel manager"), portal)
    page = sign_in("catalan partner user", width=390)
    page.goto(f"{portal.url}/inbox")
    page.locator("form[action$='claim-next'] button").click()
    page.wait_for_load_state()
    expect(page.locator("#flashes, .notice, h1").first).to_be_visible()
    page.goto(f"{portal.url}/inbox?box=offered")
    offers = page.locator("tr:has(button[formaction$='accept'])")
    before = offers.count()
    assert before >= 2
    ref = offers.first.get_attribute("id")
    page.locator(f"tr#{ref} button[formaction$='accept']").click()
    expect(page.locator(f"tr#{ref} button[formaction$='accept']")).to_have_count(0)
    page.goto(f"{portal.url}/inbox?box=offered")
    expect(offers).to_have_count(before - 1)
    offers.first.locator("a[href$='release']").click()
    page.locator("main select, main input[type=radio]").first.wait_for()
    _choose_reason(page)
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_load_state()
    page.goto(f"{portal.url}/inbox?box=offered")
    expect(offers).to_have_count(before - 2)


def _choose_reason(page: Page) -> None:
    select = page.locator("main select[name=reason]")
    if select.count():
        select.select_option(index=1)
    else:
        page.locator("main input[type=radio][name=reason]").first.check()


def pick(page: Page, kind: str, name: str) -> None:
    """Choose an owner of that kind in the form; only those who can take it are listed."""
    page.locator(f"input[name=kind][value={kind}]").check(force=True)
    option = page.locator(f"select[name={kind}] option", has_text=name).first
    page.locator(f"select[name={kind}]").select_option(value=option.get_attribute("value"))


def test_changing_the_owner_tells_the_new_one_in_their_language(portal: Portal, sign_in: SignIn) -> None:
    page = sign_in("channel manager")
    page.goto(f"{portal.url}/leads?waiting=true")
    page.locator("table tbody tr a").first.click()
    ref = page.locator("main").get_attribute("data-ref")
    expect(page.get_by_text("Why it went there")).to_be_visible()
    page.locator("#owner").get_by_role("link", name="Change", exact=True).click()
    pick(page, "partner_user", "Montse Puig")
    expect(page.get_by_label(re.compile("Send notification"))).to_be_checked()
    page.get_by_role("button", name="Change owner").click()
    page.wait_for_url(f"{portal.url}/leads/{ref}")
    expect(page.locator("main")).to_contain_text("Montse Puig")
    assert ref is not None
    mail = portal.mails_to("montse@shop.example", about=ref)[-1]
    assert ref in link_in(mail)
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Adventure Works" in mail["Subject"]

    montse = sign_in("catalan partner user")
    montse.goto(f"{portal.url}/inbox?box=mine")
    expect(montse.locator(f"a[href*='{ref}']").first).to_be_visible()


def test_many_leads_change_owner_at_once_and_it_can_be_undone(portal: Portal, sign_in: SignIn) -> None:
    page = sign_in("channel manager")
    page.goto(f"{portal.url}/leads?waiting=true")
    for box in page.locator("table tbody input[type=checkbox]").all()[:3]:
        box.check()
    page.get_by_role("button", name=re.compile("Change owner")).click()
    pick(page, "colleague", "Sal Moreno")
    page.get_by_role("button", name=re.compile("Change owner")).click()
    expect(page.locator("#consequences")).to_contain_text("see more of 3 leads")
    page.get_by_role("button", name=re.compile("Change owner")).click()
    expect(page.locator("main")).to_contain_text("Sal Moreno")
    page.get_by_role("button", name="Undo").first.click()
    expect(page.locator("main")).to_contain_text(re.compile("undone|Undone"))
