"""`<ref('lead'):lead_ref>`: a record's public name in a URL; another kind's does not match (404)."""

from typing import Any

from werkzeug.routing import BaseConverter, Map, ValidationError

from app.kernel.refs import is_ref


class RefConverter(BaseConverter):
    regex = "[a-z]+_[0-9A-Za-z]+"

    def __init__(self, url_map: Map, kind: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(url_map, *args, **kwargs)
        self.kind = kind

    def to_python(self, value: str) -> str:
        if not is_ref(self.kind, value):
            raise ValidationError
        return value

    def to_url(self, value: Any) -> str:
        return str(value)
