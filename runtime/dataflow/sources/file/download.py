"""Files from http and https addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.shown import counted
from dataflow.shared.step_progress import step_progress
from dataflow.sources.errors import SourceError, SourceNotFoundError, SourceUnavailableError
from dataflow.sources.kind import shown_location
from dataflow.sources.retry import RequestFailedError, failure, retrying

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow.shared.config_model import Parameters

_CHUNK = 1 << 20


def download(url: str, folder: Path, parameters: Parameters) -> tuple[Path, str]:
    """Write what an address answers with into ``folder``, as it comes.

    A failure that may pass is tried again from the start. A user and password in the address are
    sent as basic authentication.

    Returns:
        The file, and the media type that the server says it is.
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
        for attempt in retrying(parameters.max_retries):
            with attempt:
                try:
                    media_type = _fetch(url, path, parameters.timeout_seconds)
                except requests.RequestException as error:
                    raise failure(error) from None
    except RequestFailedError as error:
        raise _refusal(url, error, parameters.max_retries + 1) from error
    return path, media_type


def _fetch(url: str, path: Path, timeout_seconds: float) -> str:
    import requests

    with requests.get(url, stream=True, timeout=timeout_seconds) as response:
        response.raise_for_status()
        progress, length = step_progress(), response.headers.get("Content-Length", "")
        # Of what is compressed on its way, the length says something else.
        is_plain = length.isdigit() and "Content-Encoding" not in response.headers
        progress.begin("downloading", total_size=int(length) if is_plain else None)
        with path.open("wb") as file:
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                progress.count(size=file.tell())
        return response.headers.get("Content-Type", "").split(";")[0].strip().lower()


def _refusal(url: str, error: RequestFailedError, tries: int) -> SourceError:
    shown = shown_location(url)
    if error.status in (404, 410):
        return SourceNotFoundError(
            f"{shown} is not there: {error}.", "Correct `ingestion.source.url`."
        )
    if error.status is not None and error.wait is False:
        return SourceUnavailableError(
            f"{shown} cannot be read: {error}.",
            "Look whether the address needs credentials, or try again later.",
        )
    return SourceUnavailableError(
        f"{shown} could not be read in {counted(tries, 'attempt')}: {error}.",
        "Look whether the address is right and whether a proxy is needed, and try again.",
    )
