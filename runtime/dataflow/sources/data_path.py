"""Values in a JSON document, addressed by dotted paths such as ``meta.next``."""

from __future__ import annotations

from typing import Any

# What is not there; null is.
MISSING: Any = object()


def value_at(document: Any, path: str) -> Any:
    """The value at a dotted path, or ``MISSING``. A key with dots in it is found as well."""
    if not isinstance(document, dict):
        return MISSING
    if path in document:
        return document[path]
    first, dot, rest = path.partition(".")
    if not dot or first not in document:
        return MISSING
    return value_at(document[first], rest)
