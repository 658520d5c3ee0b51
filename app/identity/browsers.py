"""What a browser calls itself, shortened to what its owner recognises: "Firefox, Linux".  Pure."""

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def browser_name(user_agent: str) -> str:
    """The browser and its system; what it says of itself, cut short, when it is neither."""
    return ", ".join(filter(None, browser_and_system(user_agent))) or user_agent[:40] or "–"


def browser_and_system(user_agent: str) -> tuple[str, str]:
    """("Firefox", "Linux"); empty for what is not known by name."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    return browser, system


def place_of(address: str, user_agent: str) -> dict[str, object]:
    """Where somebody was, as events keep it: the address, and the browser by its short name."""
    printable = "".join(c for c in user_agent if c.isprintable())
    return {"address": address[:60], "browser": browser_name(printable)}
