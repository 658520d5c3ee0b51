"""The files of others are exactly those that the vendor folder's README lists."""

import hashlib
import re
from pathlib import Path
from xml.etree import ElementTree as ET

STATIC = Path(__file__).parent.parent / "app" / "static"
VENDOR = STATIC / "vendor"
ROW = re.compile(r"^\| [^|]+ \| ([^|]+) \| [^|]+ \| `([^`]+)` \| `([0-9a-f]{64})` \|$", re.MULTILINE)


def listed() -> dict[str, tuple[str, str]]:
    """Version and digest by path under `app/static`."""
    text = (VENDOR / "README.md").read_text()
    return {path: (version, digest) for version, path, digest in ROW.findall(text)}


def test_every_vendored_file_has_the_listed_digest():
    found = {path: hashlib.sha256((STATIC / path).read_bytes()).hexdigest() for path in listed()}
    assert found == {path: digest for path, (_, digest) in listed().items()}


def test_no_vendored_file_is_unlisted():
    files = {
        p.relative_to(STATIC).as_posix() for p in VENDOR.rglob("*") if p.is_file() and p.name != "README.md"
    }
    assert files == {path for path in listed() if path != "icons.svg"}
    assert "icons.svg" in listed()


def test_the_version_is_in_the_folder_name_and_each_folder_has_a_licence():
    for path, (version, _) in listed().items():
        if path != "icons.svg":
            assert Path(path).parent.name.endswith(f"-{version}")
            assert (STATIC / path).parent.joinpath("LICENSE").is_file()


def test_the_icon_sprite_is_well_formed_and_has_no_name_twice():
    symbols = ET.parse(STATIC / "icons.svg").getroot().findall("{http://www.w3.org/2000/svg}symbol")  # noqa: S314 our own file
    names = [symbol.attrib["id"] for symbol in symbols]
    assert len(names) == len(set(names)) >= 70
    assert names == sorted(names)
    assert all(symbol.attrib["viewBox"] == "0 0 24 24" and len(symbol) for symbol in symbols)
