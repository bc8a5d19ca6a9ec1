"""Asking Dagster's webserver something.

Plain POST requests: Dagster's own client takes a second to import.
"""

from __future__ import annotations

from typing import Any

import httpx

from dataflow.service.dagster_errors import (
    DagsterError,
    DagsterUnavailableError,
    HistoryDownError,
)
from dataflow.service.graphql_answer import is_about_history

_SECONDS_TO_ANSWER = 60.0
# Servers close connections on which nothing comes for 5 seconds; one that is closed while a request
# is on its way loses the request.
_SECONDS_OF_REST = 2.0
_LOST = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)


class GraphQLClient:
    """A connection to the GraphQL interface of the webserver at ``url``."""

    def __init__(self, url: str) -> None:
        self._url = url
        # Whatever proxy the environment names is not for what runs beside us.
        limits = httpx.Limits(max_connections=100, keepalive_expiry=_SECONDS_OF_REST)
        self._http = httpx.Client(timeout=_SECONDS_TO_ANSWER, trust_env=False, limits=limits)

    def close(self) -> None:
        """Give up the connections."""
        self._http.close()

    def ask(
        self,
        query: str,
        field: str = "",
        *,
        seconds: float = _SECONDS_TO_ANSWER,
        **variables: Any,
    ) -> dict[str, Any]:
        """The answer to a query, or one field of it.

        Args:
            seconds: How long to wait for it.

        Raises:
            DagsterUnavailableError: Nobody answers.
            DagsterError: The answer is a fault.
        """
        asked = {"query": query, "variables": variables}
        try:
            response = self._post(asked, seconds, again="mutation " not in query)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise self._unavailable(str(error) or type(error).__name__) from error
        try:
            answer = response.json()
        except ValueError as error:
            raise self._unavailable(f"it answered with {response.status_code}") from error
        if not isinstance(answer, dict) or answer.get("data") is None or answer.get("errors"):
            faults = answer.get("errors") if isinstance(answer, dict) else None
            message = (
                faults[0].get("message", "") if faults else _refusal(response.status_code, answer)
            )
            if is_about_history(message):
                raise HistoryDownError.told()
            raise DagsterError(
                f"Dagster answered with a fault: {message}",
                "See the log of `dataflow up`, or of Dagster's webserver.",
            )
        data: dict[str, Any] = answer["data"]
        return data[field] if field else data

    def _post(self, asked: dict[str, Any], seconds: float, *, again: bool) -> httpx.Response:
        """The answer; who only looks may ask again where a connection was lost."""
        try:
            return self._http.post(f"{self._url}/graphql", json=asked, timeout=seconds)
        except _LOST:
            if not again:
                raise
        return self._http.post(f"{self._url}/graphql", json=asked, timeout=seconds)

    def _unavailable(self, why: str) -> DagsterUnavailableError:
        return DagsterUnavailableError(
            f"Dagster does not answer at {self._url}: {why}.",
            "Start it with `dataflow up dagster`; DATAFLOW_DAGSTER_URL says where it is.",
        )


def _refusal(status: int, answer: Any) -> str:
    """What Dagster's guard says, which knows the request by another name than its own."""
    if not isinstance(answer, dict) or "detail" not in answer:
        return f"{status}"
    return f"{answer['detail']} {answer.get('instruction', '')}".strip()
