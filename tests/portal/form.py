"""Forms of pages, filled in as a browser has them: what it would send if nobody touched anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class Form:
    """A form with the values of its inputs; buttons are not among them."""

    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def with_(self, **changed: Any) -> dict[str, Any]:
        """The form with some values changed; `_` in a name stands for itself."""
        return {**self.fields, **changed}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._inside = False
        self._select = ""
        self._options: list[tuple[str, bool]] = []
        self._text: list[str] | None = None
        self._name = ""
        self._option: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: Mapping[str, str] = {key: value or "" for key, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
            self._inside = True
        if not self._inside:
            return
        if tag == "input" and "name" in given:
            is_box = given.get("type") in {"checkbox", "radio"}
            if (not is_box or "checked" in given) and given.get("type") != "file":
                self._add(given["name"], given.get("value", ""))
        elif tag == "select":
            self._select, self._options = given.get("name", ""), []
        elif tag == "option":
            self._option, self._text = given.get("value"), []
            self._options.append(("", "selected" in given))
        elif tag == "textarea":
            self._name, self._text = given.get("name", ""), []
        elif tag == "button":
            self.forms[-1].buttons.append((given.get("name", ""), given.get("value", "")))

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        if tag == "option" and self._text is not None:
            value = self._option if self._option is not None else " ".join("".join(self._text).split())
            self._options[-1] = (value, self._options[-1][1])
            self._text = None
        elif tag == "select" and self._options:
            chosen = [value for value, is_chosen in self._options if is_chosen] or [self._options[0][0]]
            self._add(self._select, chosen[-1])
        elif tag == "textarea" and self._text is not None:
            self._add(self._name, "".join(self._text).removeprefix("\n"))
            self._text = None

    def _add(self, name: str, value: str) -> None:
        if name and self._inside:
            self.forms[-1].fields.setdefault(name, []).append(value)


def forms_of(source: str, action: str) -> list[Form]:
    """The forms of a page whose address ends like this."""
    reader = _Reader()
    reader.feed(source)
    return [one for one in reader.forms if one.action.partition("#")[0].endswith(action)]


def form_of(source: str, action: str) -> Form:
    """The only form of a page with this address."""
    [form] = forms_of(source, action)
    return form
