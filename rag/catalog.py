"""The SQLite catalog: documents, chunks, embeddings, full-text index, ingest state. The truth; all SQL lives here."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock, Thread, current_thread, local
from typing import Any
from uuid import uuid4

import numpy as np

from rag.errors import StoreDamaged, StoreError, StoreMismatch, StoreUnwritable
from rag.models import Vectors
from rag.query import Filters
from rag.terms import stem
from rag.types import Chunk, Document, Heading, Page, Span
from rag.words import Hashes, WordIndex

_SCHEMA = """
CREATE TABLE store (
    id TEXT NOT NULL                       -- tells its vectors from other stores' on the same Chroma server
);
CREATE TABLE collections (
    id        INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    identity  TEXT NOT NULL,               -- JSON: what built it
    unsettled INTEGER NOT NULL DEFAULT 0   -- 1 while the vectors may differ from the chunks
);
CREATE TABLE files (
    collection INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    source     TEXT NOT NULL,
    root       TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    ingested   TEXT NOT NULL,
    PRIMARY KEY (collection, source)
);
CREATE TABLE documents (
    collection INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
    id         TEXT NOT NULL,
    source     TEXT NOT NULL,
    file       TEXT NOT NULL,              -- the source of the file it came from
    title      TEXT NOT NULL,
    media_type TEXT NOT NULL,
    date       TEXT NOT NULL,              -- YYYY-MM-DD, or empty when nothing tells
    text       TEXT NOT NULL,
    pages      TEXT NOT NULL,
    headings   TEXT NOT NULL,
    warnings   TEXT NOT NULL,
    PRIMARY KEY (collection, id)
);
CREATE INDEX documents_file ON documents (collection, file);
CREATE TABLE chunks (
    rowid      INTEGER PRIMARY KEY,        -- also the row of its words in keywords_<collection>
    collection INTEGER NOT NULL,
    id         TEXT NOT NULL,
    document   TEXT NOT NULL,
    start      INTEGER NOT NULL,
    "end"      INTEGER NOT NULL,
    page       INTEGER,
    words      INTEGER NOT NULL,           -- how many content words were embedded for it
    text_hash  BLOB NOT NULL,
    UNIQUE (collection, id),
    FOREIGN KEY (collection, document) REFERENCES documents (collection, id)
);
CREATE INDEX chunks_document ON chunks (collection, document);
CREATE INDEX chunks_text_hash ON chunks (text_hash);
CREATE TABLE embeddings (
    model     TEXT NOT NULL,
    text_hash BLOB NOT NULL,
    vector    BLOB NOT NULL,
    words     BLOB NOT NULL,               -- of its content words: the hashes of their stems,
    codes     BLOB NOT NULL,               -- and one bit for each dimension of their vectors
    PRIMARY KEY (model, text_hash)
);
"""
_COLLECTION_SCHEMA = """
CREATE VIRTUAL TABLE keywords_{0} USING fts5 (text, heading, title, tokenize = 'porter unicode61 remove_diacritics 2');
CREATE VIRTUAL TABLE terms_{0} USING fts5vocab (keywords_{0}, row);
"""
FORMAT_VERSION = 4
_FROM_FORMAT_3 = """
CREATE TABLE store (id TEXT NOT NULL);
UPDATE collections SET identity = json_set(identity, '$.format', 4);
"""
SQLITE_VERSION = sqlite3.sqlite_version
_CACHE_KILOBYTES = 32_768  # a connection; SQLite's own 2 MB are read anew for every question
_BATCH = 500  # below SQLite's limit on variables in one statement


@dataclass(frozen=True, slots=True)
class Collection:
    """A row of `collections`."""

    id: int
    name: str
    identity: dict[str, Any]
    unsettled: bool


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file as it was when it was last ingested whole. `root` is the folder (or file) that was named to ingest it."""

    source: str
    root: str
    sha256: str
    ingested: str


# A file and the ids of its documents; None: those that are stored.
IngestedFile = tuple[FileRecord, Sequence[str] | None]


