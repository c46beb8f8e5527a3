"""Two texts -> the tokens that the trained reader sees: as many stretches of the second as its window asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_FIRST_LONGEST = 64  # tokens of the first text; what is longer is cut


@dataclass(frozen=True, slots=True)
class Stretch:
    """A pair, or a part of it, as token ids. `offsets` are the places of the second text's tokens in its characters.

    The first of these tokens stands at `begin`; `kinds` is 1 from there on. `pair` is the pair's number.
    """

    pair: int
    ids: list[int]
    kinds: list[int]
    begin: int
    offsets: list[tuple[int, int]]


class PairTokenizer:
    """Cuts pairs of texts into stretches of at most `window` tokens, which have `overlap` tokens in common."""

    def __init__(self, tokenizer: Any, window: int, overlap: int) -> None:
        self._tokenizer = tokenizer
        self._window = window
        self._overlap = overlap
        self._start, self._end = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")

    def stretches(self, pairs: Sequence[tuple[str, str]]) -> list[Stretch]:
        """The stretches of all pairs, in their order."""
        firsts = self._tokenizer.encode_batch([first for first, _ in pairs], add_special_tokens=False)
        seconds = self._tokenizer.encode_batch([second for _, second in pairs], add_special_tokens=False)
        found: list[Stretch] = []
        for pair, (first, second) in enumerate(zip(firsts, seconds, strict=True)):
            head = [self._start, *first.ids[:_FIRST_LONGEST], self._end]
            room = self._window - len(head) - 1
            ids, offsets = second.ids, second.offsets
            for begin in range(0, max(len(ids) - self._overlap, 1), room - self._overlap):
                piece = ids[begin : begin + room]
                kinds = [0] * len(head) + [1] * (len(piece) + 1)
                place = [tuple(offset) for offset in offsets[begin : begin + room]]
                found.append(Stretch(pair, [*head, *piece, self._end], kinds, len(head), place))
        return found
