"""A true claim -> a false one much like it: a changed number, swapped names, an added negation, another entity."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence

_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*(?![\w])")
_NAME = re.compile(r"(?<=[\w,;:)] )(?:[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)*|[A-Za-z]*(?:[A-Z]{2}|[A-Z]+\d|\d+[A-Z])[\w-]*)")
_AUXILIARY = re.compile(r"\b(is|are|was|were|can|could|will|would|has|have|had|may|might|must|should|does|do|did)\b")
_NEGATION = re.compile(r"\b(is|are|was|were|can|could|will|would|has|have|had|may|might|must|should|does|do|did) not\b")
_VERB = re.compile(r"\b([a-z]+[^s\W])(s)\b(?= (?:the|a|an|to|in|of|by|for|with|from|at|on|its|their)\b)")


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


PERTURBATIONS: Mapping[str, Callable[[str, Sequence[str], random.Random], str | None]] = {
    "changed number": changed_number,
    "swapped names": swapped_names,
    "added negation": negated,
    "other entity": other_entity,
}
