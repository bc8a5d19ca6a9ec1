"""Files from http and https addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.ingestion.errors import SourceNotFoundError, SourceUnavailableError
from dataflow.ingestion.retry import retrying
from dataflow.shared.errors import MissingDependencyError

if TYPE_CHECKING:
    from pathlib import Path

    import requests

__all__ = ["download"]

_CHUNK = 1 << 20


def download(
    url: str, folder: Path, max_retries: int = 3, timeout_seconds: float = 30
) -> tuple[Path, str]:
    """Write what an address answers with into ``folder``, as it comes.

    Args:
        url: An http or https address; a user and password in it are sent as basic authentication.
        folder: Where the file goes.
        max_retries: How often a failure that may pass is tried again, from the start.
        timeout_seconds: How long to wait for a connection, and for each next bytes.

    Returns:
        The file, and the media type that the server says it is.

    Raises:
        SourceNotFoundError: The server says that there is no such file.
        SourceUnavailableError: The server did not answer in full, or refused.
        MissingDependencyError: The HTTP library is not installed.
    """
    try:
        import requests
    except ImportError as error:
        raise MissingDependencyError(
            "Reading from http addresses needs requests, which is not installed.",
            "Install it with `pip install 'dataflow-runtime[run]'`.",
        ) from error

    path = folder / "download"
    try:
        for attempt in retrying(max_retries):
            with attempt:
                media_type = _fetch(url, path, timeout_seconds)
    except requests.HTTPError as error:
        raise _refusal(url, error) from error
    except requests.RequestException as error:
        raise SourceUnavailableError(
            f"{_shown(url)} could not be read in {max_retries + 1} tries: {_cause(error)}.",
            "Look whether the address is right and whether a proxy is needed, and try again.",
        ) from error
    return path, media_type


def _fetch(url: str, path: Path, timeout_seconds: float) -> str:
    import requests

    with requests.get(url, stream=True, timeout=timeout_seconds) as response:
        response.raise_for_status()
        with path.open("wb") as file:
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
        return response.headers.get("Content-Type", "").split(";")[0].strip().lower()


def _refusal(url: str, error: requests.HTTPError) -> SourceNotFoundError | SourceUnavailableError:
    status, words = error.response.status_code, error.response.reason
    if status in (404, 410):
        return SourceNotFoundError(
            f"{_shown(url)} is not there: the server answered {status} {words}.",
            "Correct `ingestion.source.url`.",
        )
    return SourceUnavailableError(
        f"{_shown(url)} cannot be read: the server answered {status} {words}.",
        "Look whether the address needs credentials, or try again later.",
    )


def _shown(url: str) -> str:
    """An address without what may be secret in it."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def _cause(error: Exception) -> str:
    """The innermost words of an error; the outer ones repeat the address with its query."""
    inner: BaseException = error
    while inner.args and isinstance(inner.args[0], BaseException):
        inner = inner.args[0]
    reason = getattr(inner, "reason", None)
    inner = reason if isinstance(reason, BaseException) else inner
    text = str(inner)
    return text.split(": ", 1)[-1].strip("() '.\"") if text else type(error).__name__
