"""By which names a server may be called, and from which pages.

A page that somebody has open in a browser can send requests to servers that only this machine
reaches. What it cannot do is forge ``Host``, ``Origin`` and ``Sec-Fetch-*``.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dataflow.shared.shown import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dataflow.shared.settings import Settings

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?", re.IGNORECASE)
_USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Objection:
    """Why a request is not answered.

    Args:
        status: The status of the answer.
    """

    status: int
    reason: str
    instruction: str


@dataclass(frozen=True)
class WebAccess:
    """The names of one server, and the pages that may use it beside its own.

    Args:
        names: Names and addresses in small letters; ``*.example.org`` stands for all below, ``*``
            for any.
        origins: Origins of other pages; ``*`` stands for any.
        any_address: Whether every numeric address is one of the server's, as for a server that
            listens on all: who calls it may be on the far side of a translation of addresses.
    """

    names: frozenset[str]
    origins: frozenset[str] = frozenset()
    any_address: bool = False

    @classmethod
    def to(cls, host: str, settings: Settings, origins: Iterable[str] = ()) -> WebAccess:
        """The access to a project's server that listens on ``host``.

        Args:
            origins: Origins whose pages may use it, beside that of the setting ``public_url``.
        """
        public = urlsplit(settings.public_url)
        known = [host.strip("[]"), *settings.allowed_hosts, public.hostname or ""]
        known.append(urlsplit(settings.dagster_url).hostname or "")
        on_all = host in ("", "0.0.0.0", "::")  # noqa: S104
        if on_all:
            known.append(socket.gethostname())
        of_pages = [origin.rstrip("/").lower() for origin in origins]
        if settings.public_url:
            of_pages.append(f"{public.scheme}://{public.netloc}".lower())
        names = frozenset(name.strip("[]").rstrip(".").lower() for name in known if name)
        return cls(names, frozenset(of_pages), on_all)

    def objection(
        self, kind: str, method: str, version: str, headers: Sequence[tuple[bytes, bytes]]
    ) -> Objection | None:
        """Why a request is not to be answered, or ``None``.

        Args:
            kind: ``http`` or ``websocket``.
            version: That of HTTP.
            headers: All of them; a name may come twice, which is one reason to refuse.
        """
        said: dict[str, list[str]] = {}
        for name, value in headers:
            said.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        return self._of_host(said.get("host", []), version) or self._of_origin(kind, method, said)

    def _of_host(self, said: list[str], version: str) -> Objection | None:
        if not said and version == "1.0":
            # Browsers do not speak it; some probes do.
            return None
        found = _HOST.fullmatch(said[0].strip()) if len(said) == 1 else None
        if found is not None and self._is_ours(found[1].strip("[]").rstrip(".").lower()):
            return None
        name = quoted(", ".join(said)) if said else "nothing"
        return Objection(
            421,
            f"The request is for {name}, which is no name of this server.",
            "Call it by localhost or its address; add other names that it has to the setting "
            "allowed_hosts (DATAFLOW_ALLOWED_HOSTS).",
        )

    def _is_ours(self, name: str) -> bool:
        if name == "localhost" or name.endswith(".localhost") or name in self.names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            parents = (name.split(".", count)[-1] for count in range(1, name.count(".") + 1))
            return "*" in self.names or any(f"*.{parent}" in self.names for parent in parents)
        # A name that leads astray can point anywhere, a numeric address only to itself.
        return self.any_address or address.is_loopback or "*" in self.names

    def _of_origin(self, kind: str, method: str, said: Mapping[str, list[str]]) -> Objection | None:
        origins = said.get("origin", [])
        if "*" in self.origins or (len(origins) == 1 and origins[0].lower() in self.origins):
            return None
        if origins:
            host = (said.get("host") or [""])[0].strip()
            if len(origins) > 1 or not _is_of(origins[0], host):
                return _foreign(f"a page of {quoted(', '.join(origins))}")
        sites = said.get("sec-fetch-site", [])
        if all(site in ("same-origin", "none") for site in sites):
            return None
        # A link that somebody follows; in a frame a page would lay things over it.
        follows = (
            kind == "http"
            and method in ("GET", "HEAD")
            and said.get("sec-fetch-mode") == ["navigate"]
            and said.get("sec-fetch-dest", ["document"]) == ["document"]
        )
        return None if follows else _foreign("a page of another origin")


def _is_of(origin: str, host: str) -> bool:
    """Whether an origin is the one that a request's ``Host`` is part of.

    The scheme is not known behind a proxy that speaks TLS, so the usual port of either will do
    where ``Host`` has none.
    """
    try:
        parts = urlsplit(origin)
        page = (parts.hostname, parts.port or _USUAL_PORTS.get(parts.scheme))
        here = urlsplit(f"//{host}")
        ports = {here.port} if here.port else set(_USUAL_PORTS.values())
    except ValueError:
        return False
    return parts.scheme in _USUAL_PORTS and page[0] == here.hostname and page[1] in ports


def _foreign(who: str) -> Objection:
    return Objection(
        403,
        f"The request comes from {who}.",
        "Only the server's own pages may use it. Behind a proxy, pass on the header Host or set "
        "public_url; for pages of yours that call the REST API, set api_cors_origins.",
    )
