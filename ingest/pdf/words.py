"""Words as a reader of a PDF reads them: ligatures written out, words broken at a line's end put together."""

from __future__ import annotations

import re
from collections.abc import Iterable

WRITTEN_OUT = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\xa0": " "}
    | {"\uf0b7": "•", "\uf0a7": "▪", "\uf0d8": "➢", "\uf0fc": "✓", "\uf071": "❑", "\uf0a8": "□"}  # of Symbol, Wingdings
)
_WORD = re.compile(r"(?<![\w\u00ad‐-])(?<![\u00ad‐-]\n)[^\W\d_]{4,}(?![\w\u00ad‐-])")  # no part of another word
_SOFT_HYPHEN = re.compile("\u00ad(?!\n)")
_BROKEN = re.compile(
    r"(?P<chain>[-‐])?(?<![^\W_])(?P<start>[^\W_]+)(?P<hyphen>[-‐\u00ad])\n(?P<end>(?P<word>[^\W_]+)\S*)(?: |\n|$)"
)
_HYPHENATED = re.compile(r"(?<![^\W_])(?=([^\W_]+[-‐][^\W_]+))")
_JOINING = {"and", "or", "to", "und", "oder", "bis", "et", "ou", "y", "o"}  # as in "short- and long-term"


class Vocabulary:
    """The words of one document, by which a hyphen at a line's end is judged."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._words: set[str] = set()
        self._hyphenated: set[str] = set()
        for text in texts:
            lines = text.translate(WRITTEN_OUT)
            self._words.update(map(_plain, _WORD.findall(lines)))
            self._hyphenated.update(map(_plain, _HYPHENATED.findall(lines)))

    def mended(self, text: str) -> str:
        """A paragraph of lines with broken words whole, at the end of the line they began on.

        The hyphen goes where the next line goes on in lower case, unless the word is written with it elsewhere, or
        both its parts are words of the document and the whole is not.
        """
        lines = _SOFT_HYPHEN.sub("", text.translate(WRITTEN_OUT))
        return _BROKEN.sub(self._put_together, lines).rstrip("\n")

    def _put_together(self, broken: re.Match[str]) -> str:
        start, word, chain = broken["start"], broken["word"], broken["chain"] or ""
        if word.lower() in _JOINING:
            return broken[0]
        is_hyphenation = (
            (broken["hyphen"] == "\u00ad" or not (chain or "-" in broken["end"]))
            and start.isalpha()
            and word[0].islower()
            and _plain(f"{start}-{word}") not in self._hyphenated
            and not self._is_compound(_plain(start), _plain(word))
        )
        return f"{chain}{start}{'' if is_hyphenation else '-'}{broken['end']}\n"

    def _is_compound(self, start: str, word: str) -> bool:
        return start in self._words and word in self._words and start + word not in self._words


def _plain(word: str) -> str:
    return word.lower().replace("‐", "-")
