"""A form of a page as a browser sends it."""

from html.parser import HTMLParser


class Pressed(HTMLParser):
    """The form of a page that has a certain field, as a browser sends it when its main button is pressed.  fields: name → values."""

    def __init__(self, answer, having="confirmed"):
        super().__init__()
        self.action, self.fields = "", {}
        self._forms, self._now, self._select, self._area = {}, "", "", ""
        self.feed(answer.text)
        [(self.action, self.fields)] = [each for each in self._forms.values() if having in each[1]]
        self.fields.pop("csrf_token")

    def _put(self, given, value):
        key = given.get("form") or self._now
        self._forms.setdefault(key, ["", {}])[1].setdefault(given["name"], []).append(value)

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._now = given.get("id") or f"form {len(self._forms)}"
            self._forms.setdefault(self._now, ["", {}])[0] = given.get("action", "")
        elif tag == "select" and given.get("name"):
            self._select = given["name"]
        elif tag == "option" and self._select:
            chosen = self._forms[self._now][1]
            if self._select not in chosen or "selected" in given:
                chosen[self._select] = [given.get("value", "")]
        elif tag == "textarea" and given.get("name"):
            self._area = given["name"]
            self._put(given, "")
        elif tag == "button" and given.get("name") and "btn-primary" in given.get("class", ""):
            self._put(given, given["value"])
        elif tag == "input" and given.get("name") and _is_sent(given):
            self._put(given, given.get("value", "on"))

    def handle_data(self, data):
        if self._area:
            self._forms[self._now][1][self._area][-1] += data.removeprefix("\n")

    def handle_endtag(self, tag):
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""


def _is_sent(given):
    kind = given.get("type", "text")
    return "checked" in given if kind in ("radio", "checkbox") else kind not in ("submit", "file")
