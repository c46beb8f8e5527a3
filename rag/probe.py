"""Are the vectors those of the catalog, and can they be found? Asked in a child: a damaged index can kill who opens it.

`python -m rag.probe STORE COLLECTION` is that child; it prints one JSON object.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from rag.catalog import Catalog, Collection
from rag.vectors import VectorIndex

_COMPARED = 20_000  # vectors; of more, so many at random
_SEARCHED = 100  # vectors that must be found as the nearest to themselves
_DIFFERENCE = 1e-3  # most by which a number of a vector may be off
_SECONDS = 60.0  # the child may take, and one more for every thousand chunks


@dataclass(frozen=True, slots=True)
class Findings:
    """`missing` chunks have no vector, `orphaned` vectors have no chunk, `wrong` ones differ or cannot be found."""

    missing: int
    orphaned: int
    wrong: int

    @property
    def ok(self) -> bool:
        """Whether nothing needs mending."""
        return not (self.missing or self.orphaned or self.wrong)


def vectors_name(catalog: Catalog, collection: Collection) -> str:
    """What a collection's vectors are called in Chroma: unique among all stores on one server."""
    return f"{catalog.store_id}-{collection.id}"


def model_of(collection: Collection) -> str:
    """What a collection's embeddings are keyed by: the embedder's name and weights."""
    return f"{collection.identity['embedder']}@{collection.identity['embedder_sha256']}"


def compare(catalog: Catalog, collection: Collection, vectors: VectorIndex) -> Findings:
    """The index against the catalog: all ids, the vectors of up to 20,000 chunks, and a search for 100 of them."""
    wanted, present = catalog.chunk_ids(collection.id), vectors.ids()
    both = sorted(wanted & present)
    chance = random.Random(0)
    sample = both if len(both) <= _COMPARED else chance.sample(both, _COMPARED)
    stored, read = catalog.chunk_vectors(collection.id, model_of(collection), sample), vectors.read(sample)
    wrong = {id for id in sample if id not in read or not np.allclose(read[id], stored[id], rtol=0, atol=_DIFFERENCE)}
    for id in chance.sample(sample, min(_SEARCHED, len(sample))):
        nearest = vectors.nearest(stored[id], 1)
        if not nearest or nearest[0].score < 1 - _DIFFERENCE:
            wrong.add(id)
    return Findings(len(wanted - present), len(present - wanted), len(wrong))


def probe(store: Path, collection: str, chunks: int) -> Findings | None:
    """What `compare` finds in an embedded index; None if it cannot be read, or killed or held up the child."""
    command = [sys.executable, "-m", "rag.probe", str(store), collection]
    try:
        seconds = _SECONDS + chunks / 1000
        child = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=True)
        return Findings(**json.loads(child.stdout))
    except (subprocess.SubprocessError, ValueError):
        return None


def stamp(folder: Path) -> str:
    """A mark of an embedded index's files: another as soon as one of them is written to."""
    return sha256("\n".join(_states(folder)).encode()).hexdigest()


def _states(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        state = path.stat()
        yield f"{path.relative_to(folder)} {state.st_size} {state.st_mtime_ns}"


def _main() -> None:
    store, name = Path(sys.argv[1]), sys.argv[2]
    catalog = Catalog(store / "catalog.sqlite3")
    collection = next(one for one in catalog.collections() if one.name == name)
    vectors = VectorIndex(store / "chroma", None, vectors_name(catalog, collection))
    print(json.dumps(asdict(compare(catalog, collection, vectors))))  # noqa: T201
    vectors.close()
    catalog.close()


if __name__ == "__main__":
    _main()
