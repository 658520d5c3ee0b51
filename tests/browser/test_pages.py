"""Every page, as each kind of person: nothing for axe to find in both themes at 1280 and 390 px, nothing sticks out.

Each width with one of the themes; the other two of the four with the long tests.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Portal, SignIn, executive_of

pytestmark = pytest.mark.browser

# Pages by path; a path with a pattern is reached through the first link on the page before it that fits.
MANAGER = [
    "/",
    "/leads",
    "/leads?q=nobody-is-called-this",
    r"/leads -> /leads/lead_\w+",
    r"/leads/lead_\w+/owner",
    r"/leads -> /leads/lead_\w+",
    r"/leads/lead_\w+/access",
    r"/leads -> /leads/lead_\w+",
    r"/leads/lead_\w+/told",
    r"/leads -> /leads/lead_\w+",
    r"/leads/lead_\w+/edit",
    "/leads/new",
    "/queues",
    r"/queues -> /queues/queue_\w+",
    "/partners",
    r"/partners -> /partners/acct_\w+",
    "/accounts",
    r"/accounts -> /accounts/acct_\w+",
    r"/accounts/acct_\w+/edit",
    "/accounts/new",
    "/contacts",
    r"/contacts -> /contacts/cont_\w+",
    "/contacts/new",
    "/imports",
    "/imports/new",
    "/notifications",
    "/profile",
    "/profile/second-factor",
    "/search?q=bike",
    "/setup/",
    "/setup/round-robins",
    r"/setup/round-robins -> /setup/round-robins/rr_\w+",
    "/setup/assignment-rules",
    r"/setup/assignment-rules -> /setup/assignment-rules/rule_\w+",
    "/setup/deliveries",
    "/setup/groups",
    "/setup/groups/new",
    "/setup/sharing-rules",
    "/setup/sharing-rules/new",
    r"/accounts -> /accounts/acct_\w+",
    r"/accounts/acct_\w+/access",
]
ADMINISTRATOR = [
    "/",
    "/setup/",
    "/setup/audit-log",
    "/setup/audit-log?kind=edited&from=2026-01-01",
    "/setup/users",
    r"/setup/users -> /setup/users/user_\w+",
    r"/setup/users/user_\w+/access",
    "/setup/users/new",
    "/setup/prm",
    "/setup/organisation",
    "/setup/capture",
    "/setup/lead-path",
    "/setup/score-rules/new",
    "/setup/lead-fields",
    "/setup/sources",
    "/setup/statuses",
    "/setup/levels",
    "/setup/sharing-defaults",
    "/setup/mail-texts",
    "/setup/mail-texts/lead_offered/ca",
    "/api/v1/docs",
]
SHARING = [
    "/setup/sharing-defaults",
    "/setup/groups",
    "/setup/groups/new",
    "/setup/sharing-rules",
    r"/setup/sharing-rules -> /setup/sharing-rules/srule_\w+",
    "/setup/sharing-rules/new",
    r"/leads -> /leads/lead_\w+",
    r"/leads/lead_\w+/access",
]
PARTNER = [
    "/",
    "/inbox",
    "/inbox?box=offered",
    "/inbox?box=mine",
    "/leads",
    r"/inbox?box=mine -> /leads/lead_\w+",
    r"/leads/lead_\w+/edit",
    r"/inbox -> /leads/lead_\w+",
    "/notifications",
    "/profile",
    "/search?q=bike",
    "/leads/lead_00000000000000000000aa",
]
LEADER = [
    "/first-steps",
    "/team",
    "/team/invite",
    r"/team -> /team/user_\w+/edit",
    r"/team -> /team/user_\w+/deactivate",
]
AXE = Axe()
Way = tuple[int, Literal["light", "dark"]]
CROSSED: Sequence[Way] = ((1280, "light"), (390, "dark"))
THE_REST: Sequence[Way] = ((1280, "dark"), (390, "light"))
Check = Callable[[Page, list[str]], None]
STRANGER = ["/sign-in", "/sign-in/code", "/forgot-password", "/welcome/nothing-here"]


def check_pages(
    page: Page, portal: Portal, paths: list[str], ways: Sequence[Way] = CROSSED, *, in_turn: bool = False
) -> None:
    """Nothing for axe to find on these pages and nothing that sticks out.  ways: at which widths, in which themes.

    in_turn: axe looks at each page in one of the ways, at the next page in the next.
    """
    problems: list[str] = []
    for number, path in enumerate(paths):
        _open(page, portal, path)
        for turn, (width, theme) in enumerate(ways):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if wide > 0:
                problems.append(f"{path} at {width}: {wide} px stick out")
            if not in_turn or number % len(ways) == turn:
                problems.extend(f"{path} at {width}, {theme}: {found}" for found in axe_problems(page))
        page.set_viewport_size({"width": 1280, "height": 900})
    assert problems == []


def _open(page: Page, portal: Portal, path: str) -> None:
    start, arrow, pattern = path.partition(" -> ")
    if arrow:
        page.goto(portal.url + start)
    else:
        pattern = start
    if "\\w" in pattern:
        links = [a.get_attribute("href") or "" for a in page.locator("main a").all()]
        fitting = [link for link in links if re.fullmatch(pattern + r"(\?.*)?", link)]
        assert fitting, f"no link like {pattern} on {page.url}"
        pattern = fitting[0]
    answer = page.goto(portal.url + pattern)
    assert answer is not None
    assert answer.status < 500, pattern


def axe_problems(page: Page) -> list[str]:
    """What axe finds on the page as it is."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.axe_script)  # half a megabyte: once a page
    # Style sheets are ours and loaded; axe would ask for them again by addresses that do not exist.
    results: Any = page.evaluate("axe.run(document, {preload: false, resultTypes: ['violations']})")
    return [
        f"{found['id']}: {found['nodes'][0]['html'][:120]} ({len(found['nodes'])})"
        for found in results["violations"]
    ]


