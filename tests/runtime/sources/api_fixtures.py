"""What the tests of reading APIs share."""

from __future__ import annotations

import json
from typing import Any

from tests.source_fixtures import Answer

from dataflow.sources.read import read_source

QUICK = {"max_retries": 2, "timeout_seconds": 5}


def read_api(url: str, last_value: Any = None, **source: Any) -> Any:
    """Read an API without waiting long for it."""
    parameters = {**QUICK, "batch_size": source.pop("batch_size", 2)}
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
