"""Connections on which an answer has to come at some pace.

The time-out of a socket is one for silence: a server that sends a byte now and then holds such a
reader for ever. Here a window of that length must bring some bytes, as with curl's
``--speed-limit``.
"""

from __future__ import annotations

import http.client
import io
import time
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    import socket

# Bytes per second, on the average of a window. Rows that are made one by one come faster.
_SLOWEST = 256.0


class PacedStream(io.RawIOBase):
    """What a socket receives; a time-out where too little of it came within the time-out."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._raw = sock.makefile("rb", buffering=0)
        self._timeout = sock.gettimeout()
        # The window begins with the first bytes: until then the server may think.
        self._since: float | None = None
        self._received = 0

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Receive what there is.

        Raises:
            TimeoutError: Nothing came in time, or too little.
        """
        count = self._raw.readinto(buffer) or 0
        now = time.monotonic()
        if self._since is None:
            self._since = now
        self._received += count
        if count and self._timeout and now - self._since > self._timeout:
            if self._received < _SLOWEST * (now - self._since):
                raise TimeoutError("timed out")
            self._since, self._received = now, 0
        return count

    def close(self) -> None:
        """Let the socket go."""
        self._raw.close()
        super().close()


class _PacedSocket:
    """As much of a socket as ``http.client`` reads an answer from."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(PacedStream(self._sock))


class _PacedResponse(http.client.HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **settings: Any) -> None:
        super().__init__(_PacedSocket(sock), *args, **settings)  # type: ignore[arg-type]


class _PacedConnection(HTTPConnection):
    response_class = _PacedResponse


class _PacedSecureConnection(HTTPSConnection):
    response_class = _PacedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _PacedConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _PacedSecureConnection


class PacedAdapter(HTTPAdapter):
    """Carries requests, directly or through a proxy, on such connections."""

    _POOLS = {"http": _Pool, "https": _SecurePool}  # noqa: RUF012

    def init_poolmanager(self, *args: Any, **settings: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **settings)
        self.poolmanager.pool_classes_by_scheme = self._POOLS

    def proxy_manager_for(self, proxy: Any, **settings: Any) -> Any:
        """Make, or find, the pools of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **settings)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = self._POOLS
        return manager
