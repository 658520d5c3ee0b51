"""Checks that every text is translated: run by `make check`.

Says, with file and line where it can, and exits with 1, when
- a text in the sources is missing from a language's catalogue, or one there is in no source any more;
- a translation is empty, marked fuzzy, or uses other placeholders than the original;
- a template shows letters that are not wrapped for translation.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("es", "ca")
KEYWORDS = DEFAULT_KEYWORDS | {
    "_l": None,
    "_n": (1, 2),
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")

# Blocks that fill an attribute, by the names they have in the layouts.
CLASS_BLOCK = re.compile(r"\{%-? block (?:\w+_class|width) -?%\}.*?\{%-? endblock", re.DOTALL)
JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
UNSEEN = re.compile(r"<!--.*?-->|<(script|style|svg)\b.*?</\1>", re.DOTALL | re.IGNORECASE)
TAG = re.compile(r"<[^<>]*>", re.DOTALL)
SPOKEN_ATTRIBUTE = re.compile(r"\b(?:title|placeholder|alt|aria-label|data-confirm)=\"([^\"]*)\"")
WORD = re.compile(r"[^\W\d_]{2,}")
ENTITY = re.compile(r"&\w+;")
NAME = "Canal"


def sources() -> Catalog:
    """All texts that the code and the templates ask for."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["babel"]["mappings"]
    methods = [(m["pattern"], m["method"]) for m in config]
    options = {m["pattern"]: {"trimmed": "true"} for m in config if m.get("trimmed")}
    catalog = Catalog()
    found = extract_from_dir(ROOT / "app", methods, options, KEYWORDS, (), strip_comment_tags=True)
    for filename, line, message, _comments, context in found:
        catalog.add(message, None, [(f"app/{filename}", line)], context=context)
    return catalog


def compared(language: str, wanted: Catalog) -> Iterator[str]:
    """What is wrong with a language's catalogue."""
    path = ROOT / "app" / "translations" / language / "LC_MESSAGES" / "messages.po"
    if not path.is_file():
        yield f"{path.relative_to(ROOT)} is missing: run `make translations`"
        return
    with path.open("rb") as file:
        catalog = read_po(file, locale=language)
    for message in wanted:
        if not message.id:
            continue
        there = catalog.get(_key(message), message.context)
        where = ":".join(map(str, message.locations[0]))
        if there is None:
            yield f"{language}: {where}: not in the catalogue: {_key(message)!r}"
        else:
            yield from (
                f"{language}: {where}: {fault}: {_key(message)!r}"
                for fault in _faults(message, there, catalog)
            )
    for message in catalog:
        if message.id and wanted.get(_key(message), message.context) is None:
            yield f"{language}: in the catalogue, but in no source: {_key(message)!r}"


def _key(message: Message) -> str:
    return str(message.id[0]) if message.pluralizable else str(message.id)


def _faults(wanted: Message, there: Message, catalog: Catalog) -> Iterator[str]:
    texts = there.string if isinstance(there.string, (tuple, list)) else (there.string,)
    if there.fuzzy:
        yield "marked fuzzy"
    if wanted.pluralizable and len(texts) != catalog.num_plurals:
        yield f"has {len(texts)} plural forms of {catalog.num_plurals}"
    originals = wanted.id if wanted.pluralizable else (wanted.id,)
    allowed = {name for text in originals for name in PLACEHOLDER.findall(text)}
    # A singular may say "one" instead of its number, so each form needs the rarest original's names.
    needed = set.intersection(*(set(PLACEHOLDER.findall(text)) for text in originals))
    for text in texts:
        if not text:
            yield "not translated"
        elif not needed <= set(PLACEHOLDER.findall(text)) <= allowed:
            yield f"other placeholders in {text!r}"


def unwrapped() -> Iterator[str]:
    """Letters that a template shows as they are, in text or in an attribute that is read aloud."""
    for path in sorted((ROOT / "app" / "templates").rglob("*.html")):
        source = path.read_text()
        for hidden in (CLASS_BLOCK, JINJA, UNSEEN):
            source = hidden.sub(lambda found: _blank(found.group()), source)
        spoken = [(found.start(1), found.group(1)) for found in SPOKEN_ATTRIBUTE.finditer(source)]
        text = ENTITY.sub(lambda f: _blank(f.group()), TAG.sub(lambda f: _blank(f.group()), source))
        shown = [(found.start(), found.group()) for found in re.finditer(r"[^\n]+", text)]
        for start, piece in sorted(spoken + shown):
            if WORD.search(piece.replace(NAME, "")):
                line = source.count("\n", 0, start) + 1
                yield f"{path.relative_to(ROOT)}:{line}: not wrapped for translation: {piece.strip()!r}"


def _blank(text: str) -> str:
    """Nothing to see, of the same length and with the same lines."""
    return re.sub(r"[^\n]", " ", text)


def main() -> int:
    """Print all faults; 1 if there are any."""
    wanted = sources()
    faults = [*unwrapped(), *(fault for language in LANGUAGES for fault in compared(language, wanted))]
    print("\n".join(faults) or f"{len(wanted)} texts, all translated into {' and '.join(LANGUAGES)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
