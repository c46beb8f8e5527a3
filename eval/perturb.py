"""A true claim -> a false one much like it: a changed number, swapped names, an added negation, another entity."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence

_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*(?![\w])")
_NAME = re.compile(r"(?<=[\w,;:)] )(?:[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)*|[A-Za-z]*(?:[A-Z]{2}|[A-Z]+\d|\d+[A-Z])[\w-]*)")
_AUXILIARY = re.compile(r"\b(is|are|was|were|can|could|will|would|has|have|had|may|might|must|should|does|do|did)\b")
_NEGATION = re.compile(r"\b(is|are|was|were|can|could|will|would|has|have|had|may|might|must|should|does|do|did) not\b")
_WORD = re.compile(r"\b[a-z]{4,}(ed|ing|er|est|ly|al|ic|ive|ous|ity|ion|ment|(?<!s)s)\b")
_ENDING = re.compile(r" (?:of|in|for|by|from|to|with|on|at|during|after|before|between|through|about|under) ")
_VERB = re.compile(r"\b([a-z]+[^s\W])(s)\b(?= (?:the|a|an|to|in|of|by|for|with|from|at|on|its|their)\b)")

_PAIRS = (
    "increase decrease, increased decreased, rise fall, rose fell, higher lower, highest lowest, more fewer, most "
    "least, largest smallest, larger smaller, longest shortest, longer shorter, oldest youngest, older younger, "
    "best worst, first last, earliest latest, earlier later, before after, begin end, began ended, beginning end, "
    "start stop, started stopped, north south, northern southern, east west, eastern western, win lose, won lost, "
    "winning losing, open close, opened closed, accept reject, accepted rejected, allowed forbidden, joined left, "
    "arrived left, above below, maximum minimum, majority minority, common rare, male female, men women, father "
    "mother, son daughter, brother sister, husband wife, king queen, upper lower, inside outside, rich poor, "
    "urban rural, legal illegal, possible impossible, successful unsuccessful, positive negative, strong weak, "
    "hot cold, old new, less more, man woman, long short, full empty, start end, boy girl, buy sell, big "
    "small, large small, ill healthy, known unknown, peace war, different same, likely unlikely, "
    "bad good, high low, international national, local national, left right, hate love, major minor, divided united, "
    "early late, often rarely, black white, bottom top, general specific, birth death, private public, front back, far "
    "near, whole half, able unable, right wrong, dark light, pass fail, dead living, past future, lower raise, "
    "multiple single, gain loss, better worse, question answer, attack defend, difficult easy, alive dead, primary "
    "secondary, artificial natural, following preceding, civilian military, foreign domestic, advantage disadvantage, "
    "strength weakness, direct indirect, related unrelated, hard soft, religious secular, dependent independent, "
    "dangerous safe, true false, former latter, demand supply, internal external, agree disagree, complex simple, "
    "acute chronic, fast slow, thick thin, narrow wide, cheap expensive, dry wet, amateur professional, stable "
    "unstable, succeed fail, success failure, victory defeat, wealth poverty, conservative liberal, "
    "formal informal, visible invisible, automatic manual, correct incorrect, gradual sudden, permanent temporary, "
    "superior inferior, coastal inland, senior junior, offensive defensive, indoor outdoor, import export, imported "
    "exported, appointed dismissed, hired fired, built destroyed, founded dissolved, create destroy, created "
    "destroyed, support oppose, supported opposed, borrow lend, add remove, added removed, entered left, include "
    "exclude, included excluded, encourage discourage, improve worsen, remember forget, present absent, ancestor "
    "descendant, teacher student, employer employee, summer winter, morning evening, land sea, heaven earth"
)
_OPPOSITES = {one: other for pair in _PAIRS.split(", ") for one, other in (pair.split(), pair.split()[::-1])}


def changed_number(claim: str, others: Sequence[str], chance: random.Random) -> str | None:
    """Another number of about the same size in the place of one of the claim's."""
    found = list(_NUMBER.finditer(claim))
    if not found:
        return None
    match = chance.choice(found)
    digits = [place for place, letter in enumerate(match.group()) if letter.isdigit()]
    place = chance.choice(digits[-2:])
    old = match.group()[place]
    new = chance.choice([digit for digit in "123456789" if digit != old])
    return claim[: match.start() + place] + new + claim[match.start() + place + 1 :]


