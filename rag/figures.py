"""Text -> the numbers in it as values, however they are written: "1,200", "twelve hundred", "1.2 thousand" are one."""

from __future__ import annotations

import re

_UNITS = dict(
    zip(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split(),
        range(20),
        strict=True,
    )
)
_TENS = dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10), strict=True))
_ORDINALS = dict(
    zip("first second third fourth fifth sixth seventh eighth ninth tenth".split(), range(1, 11), strict=True)
)
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "dozen": 12.0}
_SHORT_SCALES = {"k": 1e3, "m": 1e6, "bn": 1e9, "tn": 1e12}
_DIGITS = r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_SMALL = rf"(?:(?:{'|'.join(_TENS)})[\s-](?:{'|'.join(list(_UNITS)[1:10])})|{'|'.join([*_TENS, *_UNITS])})"
_FIGURE = re.compile(
    rf"(?<![\w.])(?:(?P<digits>{_DIGITS})(?P<ordinal>st|nd|rd|th|s)?(?P<short>k|m|bn|tn)?(?![\w])|(?P<words>\b{_SMALL}\b)"
    rf"|\b(?P<rank>{'|'.join(_ORDINALS)})\b|(?P<alone>\b(?:{'|'.join(_SCALES)})s?\b))"
    rf"(?P<scales>(?:[\s-](?:{'|'.join(_SCALES)})s?\b)*)",
    re.IGNORECASE,
)


def figures(text: str) -> frozenset[float]:
    """The values of the numbers of a text; ordinals count as their number, a percentage as its digits."""
    return frozenset(_value(match) for match in _FIGURE.finditer(text))


def _value(match: re.Match[str]) -> float:
    if digits := match["digits"]:
        value = float(digits.replace(",", "")) * _SHORT_SCALES.get((match["short"] or "").lower(), 1)
    elif words := match["words"]:
        value = float(sum((_UNITS | _TENS)[word] for word in re.split(r"[\s-]", words.lower())))
    elif rank := match["rank"]:
        value = float(_ORDINALS[rank.lower()])
    else:
        value = _SCALES[match["alone"].lower().rstrip("s")]
    for scale in re.findall(r"[a-z]+", (match["scales"] or "").lower()):
        value *= _SCALES[scale.rstrip("s")]
    return round(value, 6)
