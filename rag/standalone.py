"""A follow-up question + the turns before it -> a question that can be understood alone. Rules, no model."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.terms import content_words, names_and_numbers
from rag.types import Turn

_CONNECTIVE = re.compile(r"^(?:and|but|or|so|then|what about|how about|what of)\b", re.IGNORECASE)
_PRONOUN = re.compile(r"\b(?:it|its|they|them|their|he|him|his|she|her|hers|there)\b", re.IGNORECASE)


def standalone(question: str, history: Sequence[Turn]) -> str:
    """The question, with the last question's words in brackets when it leans on them.

    It leans when it begins with "and", "what about" and the like, or has a pronoun and names nothing itself.
    """
    previous = next((turn.content for turn in reversed(history) if turn.role == "user"), "")
    leans = _CONNECTIVE.search(question) or (_PRONOUN.search(question) and not names_and_numbers(question))
    if not previous or not leans:
        return question
    own = {word.lower() for word in content_words(question)}
    carried = [word for word in re.findall(r"[\w'’-]+", previous) if word.lower() in set(content_words(previous)) - own]
    return f"{question} ({' '.join(carried)})" if carried else question
