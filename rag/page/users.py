"""Who may log in: a file with one `name:scrypt$...` a line, written by `add_user`."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from unicodedata import normalize

from rag.errors import SettingsError
from rag.page.faults import LOG

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_RECORD = re.compile(r"scrypt\$(\d{1,6})\$(\d{1,2})\$(\d{1,2})\$([\w+/=]{16,64})\$([\w+/=]{44})", re.ASCII)
_COST, _BLOCK, _LANES = 2**14, 8, 5  # OWASP's choice for 16 MB of memory
_MOST_MEMORY = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Hash:
    cost: int
    block: int
    lanes: int
    salt: bytes
    digest: bytes

    def fits(self, password: str) -> bool:
        return hmac.compare_digest(_digest(password, self.salt, self.cost, self.block, self.lanes), self.digest)


class Users:
    """The users of a file, which may change while they are used. Thread-safe.

    Raises SettingsError if the file cannot be read, names nobody, or holds a line that is none of `add_user`'s. If it
    cannot be read any more later, the users read before stay, and the log tells of it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reading = Lock()
        self._read_at = self._stamp()
        self._records = _read(path)
        if not self._records:
            raise SettingsError(f"users file {path} names no user. Add one, or set no users.")
        # Compared with where there is no such name, so that a wrong name takes as long as a wrong password.
        self._nobody = _parse(_record(secrets.token_urlsafe()))

    def record(self, name: str) -> str | None:
        """What the file says of a user, or None. A new password is a new record."""
        with self._reading:
            if (stamp := self._stamp()) != self._read_at:
                self._read_at = stamp
                try:
                    self._records = _read(self._path)
                except SettingsError as error:
                    LOG.error("%s The users read before stay.", error)
            return self._records.get(name)

    def check(self, name: str, password: str) -> bool:
        """Whether this is the user's password. Takes the same time for a name that is not there."""
        record = self.record(name)
        fits = (_parse(record) if record else self._nobody).fits(password)
        return fits and record is not None

    def _stamp(self) -> tuple[int, int, int]:
        try:
            status = self._path.stat()
        except OSError:
            return 0, 0, 0
        return status.st_mtime_ns, status.st_size, status.st_ino


def add_user(path: Path, name: str, password: str) -> None:
    """Write a user, or a user's new password, to the file, which none but its owner may read.

    Raises SettingsError for a name or password that cannot be one, or a file that cannot be read or written.
    """
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"{name!r} cannot be a user's name. Use 1 to 64 letters, digits, dots, dashes, underscores."
        )
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise SettingsError(
            f"the password has {len(password)} characters. Choose one of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD:,}."
        )
    records = (_read(path) if path.exists() else {}) | {name: _record(password)}
    written = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.writelines(f"{one}:{record}\n" for one, record in sorted(records.items()))
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)
    except OSError as error:
        written.unlink(missing_ok=True)
        raise SettingsError(f"users file {path} cannot be written ({error.strerror}). Choose another place.") from None


def _record(password: str) -> str:
    salt = secrets.token_bytes(16)
    digest = _digest(password, salt, _COST, _BLOCK, _LANES)
    return f"scrypt${_COST}${_BLOCK}${_LANES}${b64encode(salt).decode()}${b64encode(digest).decode()}"


def _digest(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    # Normalised, for two keyboards may write the same letter in two ways.
    secret = normalize("NFKC", password[:LONGEST_PASSWORD]).encode("utf-8", "replace")
    return hashlib.scrypt(secret, salt=salt, n=cost, r=block, p=lanes, maxmem=_MOST_MEMORY, dklen=32)


def _parse(record: str) -> _Hash:
    """Raises ValueError if it is no record, or asks for more than a server should spend on a password."""
    found = _RECORD.fullmatch(record)
    if not found:
        raise ValueError("no record")
    cost, block, lanes = map(int, found.groups()[:3])
    if cost < 2 or cost & (cost - 1) or not block or not 1 <= lanes <= 16 or 128 * cost * block > _MOST_MEMORY // 2:
        raise ValueError("unfit costs")
    return _Hash(cost, block, lanes, b64decode(found[4], validate=True), b64decode(found[5], validate=True))


def _read(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"users file {path} cannot be read ({error}). Make one with add_user.") from None
    records: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name, _, record = line.strip().partition(":")
        try:
            _parse(record)
        except ValueError:
            record = ""
        if not record or not _NAME.fullmatch(name) or name in records:
            wrong = f"names {name!r} twice" if name in records else "is not NAME:scrypt$..."
            raise SettingsError(f"users file {path} line {number} {wrong}. Remove the line and add the user again.")
        records[name] = record
    return records
