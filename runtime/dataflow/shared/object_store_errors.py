"""What went wrong with an object store, in words that say what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.file_store import StoreError
from dataflow.shared.redaction import redact
from dataflow.shared.shown import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist")
_WRONG_KEY = (
    "AuthenticationFailed",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    # Classes of errors where there is no key at all.
    "ClientAuthenticationError",
    "DefaultCredentialsError",
    "NoCredentialsError",
    "PartialCredentialsError",
    "RefreshError",
)
_REFUSED = ("AccessDenied", "AllAccessDisabled", "AuthorizationPermissionMismatch", "Forbidden")
_UNREACHABLE = (
    "ClientConnectorError",
    "ConnectError",
    "ConnectionClosedError",
    "ConnectionError",
    "ConnectTimeoutError",
    "EndpointConnectionError",
    "FSTimeoutError",
    "ReadTimeoutError",
    "ServerDisconnectedError",
    "ServiceRequestError",
    "TimeoutError",
)
_LONGEST = 300
_KEYS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "gcs": "GOOGLE_APPLICATION_CREDENTIALS",
}
_AZURE_KEYS = "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY"


def is_missing_file(error: BaseException) -> bool:
    """Whether an error says that there is no such file, in a bucket that is there.

    >>> is_missing_file(FileNotFoundError("m.json"))
    True
    >>> is_missing_file(FileNotFoundError("The specified bucket does not exist"))
    False
    """
    marks = set(_marks(error))
    if marks & {*_NO_BUCKET}:
        return False
    return bool(marks & {"FileNotFoundError", "NoSuchKey", "BlobNotFound", "ResourceNotFoundError"})


def store_error(error: BaseException, doing: str, url: str, setting: str) -> StoreError:
    """The one message for an error of a store's client.

    Args:
        doing: What was to be done, such as ``write manifest.json``.

    >>> store_error(PermissionError("no"), "list all files", "s3://acme/x", "state_store").reason
    'Cannot list all files in s3://acme/x (state_store): the store does not allow it.'
    """
    marks = set(_marks(error))
    scheme, _, rest = url.partition("://")
    keys = _KEYS.get(scheme, _AZURE_KEYS)
    failed = f"Cannot {doing} in {url} ({setting})"
    if marks & {*_NO_BUCKET} or (doing.startswith("write") and is_missing_file(error)):
        bucket = rest.partition("/")[0]
        return StoreError(
            f"{failed}: there is no bucket {bucket}.",
            f"Create it, or name another one in {setting}.",
        )
    if marks & {*_WRONG_KEY}:
        return StoreError(
            f"{failed}: the store does not know the key, or there is none.", f"Check {keys}."
        )
    # Google's client has it as a text alone.
    is_forbidden = str(error).startswith("Forbidden") or "PermissionError" in marks
    if marks & {*_REFUSED} or is_forbidden:
        return StoreError(
            f"{failed}: the store does not allow it.",
            f"Let the key of {keys} read, write, list and delete there, or use another one.",
        )
    if marks & {*_UNREACHABLE}:
        endpoint = " and AWS_ENDPOINT_URL" if scheme == "s3" else ""
        return StoreError(
            f"{failed}: the store cannot be reached, or does not answer: {_text(error)}",
            f"Check the network{endpoint}, and try again.",
        )
    code = next((f"{mark}: " for mark in _codes(error)), "")
    return StoreError(
        f"{failed}: {code}{_text(error)}", "Look into the store's own log, and try again."
    )


def _marks(error: BaseException) -> Iterator[str]:
    """What an error and those behind it are known by: names of classes, and the store's codes."""
    yield from _codes(error)
    for each in _chain(error):
        yield from (kind.__name__ for kind in type(each).__mro__)
        text = str(each)
        yield from (mark for mark in _NO_BUCKET if mark in text)


def _codes(error: BaseException) -> Iterator[str]:
    for each in _chain(error):
        response = getattr(each, "response", None)
        if isinstance(response, dict):
            yield str(response.get("Error", {}).get("Code", ""))
        code = getattr(each, "error_code", None) or getattr(each, "code", None)
        if code:
            yield str(getattr(code, "value", code))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _text(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    text = shortened(redact(text), _LONGEST)
    return text if text.endswith((".", "!")) else f"{text}."
