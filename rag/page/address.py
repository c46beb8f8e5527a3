"""Where the page may be served: at this machine alone, unless people log in."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from rag.errors import SettingsError
from rag.settings import Settings


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def refuse_unusable(host: str, port: int, settings: Settings) -> None:
    """Raise SettingsError for an address that is open to others without a login, or that cannot be used."""
    if not is_loopback(host) and settings.users is None:
        raise SettingsError(
            f"--host {host} can be reached from other machines, and anybody could read the documents. Make a login "
            "first: RAG_USERS=users.txt python app.py --add-user NAME"
        )
    try:
        socket.create_server((host, port)).close()
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SettingsError(f"{host} port {port} cannot be used ({reason}). Choose another with --port.") from None
