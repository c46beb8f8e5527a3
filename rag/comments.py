"""Where readers' comments begin under a text, so that a reader is never taken for the author."""

from __future__ import annotations

import re

_WORDS = r"(?:comments?|responses?|replies|reactions|discussion|thoughts)"
_HEADING = re.compile(
    rf"\W*(?:\d+\s+(?:(?:reader|user|visitor)s?['’]?\s+)?{_WORDS}(?:\s+(?:on|to)\s.{{0,120}})?"
    rf"|(?:all |latest |top |recent )?(?:reader|user|visitor)s?['’]?\s+{_WORDS}"
    rf"|(?:all |latest |top |recent )?comments(?:\s+\(\d+\)|\s+section)?"
    rf"|(?:leave|post|write|add) a (?:comment|reply|response)|join the (?:discussion|conversation))\W*",
    re.IGNORECASE,
)
_ASKED = re.compile(r"\b(?:comment(?:s|er|ers|ed|ator|ators)?|readers?|users?|replies|repl(?:y|ied))\b", re.IGNORECASE)
# What stands under such a heading, and not under a link "3 comments" above an article: a reader's name or a button.
_SIGNED = re.compile(
    r"^\W*(?:[Rr]eply|[Rr]eport|[Uu]pvote|[Ll]ike|[Ss]hare)\W*$"
    r"|^.{0,60}\b(?:says|said|wrote|writes|replied|commented|posted)\b.{0,60}:\s*$"
    r"|^.{0,80}\b\d{1,2}:\d{2}\s?(?:[ap]\.?m\.?)?\W*$"
    r"|^.{0,60}\b(?:\d+ )?(?:minutes?|hours?|days?|weeks?|months?|years?) ago\W*$"
    r"|^[A-Z][\w.'’-]*(?: [\w.'’-]+){0,2}(?: (?:says|wrote|writes|replied))?: \S",
    re.MULTILINE,
)
# A shorter text is a menu or an announcement, not what readers comment on.
_SHORTEST = 200


def comments_start(text: str) -> tuple[int, str] | None:
    """The place and the words of the line under which readers' comments stand; None if there is none."""
    place = 0
    for line in text.split("\n"):
        words = " ".join(line.split())
        fits = place >= _SHORTEST and 0 < len(words) < _SHORTEST and is_comments_heading(words)
        if fits and _SIGNED.search(text, place + len(line) + 1):
            return place + len(line) - len(line.lstrip()), words
        place += len(line) + 1
    return None


def is_comments_heading(words: str) -> bool:
    """Whether a heading is one over readers' comments."""
    return bool(_HEADING.fullmatch(words))


def under_comments(heading: str) -> bool:
    """Whether a path of headings ("Article > Comments") leads to readers' comments."""
    return any(is_comments_heading(part) for part in heading.split(" > "))


def asks_for_comments(question: str) -> bool:
    """Whether a question asks what readers say."""
    return bool(_ASKED.search(question))