@dataclass(frozen=True, slots=True)
class Embedding:
    """What is kept of an embedded text: its vector, shape (dimension,), and its words."""

    vector: Vectors
    words: WordIndex


@dataclass(frozen=True, slots=True)
class Entry:
    """A document ready to be stored: its chunks, with the hash and the embedding of the text embedded for each."""

    document: Document
    file: str
    chunks: tuple[Chunk, ...]
    text_hashes: tuple[bytes, ...]
    embeddings: tuple[Embedding, ...]


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """A chunk as the indexes hold it. Chunks with adjacent rows and the same document stand side by side there."""

    row: int
    document_id: str
    embedding: Embedding


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A chunk that stands beside another: its vector, shape (dimension,), and the hashes of its content words."""

    document_id: str
    vector: Vectors
    hashes: Hashes


@dataclass(frozen=True, slots=True)
class Statistics:
    """How many chunks a collection holds, and how many content words one has on average."""

    chunks: int
    average_words: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk id found by one index, with that index's score (higher is better)."""

    chunk_id: str
    score: float


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """A stored document without its text."""

    id: str
    source: str
    title: str
    media_type: str
    characters: int
    chunks: int
    warnings: tuple[str, ...]


class Catalog:
    """One SQLite file. Readers see whole transactions only; each thread has a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connections: dict[Thread, sqlite3.Connection] = {}
        self._closed = False
        self._local = local()
        self._lock = Lock()
        try:
            self.store_id = self._open()
        except sqlite3.DatabaseError as error:
            self.close()
            if isinstance(error, sqlite3.OperationalError):
                raise unwritable(path.parent, error) from error
            raise StoreDamaged(
                f"{path} cannot be read ({error}). It is the only copy of what was ingested: put a backup in its "
                "place, or move the folder away and ingest the documents again."
            ) from error
        except BaseException:
            self.close()
            raise

    def _open(self) -> str:
        """Create or upgrade the tables where needed; the store's id."""
        if not self._db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'collections'").fetchone():
            self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORMAT_VERSION}; COMMIT;")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version == 3:
            self._db.executescript(f"BEGIN; {_FROM_FORMAT_3} PRAGMA user_version = {FORMAT_VERSION}; COMMIT;")
        elif version != FORMAT_VERSION:
            raise StoreMismatch(
                f"the store at {self._path.parent} has format {version or 1}, this Footnote writes {FORMAT_VERSION}. "
                "Move the folder away and ingest the documents again."
            )
        self._db.execute("INSERT INTO store SELECT ? WHERE NOT EXISTS (SELECT 1 FROM store)", (uuid4().hex,))
        id: str = self._db.execute("SELECT id FROM store").fetchone()[0]
        return id

    @property
    def _db(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreError("The store has been closed. Open it again to go on.")
        if not hasattr(self._local, "connection"):
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KILOBYTES}")
            self._keep(connection)
            self._local.connection = connection
        result: sqlite3.Connection = self._local.connection
        return result

    def _keep(self, connection: sqlite3.Connection) -> None:
        """Note this thread's connection, and close those of threads that have ended: each holds a cache."""
        with self._lock:
            for thread in [thread for thread in self._connections if not thread.is_alive()]:
                self._connections.pop(thread).close()
            self._connections[current_thread()] = connection

    def close(self) -> None:
        """Close every thread's connection. Whoever still reads or writes gets a StoreError."""
        self._closed = True
        for connection in self._connections.values():
            connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. Raises StoreUnwritable if the disk is full or the file may not be changed."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise unwritable(self._path.parent, error) from error
            raise

    # Collections

    def collections(self) -> tuple[Collection, ...]:
        """Every collection, by name."""
        rows = self._db.execute("SELECT id, name, identity, unsettled FROM collections ORDER BY name")
        return tuple(Collection(id, name, json.loads(identity), bool(flag)) for id, name, identity, flag in rows)

    def create_collection(self, name: str, identity: dict[str, Any]) -> int:
        """Create an empty collection; its id."""
        with self._transaction() as db:
            statement = "INSERT INTO collections (name, identity) VALUES (?, ?) RETURNING id"
            collection: int = db.execute(statement, (name, json.dumps(identity))).fetchone()[0]
            for statement in _COLLECTION_SCHEMA.format(collection).strip().splitlines():
                db.execute(statement)
        return collection

    def drop_collection(self, collection: int) -> None:
        """Delete a collection with everything in it."""
        with self._transaction() as db:
            db.execute(f"DROP TABLE terms_{collection}")
            db.execute(f"DROP TABLE keywords_{collection}")
            db.execute("DELETE FROM chunks WHERE collection = ?", (collection,))
            db.execute("DELETE FROM collections WHERE id = ?", (collection,))

    def rename_collections(self, names: Mapping[int, str]) -> None:
        """Give collections new names, all at one instant."""
        with self._transaction() as db:
            # Names are unique at every step: two collections may be trading theirs.
            db.executemany("UPDATE collections SET name = char(31) || id WHERE id = ?", [(id,) for id in names])
            db.executemany("UPDATE collections SET name = ? WHERE id = ?", [(name, id) for id, name in names.items()])

    def set_unsettled(self, collection: int, unsettled: bool) -> None:
        """Mark that the vectors may (or can no longer) differ from the chunks."""
        with self._transaction() as db:
            db.execute("UPDATE collections SET unsettled = ? WHERE id = ?", (unsettled, collection))

    # Files and documents

    def files(self, collection: int) -> dict[str, FileRecord]:
        """The ingested files by source."""
        rows = self._db.execute("SELECT source, root, sha256, ingested FROM files WHERE collection = ?", (collection,))
        return {row[0]: FileRecord(*row) for row in rows}

    def file(self, collection: int, source: str) -> FileRecord | None:
        """One ingested file, or None if there is none of this source."""
        statement = "SELECT source, root, sha256, ingested FROM files WHERE collection = ? AND source = ?"
        row = self._db.execute(statement, (collection, source)).fetchone()
        return FileRecord(*row) if row else None

    def file_of(self, collection: int, document: str) -> FileRecord | None:
        """The file that a document came from, or None if none is recorded."""
        row = self._db.execute(
            "SELECT f.source, root, sha256, ingested FROM documents AS d "
            "JOIN files AS f ON f.collection = d.collection AND f.source = file WHERE d.collection = ? AND d.id = ?",
            (collection, document),
        ).fetchone()
        return FileRecord(*row) if row else None

    def put_files(self, collection: int, files: Iterable[IngestedFile]) -> list[str]:
        """Record files and drop their documents other than those named; the ids of the chunks dropped."""
        stale: list[str] = []
        with self._transaction() as db:
            for record, ids in files:
                held = db.execute(
                    "SELECT id FROM documents WHERE collection = ? AND file = ?", (collection, record.source)
                )
                gone = set() if ids is None else {row[0] for row in held} - set(ids)
                stale += [chunk_id for id in sorted(gone) for chunk_id in self._delete_document(db, collection, id)]
                db.execute(
                    "INSERT OR REPLACE INTO files (collection, source, root, sha256, ingested) VALUES (?, ?, ?, ?, ?)",
                    (collection, record.source, record.root, record.sha256, record.ingested),
                )
        return stale

    def remove_file(self, collection: int, source: str) -> list[str]:
        """Forget a file and its documents; the ids of the chunks dropped."""
        with self._transaction() as db:
            rows = db.execute("SELECT id FROM documents WHERE collection = ? AND file = ?", (collection, source))
            stale = [chunk_id for (id,) in rows.fetchall() for chunk_id in self._delete_document(db, collection, id)]
            db.execute("DELETE FROM files WHERE collection = ? AND source = ?", (collection, source))
        return stale

    def copy_files(self, collection: int, to: int) -> None:
        """Make the files of one collection those of another."""
        with self._transaction() as db:
            db.execute("DELETE FROM files WHERE collection = ?", (to,))
            db.execute(
                "INSERT INTO files SELECT ?, source, root, sha256, ingested FROM files WHERE collection = ?",
                (to, collection),
            )

    def remove_document(self, collection: int, id: str) -> list[str]:
        """Forget one document; the ids of the chunks dropped."""
        with self._transaction() as db:
            return self._delete_document(db, collection, id)

    def put_documents(self, collection: int, model: str, entries: Sequence[Entry]) -> list[str]:
        """Store documents in one transaction, each replacing its earlier version; the ids of the chunks dropped."""
        stale: list[str] = []
        with self._transaction() as db:
            for entry in entries:
                stale += self._delete_document(db, collection, entry.document.id)
                self._insert_document(db, collection, model, entry)
        kept = {chunk.id for entry in entries for chunk in entry.chunks}
        return [chunk_id for chunk_id in stale if chunk_id not in kept]

    def _delete_document(self, db: sqlite3.Connection, collection: int, id: str) -> list[str]:
        of_document = "FROM chunks WHERE collection = ? AND document = ?"
        dropped = [row[0] for row in db.execute(f"SELECT id {of_document}", (collection, id))]
        db.execute(f"DELETE FROM keywords_{collection} WHERE rowid IN (SELECT rowid {of_document})", (collection, id))
        db.execute(f"DELETE {of_document}", (collection, id))
        db.execute("DELETE FROM documents WHERE collection = ? AND id = ?", (collection, id))
        return dropped

    def _insert_document(self, db: sqlite3.Connection, collection: int, model: str, entry: Entry) -> None:
        document = entry.document
        pages = json.dumps([[page.number, page.span.start, page.span.end] for page in document.pages])
        headings = json.dumps([[heading.level, heading.title, heading.start] for heading in document.headings])
        db.execute(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(collection, document.id, document.source, entry.file, document.title, document.media_type),
                *(document.date, document.text, pages, headings, json.dumps(document.warnings)),
            ),
        )
        for chunk, text_hash, embedding in zip(entry.chunks, entry.text_hashes, entry.embeddings, strict=True):
            words, codes = embedding.words.to_bytes()
            place = (chunk.span.start, chunk.span.end, chunk.page)
            rowid = db.execute(
                'INSERT INTO chunks (collection, id, document, start, "end", page, words, text_hash) '
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (collection, chunk.id, document.id, *place, len(embedding.words.hashes), text_hash),
            ).lastrowid
            db.execute(
                f"INSERT INTO keywords_{collection} (rowid, text, heading, title) VALUES (?, ?, ?, ?)",
                (rowid, chunk.text, chunk.heading, chunk.title),
            )
            db.execute(
                "INSERT OR IGNORE INTO embeddings VALUES (?, ?, ?, ?, ?)",
                (model, text_hash, embedding.vector.tobytes(), words, codes),
            )

    def document(self, collection: int, id: str) -> Document | None:
        """One document, or None."""
        row = self._db.execute(
            "SELECT id, source, title, text, pages, headings, media_type, warnings, date FROM documents "
            "WHERE collection = ? AND id = ?",
            (collection, id),
        ).fetchone()
        if row is None:
            return None
        id, source, title, text, pages, headings, media_type, warnings, date = row
        return Document(
            *(id, source, title, text),
            pages=tuple(Page(number, Span(start, end)) for number, start, end in json.loads(pages)),
            headings=tuple(Heading(*heading) for heading in json.loads(headings)),
            media_type=media_type,
            warnings=tuple(json.loads(warnings)),
            date=date,
        )

    def text(self, collection: int, id: str, span: Span) -> str:
        """Some characters of a document's text; empty if there is no such document."""
        statement = "SELECT substr(text, ?, ?) FROM documents WHERE collection = ? AND id = ?"
        row = self._db.execute(statement, (span.start + 1, span.end - span.start, collection, id)).fetchone()
        return row[0] if row else ""

    def document_files(self, collection: int) -> dict[str, str]:
        """The source of the file that each document came from, by document id."""
        return dict(self._db.execute("SELECT id, file FROM documents WHERE collection = ?", (collection,)).fetchall())

    def documents(self, collection: int) -> tuple[DocumentSummary, ...]:
        """Every document without its text, by source."""
        rows = self._db.execute(
            "SELECT id, source, title, media_type, length(text), "
            "(SELECT count(*) FROM chunks WHERE chunks.collection = d.collection AND document = d.id), warnings "
            "FROM documents AS d WHERE collection = ? ORDER BY source",
            (collection,),
        )
        return tuple(
            DocumentSummary(id, source, title, media_type, characters, chunks, tuple(json.loads(warnings)))
            for id, source, title, media_type, characters, chunks, warnings in rows
        )

    # Chunks

    def chunks(self, collection: int, ids: Sequence[str]) -> dict[str, Chunk]:
        """The chunks with these ids that exist, by id."""
        found: dict[str, Chunk] = {}
        for batch in _batches(ids):
            rows = self._db.execute(
                f'SELECT c.id, c.document, d.source, c.start, c."end", k.text, k.title, k.heading, c.page '
                f"FROM chunks AS c JOIN keywords_{collection} AS k ON k.rowid = c.rowid "
                "JOIN documents AS d ON d.collection = c.collection AND d.id = c.document "
                f"WHERE c.collection = ? AND c.id IN ({_marks(batch)})",
                (collection, *batch),
            )
            for id, document, source, start, end, text, title, heading, page in rows:
                found[id] = Chunk(id, document, source, Span(start, end), text, title, heading, page)
        return found

    def chunk_ids_of(self, collection: int, document: str) -> list[str]:
        """The ids of one document's chunks, in the order of the text."""
        statement = "SELECT id FROM chunks WHERE collection = ? AND document = ? ORDER BY start"
        return [row[0] for row in self._db.execute(statement, (collection, document))]

    def chunk_ids(self, collection: int) -> set[str]:
        """The ids of every chunk."""
        return {row[0] for row in self._db.execute("SELECT id FROM chunks WHERE collection = ?", (collection,))}

    def keyword(self, collection: int, terms: Sequence[str], limit: int, within: Set[str] | None = None) -> list[Hit]:
        """The chunks (of those `within`, if given) that hold any of the terms, best first.

        The score is BM25 with k1 1.2 and b 0.75, as SQLite FTS5 has it; a term of several words counts where they stand
        side by side.
        """
        if not terms:
            return []
        statement = (
            f"SELECT c.id, -k.rank FROM keywords_{collection} AS k JOIN chunks AS c ON c.rowid = k.rowid "
            f"WHERE keywords_{collection} MATCH ? ORDER BY k.rank, c.rowid"
        )
        rows = self._db.execute(statement + ("" if within else " LIMIT ?"), (_any(terms), *([] if within else [limit])))
        return [Hit(*row) for row in islice((row for row in rows if within is None or row[0] in within), limit)]

    def within(self, collection: int, filters: Filters) -> set[str]:
        """The ids of the chunks that the filters leave."""
        conditions: list[str] = ["c.collection = ?"]
        values: list[Any] = [collection]
        names = [f"*{source}*" if not set(source) & set("*?") else source for source in filters.sources]
        for patterns, column in ((names, "d.source"), ([f"{folder}/*" for folder in filters.folders], "d.source")):
            if patterns:
                conditions.append("(" + " OR ".join(f"lower({column}) GLOB ?" for _ in patterns) + ")")
                values += [pattern.lower().replace("[", "[[]") for pattern in patterns]
        if filters.after:
            conditions.append("d.date >= ?")
            values.append(filters.after)
        if filters.before:
            conditions.append("d.date < ? AND d.date != ''")
            values.append(filters.before)
        rows = self._db.execute(
            "SELECT c.id FROM chunks AS c JOIN documents AS d ON d.collection = c.collection AND d.id = c.document "
            f"WHERE {' AND '.join(conditions)}",
            values,
        )
        found = {row[0] for row in rows}
        for phrase in filters.phrases:
            holding = self._db.execute(
                f"SELECT c.id FROM keywords_{collection} AS k JOIN chunks AS c ON c.rowid = k.rowid "
                f"WHERE keywords_{collection} MATCH ?",
                (_any([phrase]),),
            )
            # A phrase that stands nowhere restricts nothing: people also put words in quotation marks for emphasis.
            found = (found & {row[0] for row in holding}) or found
        return found

    def document_frequencies(self, collection: int, words: Iterable[str]) -> dict[str, int]:
        """In how many chunks the stem of each lower-case word occurs, by stem, for those that occur.

        What the index takes apart, like "1,200" or "snake_case", occurs where its parts stand side by side.
        """
        spellings = {stem(word): word for word in words}
        found: dict[str, int] = {}
        for batch in _batches(sorted(spellings)):
            statement = f"SELECT term, doc FROM terms_{collection} WHERE term IN ({_marks(batch)})"
            found.update(self._db.execute(statement, batch).fetchall())
        # The index may cut or stem a word in another way, but does the same to a query.
        statement = f"SELECT count(*) FROM keywords_{collection} WHERE keywords_{collection} MATCH ?"
        for unseen in spellings.keys() - found.keys():
            (chunks,) = self._db.execute(statement, (_any([spellings[unseen]]),)).fetchone()
            if chunks:
                found[unseen] = chunks
        return found

    def vocabulary(self, collection: int, initial: str) -> dict[str, int]:
        """The stems that begin with a letter, each with the number of chunks that hold it."""
        statement = f"SELECT term, doc FROM terms_{collection} WHERE term >= ? AND term < ?"
        return dict(self._db.execute(statement, (initial, chr(ord(initial) + 1))).fetchall())

    def spelling(self, collection: int, wanted: str) -> str:
        """How a word with this stem is written in some chunk; the stem itself if in none."""
        places = f"temp.places_{collection}"
        self._db.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {places} USING fts5vocab('main', 'keywords_{collection}', 'instance')"
        )
        row = self._db.execute(
            f"SELECT text || ' ' || heading || ' ' || title FROM keywords_{collection} "
            f"WHERE rowid = (SELECT doc FROM {places} WHERE term = ? LIMIT 1)",
            (wanted,),
        ).fetchone()
        written = re.findall(r"[^\W_]+", row[0]) if row else []
        return next((word for word in written if stem(word.lower()) == wanted), wanted)

    def statistics(self, collection: int) -> Statistics:
        """The collection's size, counted again only after a write."""
        version = (self._db.execute("PRAGMA data_version").fetchone()[0], self._db.total_changes)
        known: dict[int, tuple[object, Statistics]] = self._local.__dict__.setdefault("statistics", {})
        if collection not in known or known[collection][0] != version:
            statement = "SELECT count(*), coalesce(avg(words), 0) FROM chunks WHERE collection = ?"
            known[collection] = (version, Statistics(*self._db.execute(statement, (collection,)).fetchone()))
        return known[collection][1]

    # Embeddings

    def embeddings(self, model: str, text_hashes: Sequence[bytes]) -> dict[bytes, Embedding]:
        """The stored embeddings of these texts, by text hash."""
        found: dict[bytes, Embedding] = {}
        for batch in _batches(text_hashes):
            rows = self._db.execute(
                "SELECT text_hash, vector, words, codes FROM embeddings "
                f"WHERE model = ? AND text_hash IN ({_marks(batch)})",
                (model, *batch),
            )
            found.update((text_hash, _embedding(*stored)) for text_hash, *stored in rows)
        return found

    def indexed(self, collection: int, model: str, ids: Sequence[str]) -> dict[str, IndexedChunk]:
        """These chunks as the indexes hold them, by chunk id."""
        found: dict[str, IndexedChunk] = {}
        for batch in _batches(ids):
            rows = self._db.execute(
                "SELECT c.id, c.rowid, c.document, e.vector, e.words, e.codes "
                "FROM chunks AS c CROSS JOIN embeddings AS e ON e.model = ? AND e.text_hash = c.text_hash "
                f"WHERE c.collection = ? AND c.id IN ({_marks(batch)})",
                (model, collection, *batch),
            )
            found.update((id, IndexedChunk(row, document, _embedding(*stored))) for id, row, document, *stored in rows)
        return found

    def by_row(self, model: str, rows: Sequence[int]) -> dict[int, Neighbour]:
        """The chunks in these rows, for the rows that there are."""
        found: dict[int, Neighbour] = {}
        for batch in _batches(rows):
            stored = self._db.execute(
                # CROSS: chunks first. SQLite would otherwise read every embedding of the model.
                "SELECT c.rowid, c.document, e.vector, e.words FROM chunks AS c "
                "CROSS JOIN embeddings AS e ON e.model = ? AND e.text_hash = c.text_hash "
                f"WHERE c.rowid IN ({_marks(batch)})",
                (model, *batch),
            )
            found.update(
                (row, Neighbour(document, np.frombuffer(vector, np.float32), np.frombuffer(words, np.uint32)))
                for row, document, vector, words in stored
            )
        return found

    def chunk_vectors(self, collection: int, model: str, ids: Sequence[str]) -> dict[str, Vectors]:
        """The stored vectors of these chunks, by chunk id."""
        found: dict[str, Vectors] = {}
        for batch in _batches(ids):
            rows = self._db.execute(
                "SELECT c.id, e.vector FROM chunks AS c "
                "CROSS JOIN embeddings AS e ON e.model = ? AND e.text_hash = c.text_hash "
                f"WHERE c.collection = ? AND c.id IN ({_marks(batch)})",
                (model, collection, *batch),
            )
            found.update((id, np.frombuffer(vector, np.float32)) for id, vector in rows)
        return found

    def vectors(self, collection: int, model: str) -> Iterator[tuple[list[str], Vectors]]:
        """Every chunk's id with its vector, in batches; the vectors of a batch have shape (len(ids), dimension)."""
        last = 0
        while True:
            rows = self._db.execute(
                "SELECT c.rowid, c.id, e.vector FROM chunks AS c "
                "CROSS JOIN embeddings AS e ON e.model = ? AND e.text_hash = c.text_hash "
                "WHERE c.collection = ? AND c.rowid > ? ORDER BY c.rowid LIMIT ?",
                (model, collection, last, _BATCH),
            ).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            yield [id for _, id, _ in rows], np.stack([np.frombuffer(vector, np.float32) for *_, vector in rows])

    def drop_unused_embeddings(self) -> int:
        """Delete the vectors of texts that no chunk embedded with their model holds any more; how many."""
        with self._transaction() as db:
            return db.execute(
                "DELETE FROM embeddings WHERE NOT EXISTS (SELECT 1 FROM chunks AS c JOIN collections AS k "
                "ON k.id = c.collection WHERE c.text_hash = embeddings.text_hash AND embeddings.model = "
                "json_extract(k.identity, '$.embedder') || '@' || json_extract(k.identity, '$.embedder_sha256'))"
            ).rowcount

    def purge(self) -> None:
        """Rewrite the file without a trace of what was deleted from it."""
        for collection in self.collections():
            keywords = f"keywords_{collection.id}"
            self._db.execute(f"INSERT INTO {keywords} ({keywords}) VALUES ('optimize')")
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def embedding_count(self) -> int:
        """How many texts' embeddings are kept."""
        count: int = self._db.execute("SELECT count(*) FROM embeddings").fetchone()[0]
        return count

    def integrity(self) -> str:
        """SQLite's own check: "ok", or what is wrong."""
        result: str = self._db.execute("PRAGMA integrity_check(1)").fetchone()[0]
        return result


def unwritable(store: Path, error: Exception) -> StoreUnwritable:
    """The error that says what stopped a write to the store, and how much room its disk has."""
    free = shutil.disk_usage(store).free / 2**20
    return StoreUnwritable(
        f"the store at {store} cannot be written to ({error}; {free:,.0f} MB are free on its disk). Make room or allow "
        "writing there, and run the same command again: what was stored is unharmed."
    )


def _any(terms: Sequence[str]) -> str:
    """A full-text query for any of the terms, each taken literally."""
    return " OR ".join('"' + term.replace('"', '""') + '"' for term in terms)


def _embedding(vector: bytes, words: bytes, codes: bytes) -> Embedding:
    return Embedding(np.frombuffer(vector, np.float32), WordIndex.read(words, codes))


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]


def _marks(items: Sequence[Any]) -> str:
    return ", ".join("?" * len(items))
