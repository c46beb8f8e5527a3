"""The web server, which an open page does not keep from stopping."""

from __future__ import annotations

import asyncio
import socket

import uvicorn

_PATIENCE = 1  # seconds for what is being answered when the server is stopped


class Server(uvicorn.Server):
    """Uvicorn, except that it hangs up a second after it was stopped.

    A page listens for as long as it is open. Uvicorn would wait for it in vain, then break off with a traceback.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let requests end, then end them."""
        asyncio.get_running_loop().call_later(_PATIENCE, self._hang_up)
        await super().shutdown(sockets)

    def _hang_up(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()
