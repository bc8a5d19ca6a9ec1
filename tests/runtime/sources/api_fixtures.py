"""What the tests of reading APIs share."""

from __future__ import annotations

import json
from typing import Any

from tests.source_fixtures import Answer

from dataflow.sources.read import read_source

ROWS = [{"id": number, "name": f"n{number}"} for number in range(25)]
ALL = list(range(7))
QUICK = {"max_retries": 2, "timeout_seconds": 5}


def read_api(url: str, last_value: Any = None, **source: Any) -> Any:
    """Read an API without waiting long for it."""
    given = {name: source.pop(name) for name in ("batch_size", "concurrency") if name in source}
    parameters = {**QUICK, "batch_size": 2, **given}
    return read_source({"type": "api", "url": url, **source}, parameters, last_value)


def rows(result: Any) -> list[dict[str, Any]]:
    """The rows that were read."""
    return list(result["data"].to_pylist())


def ids(result: Any) -> list[Any]:
    """Their ids."""
    return [row["id"] for row in rows(result)]


def records(*numbers: int) -> list[dict[str, Any]]:
    """Records with these ids."""
    return [{"id": number, "name": f"n{number}"} for number in numbers]


def js(document: Any, **headers: str) -> Answer:
    """An answer in JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(json.dumps(document), headers={"Content-Type": "application/json", **named})


class Api:
    """An API with 25 records that pages in every usual way."""

    def __init__(self, server: Any, say: Any, rows: list[dict[str, Any]] | None = None) -> None:
        self.server, self.say = server, say
        self.rows = ROWS if rows is None else rows
        self.largest = 10
        for name in ("page", "offset", "cursor", "link", "next", "plain", "more"):
            server.routes[f"/{name}"] = getattr(self, f"_{name}")

    def url(self, name: str) -> str:
        return f"{self.server.url}/{name}"

    def _slice(self, start: int, size: int | None = None) -> list[dict[str, Any]]:
        return self.rows[start : start + min(size or self.largest, self.largest)]

    def _json(self, document: Any, **headers: str) -> Any:
        return self.say(
            json.dumps(document), headers={"Content-Type": "application/json", **headers}
        )

    def _page(self, request: Any) -> Any:
        page = int(request.query.get("page", 1))
        rows = self._slice((page - 1) * self.largest)
        return self._json({"items": rows, "total": len(self.rows), "page": page})

    def _offset(self, request: Any) -> Any:
        offset = int(request.query.get("offset", 0))
        size = int(request.query.get("limit", self.largest))
        rows = self._slice(offset, size)
        meta = {"offset": offset, "limit": len(rows), "total": len(self.rows)}
        return self._json({"data": rows, "meta": meta})

    def _cursor(self, request: Any) -> Any:
        start = int(request.query.get("cursor", "c0")[1:])
        following = start + self.largest
        cursor = f"c{following}" if following < len(self.rows) else None
        return self._json({"results": self._slice(start), "next_cursor": cursor})

    def _link(self, request: Any) -> Any:
        start = int(request.query.get("start", 0))
        following = start + self.largest
        link = f'<{self.url("link")}?start={following}>; rel="next"'
        headers = {"Link": link} if following < len(self.rows) else {}
        return self._json(self._slice(start), **headers)

    def _next(self, request: Any) -> Any:
        start = int(request.query.get("start", 0))
        following = start + self.largest
        link = f"/next?start={following}" if following < len(self.rows) else None
        return self._json({"count": len(self.rows), "next": link, "results": self._slice(start)})

    def _more(self, request: Any) -> Any:
        start = int(request.query.get("skip", 0))
        more = start + self.largest < len(self.rows)
        return self._json({"rows": self._slice(start), "has_more": more})

    def _plain(self, request: Any) -> Any:
        start = (int(request.query.get("page", 1)) - 1) * self.largest
        rows = self._slice(start)
        return self._json(rows) if rows else self.say("no such page", 404)


def numbered(server: Any, **said: Any) -> str:
    """An API of three pages whose answers have these fields as well."""

    def answer(request: Any) -> Answer:
        number = int(request.query.get("page", 1))
        return js({"rows": records(*ALL[(number - 1) * 3 : number * 3]), "page": number, **said})

    server.routes["/numbered"] = answer
    return f"{server.url}/numbered"
