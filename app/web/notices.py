"""What has just happened, said on the next page with something to do about it."""

from typing import Any

from flask import flash


def flash_with_button(text: str, action_url: str, action_label: str, category: str = "success") -> None:
    """A notice with a POST button, such as *Undo*."""
    message: Any = {"text": text, "action_url": action_url, "action_label": action_label}
    flash(message, category)


def flash_with_link(text: str, link_url: str, link_label: str, category: str = "success") -> None:
    """A notice with a link."""
    message: Any = {"text": text, "link_url": link_url, "link_label": link_label}
    flash(message, category)