def swapped_names(claim: str, others: Sequence[str], chance: random.Random) -> str | None:
    """Two of the claim's names in each other's place."""
    found = {match.group(): match for match in _NAME.finditer(claim)}
    if len(found) < 2:
        return None
    first, second = sorted(chance.sample(list(found.values()), 2), key=lambda match: match.start())
    return (
        claim[: first.start()]
        + second.group()
        + claim[first.end() : second.start()]
        + first.group()
        + claim[second.end() :]
    )


def negated(claim: str, others: Sequence[str], chance: random.Random) -> str | None:
    """The claim denied; or affirmed, if it was a denial."""
    if _NEGATION.search(claim):
        return _NEGATION.sub(r"\1", claim, count=1)
    if _AUXILIARY.search(claim):
        return _AUXILIARY.sub(r"\1 not", claim, count=1)
    return _VERB.sub(r"does not \1", claim, count=1) if _VERB.search(claim) else None


def other_entity(claim: str, others: Sequence[str], chance: random.Random) -> str | None:
    """A name of another claim in the place of one of this claim's."""
    own = list(_NAME.finditer(claim))
    for other in chance.sample(list(others), min(len(others), 20)):
        names: list[str] = [name for name in _NAME.findall(other) if name not in claim]
        if own and names:
            match = chance.choice(own)
            return claim[: match.start()] + chance.choice(names) + claim[match.end() :]
    return None


def other_number(claim: str, others: Sequence[str], chance: random.Random) -> str | None:
    """A number of another text in the place of one of this claim's."""
    own = list(_NUMBER.finditer(claim))
    numbers: list[str] = [number for other in others for number in _NUMBER.findall(other) if number not in claim]
    if not own or not numbers:
        return None
    match = chance.choice(own)
    return claim[: match.start()] + chance.choice(numbers) + claim[match.end() :]


def other_word(claim: str, others: Sequence[str], chance: random.Random) -> str | None:
    """A word of another text that ends alike in the place of one of the claim's: "was founded", "was destroyed"."""
    own = list(_WORD.finditer(claim))
    chance.shuffle(own)
    for match in own:
        words = {other.group() for text in others for other in _WORD.finditer(text) if other.group(1) == match.group(1)}
        if strange := sorted(words - set(claim.split())):
            return claim[: match.start()] + chance.choice(strange) + claim[match.end() :]
    return None


def other_ending(claim: str, others: Sequence[str], chance: random.Random) -> str | None:
    """What follows the last "of", "in" ... as another text goes on after the same word: "the capital of Peru?"."""
    own = list(_ENDING.finditer(claim))
    endings = [
        (match.group(), other[match.end() :]) for other in others for match in _ENDING.finditer(other) if other != claim
    ]
    fitting = [end for word, end in endings if own and word == own[-1].group() and end != claim[own[-1].end() :]]
    return claim[: own[-1].end()] + chance.choice(fitting) if fitting else None


def opposite(claim: str, others: Sequence[str], chance: random.Random) -> str | None:
    """One of the claim's words as its opposite."""
    found = [match for match in re.finditer(r"[a-z]+", claim) if match.group() in _OPPOSITES]
    if not found:
        return None
    match = chance.choice(found)
    return claim[: match.start()] + _OPPOSITES[match.group()] + claim[match.end() :]


PERTURBATIONS: Mapping[str, Callable[[str, Sequence[str], random.Random], str | None]] = {
    "changed number": changed_number,
    "swapped names": swapped_names,
    "added negation": negated,
    "other entity": other_entity,
}
