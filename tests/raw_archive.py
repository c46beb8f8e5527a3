"""Zip archives written by hand, with entries that no honest writer would write."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

Content = dict[str, bytes | str]

MEGABYTE = 2**20


def with_large_part(parts: Content, name: str, before: str, block: bytes, times: int, after: str) -> bytes:
    """An archive with one more part: a block many times over, compressed once, between a beginning and an end."""
    packer = zlib.compressobj(9, wbits=-15)
    start = packer.compress(before.encode()) + packer.flush(zlib.Z_FULL_FLUSH)
    repeated = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    end = packer.compress(after.encode()) + packer.flush()
    checksum = zlib.crc32(before.encode())
    for _ in range(times):
        checksum = zlib.crc32(block, checksum)
    entry = Entry(name.encode(), start + repeated * times + end, zlib.crc32(after.encode(), checksum))
    entry.size = len(before.encode()) + len(block) * times + len(after.encode())
    return by_hand([*entries_of(parts), entry])


@dataclass
class Entry:
    """An entry of an archive as it is written down, true or not."""

    name: bytes
    packed: bytes
    checksum: int
    size: int = 0
    flags: int = 0
    mode: int = 0
    place: int | None = None  # of another entry's data, to be used for this one too


def entry_of(name: str, content: bytes) -> Entry:
    """An honest entry."""
    packer = zlib.compressobj(9, wbits=-15)
    return Entry(name.encode(), packer.compress(content) + packer.flush(), zlib.crc32(content), len(content))


def by_hand(entries: list[Entry]) -> bytes:
    """A zip archive with entries that Python's own writer would not write."""
    written, directory = bytearray(), bytearray()
    for entry in entries:
        place = len(written) if entry.place is None else entry.place
        same = (entry.flags, 8, 0, 0, entry.checksum, len(entry.packed), entry.size, len(entry.name), 0)
        if entry.place is None:
            written += struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, *same) + entry.name + entry.packed
        header = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 0x314, 20, *same, 0, 0, 0, entry.mode << 16, place)
        directory += header + entry.name
    count, start = len(entries), len(written)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(directory), start, 0)
    return bytes(written + directory + end)


def entries_of(parts: Content) -> list[Entry]:
    """An honest entry for each part."""
    return [entry_of(name, _bytes(content)) for name, content in parts.items()]


def _bytes(content: bytes | str) -> bytes:
    return content.encode() if isinstance(content, str) else content
