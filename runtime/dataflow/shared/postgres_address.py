"""Where a Postgres is, as people are told of it."""

from __future__ import annotations

import os
from urllib.parse import parse_qs, unquote, urlsplit


def shown_address(address: str) -> str:
    """Where a Postgres is, without its login.

    >>> shown_address("postgresql://me:secret@db:5433/dagster?sslmode=require")
    'db:5433/dagster'
    >>> shown_address("postgresql://me:secret@/dagster?host=/run/postgresql&port=5433")
    '/run/postgresql:5433/dagster'
    """
    parts = urlsplit(address)
    place = unquote(parts.netloc.rpartition("@")[2])
    if place and not place.startswith(":"):
        return f"{place}{parts.path}"
    # By a socket, or as libpq's variables say.
    more = parse_qs(parts.query)
    host = more.get("host", [os.environ.get("PGHOST") or "localhost"])[0]
    port = place or "".join(f":{each}" for each in more.get("port", []))
    return f"{host}{port}{parts.path}"
