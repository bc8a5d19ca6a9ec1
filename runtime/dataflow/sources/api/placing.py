"""Where the parameters of paging and of incremental reading go in a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dataflow.sources.api.exchange import Ask

if TYPE_CHECKING:
    from dataflow.sources.api.settings import ApiSource


@dataclass(frozen=True)
class Placing:
    """Puts parameters into a request.

    Args:
        in_body: Whether they go into the body, and not into the query of the address.
        under: The key of the body that they are under, ``variables`` with GraphQL.
    """

    in_body: bool = False
    under: str = ""

    def put(self, ask: Ask, name: str, value: Any) -> Ask:
        """The request with a parameter; in a body, a dotted name leads into it."""
        if not self.in_body:
            return replace(ask, params={**ask.params, name: value})
        body = ask.body if isinstance(ask.body, Mapping) else {}
        path = [self.under, *name.split(".")] if self.under else name.split(".")
        return replace(ask, body=_with(body, path, value))


def placing_of(settings: ApiSource) -> Placing:
    """Where parameters go, as the settings say or as the request has it."""
    told = settings.paging.param_location if settings.paging else None
    has_body = settings.query is not None or isinstance(settings.body, Mapping)
    in_body = has_body if told is None else told == "body"
    return Placing(in_body, "variables" if settings.query is not None else "")


def first_ask(settings: ApiSource) -> Ask:
    """The request that the settings describe."""
    body = settings.body
    if settings.query is not None:
        body = {"query": settings.query, "variables": dict(settings.variables)}
    return Ask(settings.url, dict(settings.params), body)


def filled(value: Any, name: str, filler: Any) -> Any:
    """A part of a request with ``{name}`` replaced, however deep; alone it keeps its type.

    >>> filled({"ids": ["{id}"], "path": "/{id}/x"}, "id", 7)
    {'ids': [7], 'path': '/7/x'}
    """
    if isinstance(value, str):
        return filler if value == f"{{{name}}}" else value.replace(f"{{{name}}}", str(filler))
    if isinstance(value, Mapping):
        return {key: filled(item, name, filler) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, name, filler) for item in value]
    return value


def _with(body: Mapping[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    first, *rest = path
    if not rest:
        return {**body, first: value}
    inner = body.get(first)
    return {**body, first: _with(inner if isinstance(inner, Mapping) else {}, rest, value)}
