"""Finds what in a document speaks to a language model instead of to a reader: orders, fake turns, forged passage marks.

Such sentences are never quoted and never shown to a language model; a document that holds some carries a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.sentences import sentence_spans
from rag.types import Span

# Each pattern is one way in which a text gives orders to whatever reads it. They err on the side of silence: documents
# about assistants are written, too, and their sentences must stay quotable.
_MODEL = r"(?:an? )?(?:ai|llms?|(?:large )?language models?|chat-?bots?|chatgpt|gpt-?\d\w*)(?: (?:assistants?|models?|systems?|agents?))?"
_ORDERS = (
    r"(?:instructions?|prompts?|rules|directions|guidelines|orders|commands|constraints|passages|sources|documents)"
)
_INSTRUCTIONS = (
    rf"\b(?:ignore|disregard|forget|override|bypass)\b(?:\W+\w+){{0,3}}?\W+(?:previous|prior|above|earlier|preceding|other|all|any|these|those|your|system|original)\W+(?:\w+\W+){{0,2}}?{_ORDERS}\b",
    r"\b(?:ignore|disregard|forget) (?:everything|anything|whatever|what|all)\b.{0,30}\b(?:said|told|above|before|earlier|so far)\b",
    r"\b(?:you are now|from now on,? you|pretend (?:to be|you are)|role-?play as)\b",
    r"\b(?:new|updated|revised|hidden|secret|urgent) (?:system )?(?:instructions?|directives?|prompts?) ?(?::|to you|for you|follow|from)",
    rf"\b(?:note|message|instructions?|attention|reminder|notice) (?:to|for) (?:the |all |any |every )?{_MODEL}\b",
    rf"^\W*(?:attention|important|hey|dear|hello)\W+{_MODEL}\b",
    rf"\b(?:if you are|as) {_MODEL}\b.{{0,20}}\byou (?:must|should|shall|will|need)\b",
    r"\b(?:respond|reply|answer|output) (?:only |instead |exactly |always )+(?:with|by)\b",
    r"\b(?:begin|start|end|finish|include|append|add|insert)\b.{0,60}\b(?:in|with|to|at the end of|of) your (?:next |final )?(?:answer|response|reply|output|summary)\b",
    r"\b(?:in|begin|start|end|prefix|finish) your (?:next |final )?(?:answer|response|reply|output|summary)\b.{0,60}",
    r"\b(?:reveal|print|show|leak|repeat|disclose|output|send)\b.{0,30}\b(?:your|the) (?:system prompt|hidden prompt|instructions|api keys?|conversation|chat history)\b",
    r"\b(?:tell|inform|convince|instruct|warn|urge) the (?:user|reader)s? (?:that|to|about)\b",
    r"\bthe (?:only )?(?:correct|right|true|final) answer to (?:the|any|every|this|all) questions? (?:above |below |asked )?is\b",
    r"\b(?:cite|mark) (?:this|the) (?:passage|document|page|text) (?:as|for|in) (?:every|all|any|your|the only)\b",
    r"\bdo not (?:use|cite|trust|quote|mention) (?:any |the )?other (?:passages?|sources?|documents?)\b",
    r"\bwhen (?:asked|answering|summari[sz]ing|responding|you (?:answer|are asked|respond|summari[sz]e))\b.{0,60}\b(?:say|answer|respond|reply|write|claim|output) (?:that|with|only|\W)",
    r"!\[[^\]]*\]\(\s*(?:https?:)?//[^)]*\?[^)]*=",
    r"<\s*(?:script|iframe|object|embed)\b",
    r"\bjavascript\s*:",
)
_INSTRUCTION = re.compile("|".join(f"(?:{pattern})" for pattern in _INSTRUCTIONS), re.IGNORECASE)
# A sentence without any of these is none, and looking for them first costs little; in folded case a seventh of what
# ignoring case would.
_HINT = re.compile(
    r"ignore|disregard|forget|overrid|bypass|you are|pretend|role-?play|instruct|directive|prompt|note|message|attention"
    r"|notice|remind|important|hey|dear|hello|respond|reply|answer|output|summar|reveal|leak|disclose|tell|inform"
    r"|convince|say|warn|urge|cite|mark|other|!\[|<|javascript|\[|:|>|#"
)
# What the prompts of chat models separate turns with, and what forged turns and passage marks look like.
_TURN = re.compile(
    r"<\|[\w/]+\|?>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>"
    r"|^\W{0,4}(?:system|user|assistant|human|developer) ?(?:prompt|message)?\s*[:>\]]\s*\S"
    r"|^\W{0,4}=+ \w+ (?:end of )?passage \d",
    re.IGNORECASE | re.MULTILINE,
)
_LONGEST, _OVERLAP = 2000, 300  # characters
# Marks of width zero, turns of the writing direction, and the invisible tag characters.
INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]")


def speaks_to_a_model(sentence: str) -> bool:
    """Whether a sentence reads as an order or a turn meant for a language model."""
    seen = INVISIBLE.sub("", sentence)
    return any(map(_speaks, _pieces(seen)))


def _speaks(seen: str) -> bool:
    return bool(_HINT.search(seen.casefold()) and (_INSTRUCTION.search(seen) or _TURN.search(seen)))


def _pieces(sentence: str) -> Iterator[str]:
    """A sentence as it is; one without end in pieces that overlap, because a search takes ever longer in long ones."""
    yield sentence[:_LONGEST]
    for start in range(_LONGEST, len(sentence), _LONGEST):
        yield sentence[start - _OVERLAP : start + _LONGEST]


def instruction_spans(text: str) -> list[Span]:
    """The sentences of a text that speak to a language model."""
    return [span for span in sentence_spans(text) if speaks_to_a_model(span.of(text))]
