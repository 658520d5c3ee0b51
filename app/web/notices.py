"""What has just happened, said on the next page with something to do about it."""

from typing import Any

from flask import flash, get_flashed_messages


def flash_with_button(text: str, action_url: str, action_label: str, category: str = "success") -> None:
    """A notice with a POST button, such as *Undo*."""
    message: Any = {"text": text, "action_url": action_url, "action_label": action_label}
    flash(message, category)


def flash_with_link(text: str, link_url: str, link_label: str, category: str = "success") -> None:
    """A notice with a link."""
    message: Any = {"text": text, "link_url": link_url, "link_label": link_label}
    flash(message, category)


def notices() -> list[tuple[str, Any]]:
    """(category, message) of what is to be said on this page, each once: a button that was pressed twice says it twice."""
    said: list[tuple[str, Any]] = []
    for notice in get_flashed_messages(with_categories=True):
        if notice not in said:
            said.append(notice)  # type: ignore[arg-type]  # a pair, since the categories were asked for
    return said
