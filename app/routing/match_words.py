"""For which leads a member of a round robin takes turns, in words."""

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.kernel.countries import country_name
from app.routing.ledger import level_choices
from app.routing.matching import language_name


def match_texts(match: Mapping[str, Any], language: str) -> dict[str, Any]:
    """What a form shows of a stored match."""
    return {
        "countries": ", ".join(country_name(code, language) for code in match.get("countries", ())),
        "languages": ", ".join(language_name(code, language) for code in match.get("languages", ())),
        "products": ", ".join(match.get("products", ())),
        "levels": list(match.get("levels", ())),
    }


def match_words(session: Session, language: str) -> Callable[[Mapping[str, Any]], list[str]]:
    """What writes a stored match in lines; none for one who takes turns for every lead."""
    levels = dict(level_choices(session))

    def words(match: Mapping[str, Any]) -> list[str]:
        texts = match_texts(match, language)
        texts["levels"] = ", ".join(levels.get(ref, _("a level that is gone")) for ref in texts["levels"])
        labels = {
            "countries": _("Country"),
            "languages": _("Language"),
            "products": _("Product"),
            "levels": _("Partner level"),
        }
        return [f"{label}: {texts[part]}" for part, label in labels.items() if texts[part]]

    return words
