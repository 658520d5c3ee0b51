"""The browser that the other browser tests drive is there and runs scripts and styles."""

import pytest

from tests.chromium import browser_type_launch_args  # noqa: F401 - the fixture that picks the browser


@pytest.mark.browser
def test_a_page_is_drawn_at_phone_width(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.set_content("<title>Canal</title><main><button>Claim</button></main>")
    assert page.title() == "Canal"
    assert page.get_by_role("button", name="Claim").is_visible()
    assert page.evaluate("document.documentElement.clientWidth") == 390