@pytest.fixture(params=[True, pytest.param(False, marks=pytest.mark.long)], ids=["in_turn", "all"])
def check(request: pytest.FixtureRequest, portal: Portal) -> Check:
    """Checks pages in one way each; in all four with the long tests."""
    ways = CROSSED if request.param else (*CROSSED, *THE_REST)
    return lambda page, paths: check_pages(page, portal, paths, ways, in_turn=request.param)


@pytest.mark.parametrize("half", [0, 1])
def test_pages_of_the_channel_manager(sign_in: SignIn, check: Check, half: int) -> None:
    middle = MANAGER.index("/accounts")
    check(sign_in("channel manager"), MANAGER[middle:] if half else MANAGER[:middle])


def test_pages_of_the_administrator(sign_in: SignIn, check: Check) -> None:
    check(sign_in("administrator"), ADMINISTRATOR)


def test_pages_of_the_partner_user(sign_in: SignIn, check: Check) -> None:
    check(sign_in("partner user"), PARTNER)


def test_pages_of_a_partners_executive(portal: Portal, sign_in: SignIn, check: Check) -> None:
    check(sign_in(executive_of(portal)), LEADER)


@pytest.mark.parametrize("language", ["es", "ca"])
def test_pages_of_sharing_in_another_language_fit_a_phone(
    portal: Portal, sign_in: SignIn, language: str
) -> None:
    page = sign_in("administrator", width=390)
    speak(page, portal, language)
    assert page.locator("html").get_attribute("lang") == language
    check_pages(page, portal, SHARING, ((390, "light"),))
    speak(page, portal, "en")


def speak(page: Page, portal: Portal, language: str) -> None:
    """Choose the language in the person's profile."""
    page.goto(f"{portal.url}/profile")
    page.locator("main select[name=language]").select_option(language)
    with page.expect_navigation():
        page.locator("main form:has(select[name=language]) button").last.click()
    page.goto(f"{portal.url}/")


def test_pages_in_catalan_fit_a_phone(portal: Portal, sign_in: SignIn) -> None:
    page = sign_in("catalan partner user", width=390)
    assert page.locator("html").get_attribute("lang") == "ca"
    check_pages(page, portal, PARTNER[:5])


def test_pages_of_a_stranger(portal: Portal, page: Page) -> None:
    check_pages(page, portal, STRANGER)


def test_the_frame_stays_while_a_long_page_is_scrolled(portal: Portal, sign_in: SignIn) -> None:
    page = sign_in("channel manager")
    page.goto(f"{portal.url}/leads")
    page.evaluate("window.scrollTo(0, 1200)")
    assert page.evaluate("window.scrollY") > 600
    for part in (".side", ".top"):
        assert page.locator(part).first.evaluate("part => part.getBoundingClientRect().top") == 0, part


def test_pages_work_without_script(portal: Portal, sign_in: SignIn) -> None:
    page = sign_in("partner user", script=False)
    page.goto(f"{portal.url}/inbox")
    row = page.locator("tr:has(button:has-text('Claim'))").first
    ref = row.get_attribute("id")
    row.get_by_role("button", name="Claim").click()
    page.goto(f"{portal.url}/leads/{ref}")
    assert "@" in page.locator("main").inner_text()
