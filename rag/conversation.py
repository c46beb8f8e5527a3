"""What is said + the turns before it -> a reply to a courtesy, or a question that can be understood alone. Rules."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.sentences import sentence_spans
from rag.terms import STOP_WORDS, content_words, names_and_numbers
from rag.types import Turn

_COURTESIES = (
    (
        "greeting",
        r"(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|greetings)(?: (?:there|footnote|all|everyone))?"
        r"|how are you(?: doing| today)?|what can you do|who are you|help",
    ),
    (
        "thanks",
        r"(?:ok(?:ay)?[, ]+)?(?:many thanks|thank you|thanks|thx|cheers|great|perfect|nice|cool|awesome|got it)"
        r"(?:[, ]+(?:a lot|so much|very much|footnote|thank you|thanks|that help(?:s|ed)|for (?:that|your help)))*",
    ),
    ("farewell", r"(?:good ?bye|bye|bye bye|see you(?: later| soon)?|good night|ciao)"),
)
_CONNECTIVE = re.compile(r"^(?:and|but|or|so|then|what about|how about|what of)\b", re.IGNORECASE)
_PRONOUN = re.compile(r"\b(?:it|its|they|them|their|he|him|his|she|her|hers|there)\b", re.IGNORECASE)
_CORRECTION = re.compile(
    r"^(?:(?:no|nope|sorry|oops|wait|actually)\b(?:\s*[,.!:;–-]+\s*|\s+(?=(?:i|we) meant?\b|make that\b)))+"
    r"(?:(?:i|we) meant?|what i meant (?:was|is)|make that)?\s*"
    r"|^(?:i|we) mean[t]?\s+",
    re.IGNORECASE,
)
_ELLIPSIS = re.compile(
    r"^(?:(?:and|but|or|so|then|what about|how about|what of|and what about|in|for|of|by|with|from)\s+)+", re.IGNORECASE
)
_NUMERALS = {
    **dict(zip("first second third fourth fifth sixth".split(), range(6), strict=True)),
    **{f"{number + 1}{ending}": number for number, ending in enumerate(("st", "nd", "rd", "th", "th", "th"))},
    "last": -1,
}
_POINT = re.compile(
    rf"\b(?P<numeral>{'|'.join(_NUMERALS)})\s+(?:point|one|item|reason|part|thing|sentence|statement|footnote)\b"
    r"|\b(?:point|item|sentence|footnote|number|no\.?)\s+(?P<digit>[1-6])\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Z][\w'’.-]*(?:\s+(?:(?:of|the|de|van|von)\s+)?[A-Z][\w'’.-]*)*")
_NUMBER = re.compile(r"\b\d[\d.,]*\b")
_LONGEST_CHAIN = 6  # questions that lean on the one before them


def courtesy(said: str) -> str | None:
    """The name of the reply (a prompt) to a greeting, thanks or a farewell; None for anything else."""
    bare = re.sub(r"[^\w\s,]", "", said).strip().lower()
    return next((name for name, pattern in _COURTESIES if re.fullmatch(pattern, bare)), None)


def standalone(question: str, history: Sequence[Turn]) -> str:
    """The question, completed from the conversation when it leans on it.

    - "No, I meant 2021", "and Russia?": the last question with its year, number or name exchanged.
    - "What about the second point?": with that sentence of the last answer in brackets.
    - It begins with "and" and the like, or has a pronoun and names nothing: with the last question's words in brackets.
    """
    asked = [place for place, turn in enumerate(history) if turn.role == "user" and not courtesy(turn.content)]
    if not asked:
        return question
    point = _POINT.search(question)
    answers = [turn.content for turn in history if turn.role == "assistant"]
    if point and answers and (sentence := _sentence(answers[-1], point)):
        return f"{question} ({sentence})"
    correction = _CORRECTION.match(question)
    rest = question[correction.end() :] if correction else question
    leans = bool(correction) or _CONNECTIVE.search(rest) or (_PRONOUN.search(rest) and not names_and_numbers(rest))
    if not rest.strip(" ?.!") or not leans:
        return question
    earlier = history[: asked[-1]][-2 * _LONGEST_CHAIN :]
    previous = standalone(history[asked[-1]].content, earlier)
    return _exchanged(rest, previous) or _completed(rest, previous)


def _exchanged(rest: str, previous: str) -> str | None:
    """The previous question with one name or number exchanged, if that is all the rest says."""
    new = _ELLIPSIS.sub("", rest).strip(" ?.!,")
    for pattern in (_NUMBER, _NAME):
        said = re.sub(r"^the\s+", "", new, flags=re.IGNORECASE)
        if not pattern.fullmatch(said):
            continue
        found = [match for match in pattern.finditer(previous) if match.group().lower() not in STOP_WORDS]
        # A question's first word is written with a capital whatever it is.
        found = [match for match in found if match.start() > 0 or pattern is _NUMBER]
        if pattern is _NUMBER:
            found = [match for match in found if len(match.group()) == len(said)]
        # Of two names only a reader knows which is meant.
        if len(found) == 1 and said not in previous:
            return previous[: found[0].start()] + said + previous[found[0].end() :]
    return None


def _completed(question: str, previous: str) -> str:
    own = {word.lower() for word in content_words(question)}
    theirs = set(content_words(previous)) - own
    carried = [word for word in re.findall(r"[\w'’-]+", previous) if word.lower() in theirs]
    return f"{question} ({' '.join(carried)})" if carried else question


def _sentence(answer: str, point: re.Match[str]) -> str | None:
    place = int(point["digit"]) - 1 if point["digit"] else _NUMERALS[point["numeral"].lower()]
    # A mark behind its full stop does not end the sentence a second time.
    text = re.sub(r"([.!?])((?:\s*\[\d+\])+)", r"\2\1", answer)
    sentences = [re.sub(r"\s*\[\d+\]", "", span.of(text)).strip() for span in sentence_spans(text)]
    return sentences[place] if -len(sentences) <= place < len(sentences) else None
