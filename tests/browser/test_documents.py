"""Attaching files in a browser: chosen or dropped, several at once, with what became of each."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Portal, SignIn
from tests.documents.files import HTML, PDF, TEXT

pytestmark = pytest.mark.browser

MARA = "mara@adventure-works.example"
DROP = """([form, names]) => {
  const transfer = new DataTransfer();
  names.forEach((name) => transfer.items.add(new File([`${name} of mine`], name, { type: "text/plain" })));
  for (const kind of ["dragover", "drop"]) form.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


def test_files_are_chosen_and_dropped_on_a_record(portal: Portal, sign_in: SignIn, tmp_path: Path) -> None:
    page = sign_in(MARA)
    page.goto(f"{portal.url}/accounts")
    page.locator("a.row-link").first.click()
    page.wait_for_url(re.compile("/accounts/acct_"))
    page.wait_for_load_state()  # with the script that says which files are chosen
    card = page.locator("#documents")
    card.locator("details").first.evaluate("(details) => { details.open = true; }")
    for name, content in (("Plan of the shop.pdf", PDF), ("page.pdf", HTML), ("prices.csv", TEXT)):
        (tmp_path / name).write_bytes(content)
    card.locator("input[type=file]").set_input_files(sorted(tmp_path.glob("*")))
    expect(card.locator("[data-chosen]")).to_contain_text("page.pdf")
    card.get_by_role("button", name="Attach").click()
    lines = card.locator("[data-uploads] li")
    expect(lines).to_have_count(3)
    expect(card.get_by_role("link", name="Plan of the shop.pdf", exact=True)).to_be_visible()
    expect(card.get_by_role("link", name="prices.csv", exact=True)).to_be_visible()
    expect(card.get_by_role("alert")).to_contain_text("The name says PDF, but this is a web page")
    card.locator("form[data-upload]").evaluate(f"(form) => ({DROP})([form, ['one.txt', 'two.txt']])")
    expect(card.get_by_role("link", name="two.txt", exact=True)).to_be_visible()
    expect(card.locator(".count")).to_have_text("4")
    with page.expect_download() as download:
        card.get_by_role("link", name=re.compile("Download Plan")).click()
    assert Path(download.value.path()).read_bytes() == PDF
