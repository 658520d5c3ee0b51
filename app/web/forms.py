"""The root of all forms."""

from typing import Any

from flask_wtf import FlaskForm


class Form(FlaskForm):
    """Flask-WTF's form, with a constructor that type checkers know."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
