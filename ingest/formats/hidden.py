"""HTML -> what in it readers of the page do not see: by style sheet, attribute, size, place or colour."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten

from lxml import etree
from lxml.html import HtmlElement, document_fromstring, tostring

_FOLDED = re.compile(r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)", re.IGNORECASE)
_INVISIBLE = re.compile(
    r"font-size\s*:\s*0*(?:\.\d+|0|1)?(?:px|pt|em|rem|%)?\s*(?:;|!|$)|(?<![\w-])opacity\s*:\s*0?(?:\.0\d*)?\s*(?:;|!|$)"
    r"|(?:left|top|right|text-indent|margin-left|margin-top)\s*:\s*-\d{3,}|clip\s*:\s*rect\(\s*0"
    r"|clip-path\s*:\s*inset\(\s*(?:50|100)%|(?<![\w-])(?:height|width)\s*:\s*0(?:px)?\s*;.*overflow\s*:\s*hidden"
    r"|transform\s*:\s*scale\(\s*0",
    re.IGNORECASE,
)
_WHITE = re.compile(
    r"(?<![\w-])color\s*:\s*(?:white|transparent|#fff(?:fff)?\b|#fef?efe\b|rgba?\(\s*25[0-5]\s*,\s*25[0-5]\s*,\s*25[0-5]"
    r"|rgba\([^)]*,\s*0(?:\.0+)?\s*\))",
    re.IGNORECASE,
)
_BACKGROUND = re.compile(r"background", re.IGNORECASE)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_SIMPLE_SELECTOR = re.compile(r"\s*(?:\w+)?([.#])([\w-]+)\s*$")
_LEAST_WORDS = 3
_SHOWN = 90  # characters of it in a warning


@dataclass(frozen=True, slots=True)
class Seen:
    """A page without what is made invisible where it stands, the texts that went, and the others that are hidden.

    What its own style makes too small, transparent, white on white or puts off the page goes. What may be opened by a
    click (display: none), or is hidden by a style sheet, stays.
    """

    html: str
    removed: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()


def without_invisible(html: str) -> Seen:
    """The page as its readers see it."""
    try:
        page = document_fromstring(html)
    except (etree.ParserError, ValueError, RecursionError):
        return Seen(html)
    names = _names(page)
    folded, removed = [], []
    for element in list(page.body.iter(etree.Element)) if page.body is not None else ():
        style = element.get("style") or ""
        words = " ".join(_words(element))
        if len(words.split()) < _LEAST_WORDS:
            continue
        if element.getparent() is not None and (_INVISIBLE.search(style) or _is_white(element, style)):
            removed.append(words)
            element.drop_tree()
        elif _FOLDED.search(style) or element.get("hidden") is not None or _is_named(element, names):
            folded.append(words)
    return Seen(str(tostring(page, encoding="unicode")) if removed else html, tuple(removed), tuple(folded))


def standing_in(texts: Sequence[str], text: str) -> list[str]:
    """Those of some hidden texts that stand in a document's text."""
    plain = " ".join(text.split())
    return [each for each in texts if each[:_SHOWN] in plain]


def quoted(texts: Sequence[str]) -> str:
    """The first of some texts, and how many more there are."""
    more = f" and {len(texts) - 1} more" if len(texts) > 1 else ""
    return f"“{shorten(texts[0], _SHOWN, placeholder='…')}”{more}"


def _names(page: HtmlElement) -> set[str]:
    """The classes and ids, as ".name" and "#name", that the page's own style sheets hide."""
    names: set[str] = set()
    for sheet in page.iter("style"):
        for selectors, body in _RULE.findall(sheet.text_content()):
            for selector in selectors.split(","):
                name = _SIMPLE_SELECTOR.match(selector)
                if name and (_INVISIBLE.search(body) or _FOLDED.search(body)):
                    names.add(name[1] + name[2])
    return names


def _is_named(element: HtmlElement, names: set[str]) -> bool:
    own = [f".{name}" for name in (element.get("class") or "").split()] + [f"#{element.get('id')}"]
    return bool(names) and any(name in names for name in own)


def _is_white(element: HtmlElement, style: str) -> bool:
    """White or transparent letters where nothing says that they stand on another colour."""
    if not _WHITE.search(style) or _BACKGROUND.search(style) or element.get("class"):
        return False
    above = [
        (one.get("style") or "") + (one.get("class") or "") + (one.get("bgcolor") or "")
        for one in element.iterancestors()
    ]
    return not any(_BACKGROUND.search(each) or (each and ":" not in each) for each in above)


def _words(element: HtmlElement) -> list[str]:
    """The words of an element, without scripts."""
    return " ".join(element.xpath(".//text()[not(ancestor::script or ancestor::style)]")).split()
