"""Good files with a few bytes changed: each is read, or fails with one plain error; the reader lives on.

120 mutations by default; `FOOTNOTE_MUTATIONS=1000 pytest tests/test_mutations.py -s` makes 1,000 and shows the counts.
A failure names seed, kind and number: with them the same bytes come about again.
"""

from __future__ import annotations

import os
import random
import zipfile
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest

from ingest.parse import PARSERS
from ingest.sandbox import Sandbox
from tests.good_files import GOOD_FILES, archive
from tests.reading import MOST_GROWTH, OK, is_plain, outcome, resident

_SEED = 20_261_121
_MUTATIONS = int(os.environ.get("FOOTNOTE_MUTATIONS", "120"))
_KINDS = [kind for kind in GOOD_FILES if kind in PARSERS]
_CODES = {
    *("E_EMPTY", "E_NO_TEXT", "E_TYPE", "E_CORRUPT", "E_DEPTH", "E_PAGES", "E_BOMB", "E_TIMEOUT", "E_CRASH"),
    *("E_ENCRYPTED", "E_ENTITY", "E_PATH", "E_ENCODING", "E_TOO_BIG", "E_UNSUPPORTED"),
}


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The content with one to four things done to it."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(changed) + 1)
        length = chance.choice((1, 1, 2, 8, 64))
        match chance.choice(("flip", "insert", "delete", "truncate", "swap", "overwrite")):
            case "flip" if place < len(changed):
                changed[place] ^= 1 << chance.randrange(8)
            case "insert":
                changed[place:place] = chance.randbytes(length)
            case "delete":
                del changed[place : place + length]
            case "truncate" if chance.random() < 0.3:
                del changed[place:]
            case "swap":
                other = chance.randrange(len(changed) + 1)
                here, there = changed[place : place + length], changed[other : other + length]
                if len(here) == len(there):
                    changed[place : place + length], changed[other : other + length] = there, here
            case "overwrite":
                changed[place : place + length] = b"\xff" * len(changed[place : place + length])
    return bytes(changed)


def mutated_file(content: bytes, chance: random.Random) -> bytes:
    """A mutated file. Of archives, every second one is whole and has a mutated part instead."""
    if not content.startswith(b"PK") or chance.random() < 0.5:
        return mutated(content, chance)
    with zipfile.ZipFile(BytesIO(content)) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    name = chance.choice(sorted(parts))
    return archive(parts | {name: mutated(parts[name], chance)})


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", _KINDS)
def test_a_mutated_file_ends_in_documents_or_one_plain_error(kind: str, tmp_path: Path) -> None:
    good = GOOD_FILES[kind]()
    path = tmp_path / f"mutated{kind}"
    ends: Counter[str] = Counter()
    with Sandbox() as sandbox:
        path.write_bytes(good)
        assert outcome(sandbox, path).code == OK
        before = resident()
        for number in range(-(-_MUTATIONS // len(_KINDS))):
            path.write_bytes(mutated_file(good, random.Random(f"{_SEED} {kind} {number}")))
            found = outcome(sandbox, path)
            ends[found.code] += 1
            assert found.code in {OK, *_CODES}, f"seed {_SEED}, kind {kind}, mutation {number}"
            odd = [message for message in found.messages if not is_plain(message)]
            assert odd == [], f"seed {_SEED}, kind {kind}, mutation {number}"
    assert resident() - before <= MOST_GROWTH
    print(kind, dict(ends.most_common()))  # noqa: T201
