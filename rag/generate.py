"""Question + passages + prompt -> a language model's draft, streamed. What it writes is a claim, not yet believed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import prompts
from rag.instructions import INVISIBLE, speaks_to_a_model
from rag.language_model import Ending, LanguageModel
from rag.sentences import sentence_spans
from rag.types import Claim, Draft, Passage, Turn

NO_ANSWER = "NO ANSWER"
# Another tokenizer than ours cuts the same text into up to so many times more pieces.
_TOKEN_RESERVE = 1.4
_REMOVED = "[a sentence was left out]"
# "[1]", "[1, 2]", "[1][2]", "(passage 3)", "［１］", "【1】", "[^1]", "[passage 2]".
_MARK = re.compile(
    r"[\[［【⟦(]\s*(?:passages?|sources?)?\s*[\^#]?\s*\d+(?:\s*(?:,|;|and|&|、)\s*(?:passages?\s*)?[\^#]?\d+)*\s*[\]］】⟧)]",
    re.IGNORECASE,
)
_BARE_PARENTHESES = re.compile(r"\(\s*\d+(?:[,;\s]+\d+)*\s*\)")  # "(1971)" is a year, not a mark
_ATTRIBUTION = re.compile(
    r"(?:according to |as )?(?:the )?passages? \d+(?:(?:,| and|, and) (?:passage )?\d+)*"
    r"(?:\s*[:,]|\s+(?:also\s+)?(?:states?|says?|mentions?|notes?|reports?|explains?|indicates?)(?:\s+that|,)?)\s+(?=\S)",
    re.IGNORECASE,
)
_HISTORY = 4  # turns of the conversation that a question is completed from
_LIST_MARK = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+")

Counter = Callable[[Sequence[str]], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a language model is asked; `left_out` are the numbers of the passages that its window has no room for."""

    system: str
    user: str
    left_out: tuple[int, ...]


def prompt(question: str, passages: Sequence[Passage], model: LanguageModel, count_tokens: Counter) -> Prompt:
    """The prompt for a question; passages are delimited as data, and those that do not fit are named, never cut."""
    boundary = _boundary(question, passages)
    system = prompts.fill("answer", boundary=boundary, no_answer=NO_ANSWER)
    blocks = [_block(number, passage, boundary) for number, passage in enumerate(passages, start=1)]
    frame = prompts.fill("passages", passages="", question=question)
    spent = count_tokens([system, frame])
    room = model.window - model.answer_tokens - _TOKEN_RESERVE * sum(spent)
    shown, left_out = [], []
    for number, (block, tokens) in enumerate(zip(blocks, count_tokens(blocks), strict=True), start=1):
        room -= _TOKEN_RESERVE * tokens
        if room >= 0:
            shown.append(block)
        else:
            room += _TOKEN_RESERVE * tokens
            left_out.append(number)
    asked = prompts.fill("passages", passages="\n".join(shown), question=question)
    return Prompt(system, asked, tuple(left_out))


def parse_draft(text: str, model: str, ending: Ending) -> Draft:
    """What a language model wrote, as claims: a sentence each, with the passages that its marks name.

    A sentence that was cut off at the end is left out; "no answer" gives a draft without claims.
    """
    claims: list[Claim] = []
    for sentence in _sentences(text):
        said, named = _without_attribution(strip_marks(sentence))
        marks = tuple(dict.fromkeys((*_marks(sentence), *named)))
        if said in {claim.text for claim in claims}:  # small models go round in circles
            continue
        if not re.search(r"\w", said):
            if claims and marks:  # the mark stands after the full stop
                claims[-1] = Claim(claims[-1].text, tuple(dict.fromkeys((*claims[-1].passages, *marks))))
        elif NO_ANSWER.lower() not in said.lower():
            claims.append(Claim(said, marks))
    if ending.cut_off and claims and not re.search(r"[.!?…。]\W*$", text.rstrip()):
        claims.pop()
    return Draft(tuple(claims), model, tokens=ending.tokens)


def rewritten(question: str, history: Sequence[Turn], model: LanguageModel) -> str:
    """The question as the language model completes it from the conversation. Raises LanguageModelError."""
    turns = [(turn.role, strip_marks(turn.content)) for turn in history[-_HISTORY:]]
    pieces = model.write(prompts.load("rewrite"), [*turns, ("user", f"Rewrite: {question}")])
    text = "".join(piece for piece in pieces if isinstance(piece, str))
    return next((line.strip(' "') for line in text.splitlines() if line.strip(' "')), question)


def write(prompt: Prompt, model: LanguageModel) -> Iterator[str | Draft]:
    """The model's text piece by piece, then the draft. Raises LanguageModelError."""
    text = ""
    for piece in model.write(prompt.system, [("user", prompt.user)]):
        if isinstance(piece, Ending):
            yield parse_draft(text, model.name, piece)
        else:
            text += piece
            yield piece


def strip_marks(text: str) -> str:
    """A text on one line without footnote marks, in any of the brackets that models write."""
    return re.sub(r"\s+([.,;:!?])", r"\1", " ".join(_MARK.sub(_kept_year, text).split()))


def _without_attribution(sentence: str) -> tuple[str, tuple[int, ...]]:
    """A sentence without "Passage 2 says that" before it, and the numbers of the passages named there."""
    found = _ATTRIBUTION.match(sentence)
    if not found:
        return sentence, ()
    rest = sentence[found.end() :]
    return rest[:1].upper() + rest[1:], tuple(int(number) for number in re.findall(r"\d+", found.group()))


def _kept_year(match: re.Match[str]) -> str:
    return match.group() if _BARE_PARENTHESES.fullmatch(match.group()) else ""


def _marks(sentence: str) -> Iterator[int]:
    for match in _MARK.finditer(sentence):
        if not _BARE_PARENTHESES.fullmatch(match.group()):
            yield from (int(number) for number in re.findall(r"\d+", match.group()))


def _sentences(text: str) -> Iterator[str]:
    for span in sentence_spans(text):
        yield _LIST_MARK.sub("", span.of(text)).strip()


def _boundary(question: str, passages: Sequence[Passage]) -> str:
    """A line that no document can foresee: it follows from the question and all the passages."""
    seen = "\x00".join([question, *(passage.chunk.text for passage in passages)])
    return f"=== {hashlib.sha256(seen.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def _block(number: int, passage: Passage, boundary: str) -> str:
    chunk = passage.chunk
    title = " > ".join(filter(None, (chunk.title, chunk.heading)))
    return f"{boundary} passage {number} ({data(title)})\n{data(chunk.text)}\n{boundary} end of passage {number}"


def data(text: str) -> str:
    """A text as a language model is shown it: without invisible characters, and without sentences that speak to it."""
    shown = []
    end = 0
    for span in sentence_spans(text):
        shown.append(text[end : span.start])
        shown.append(_REMOVED if speaks_to_a_model(span.of(text)) else span.of(text))
        end = span.end
    return INVISIBLE.sub("", "".join([*shown, text[end:]]))
