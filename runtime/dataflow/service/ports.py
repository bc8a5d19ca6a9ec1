"""Ports that services are to listen on, and who has them already."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.shared.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterable


class PortsInUseError(BadInputError):
    """A service cannot listen where it should.

    Why: Another program listens on a port of `dataflow up`.

    What to do: Stop it, or choose other ports: the settings `dagster_port`, `api_port` and
    `evidence_port`.
    """


@dataclass(frozen=True)
class Address:
    """Where a service listens.

    Args:
        setting: The environment variable that sets the port.
    """

    service: str
    host: str
    port: int
    setting: str

    @property
    def url(self) -> str:
        """What to open in a browser on this machine."""
        host = "localhost" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


def check_addresses(addresses: Iterable[Address]) -> None:
    """Find out, before anything is started, whether all can be listened on.

    Raises:
        PortsInUseError: Some cannot. All of them are named, and the programs that hold them.
    """
    addresses = list(addresses)
    faults = [f"{a.service}: {fault}" for a in addresses if (fault := _fault(a))]
    faults += [
        f"{second.service}: port {second.port} is also to be that of {first.service}."
        for number, first in enumerate(addresses)
        for second in addresses[number + 1 :]
        if first.port == second.port
    ]
    if faults:
        settings = ", ".join(f"{a.setting}={a.port + 10}" for a in addresses)
        raise PortsInUseError(
            "\n".join(faults), f"Stop what is there, or take other ports: {settings}."
        )


def _fault(address: Address) -> str:
    try:
        family, kind, _, _, where = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as probe:
            # As servers do: a connection that is closing down does not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"port {address.port} is in use{_holder(address.port)}."
        why = (error.strerror or str(error)).lower()
        return f"{address.host}:{address.port} cannot be listened on: {why}."
    return ""


def _holder(port: int) -> str:
    """The program that listens on a port, as far as this user may know."""
    import psutil

    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and tuple(connection.laddr)[1:] == (port,) and connection.pid:
                process = psutil.Process(connection.pid)
                command = " ".join(process.cmdline())[:80] or process.name()
                return f" by process {connection.pid} ({command})"
    except (psutil.Error, OSError):
        return ""
    return ""
