"""Texts that would run, load or lead somewhere if a page did not escape them, and what a page is asked about them."""

from __future__ import annotations

from html.parser import HTMLParser

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](https://evil.example/?q=1)",
    "![x](https://evil.example/x.png)",
    "https://evil.example",
    "<https://evil.example>",
    "javascript:alert(1)",
    "<form action=https://evil.example><input type=password>",
    "</article></div><iframe src=//evil.example>",
    "</text></svg></title></style><script>alert(1)</script>",
    "[1](#cite-0-0)",
    "[x]: https://evil.example\n\n[x]",
    "# heading\n- item\n1. item\n> quote\n```code```",
    "' onmouseover='alert(1)",
    '" onmouseover="alert(1)',
    "${alert(1)} {{7*7}}",
]


class Looked(HTMLParser):
    """An HTML text as a browser reads it: its elements, its text, what is marked of it, and what must not be there."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.dangers: list[str] = []
        self.text = self.marked = ""
        self._marks = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._marks += tag == "mark"
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            inside = {"href": "#", "src": "data:image/png;base64,"}.get(name)
            if name.startswith("on") or (inside and not (value or "").startswith(inside)):
                self.dangers.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag: str) -> None:
        self._marks -= tag == "mark"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._marks:
            self.marked += data


def letters(text: str) -> str:
    """The text's letters and digits."""
    return "".join(filter(str.isalnum, text))
