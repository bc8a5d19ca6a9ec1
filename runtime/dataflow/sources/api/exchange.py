"""One request to an API and its answer, whole: tried again, signed anew and slowed as needed."""

from __future__ import annotations

import gzip
import json
import sys
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from dataflow.shared.logging import get_logger
from dataflow.shared.shown import quoted
from dataflow.sources.api.credentials import make_credentials
from dataflow.sources.api.paced_transport import PacedAdapter
from dataflow.sources.errors import (
    AccessRefusedError,
    SourceError,
    SourceSettingError,
    SourceUnavailableError,
)
from dataflow.sources.kind import shown_location
from dataflow.sources.retry import (
    RequestFailedError,
    failure,
    patience,
    pause_after,
    requests_left,
    retrying,
    seconds_until_allowed,
)

if TYPE_CHECKING:
    from dataflow.shared.config_model import Parameters
    from dataflow.sources.api.settings import ApiSource

log = get_logger(__name__)

_CHUNK = 1 << 16
_MOST_REDIRECTS = 5
_KEEPS_METHOD = (307, 308)
# Before a request that would be refused, no longer than this; else the server is to say so itself.
_LONGEST_PAUSE = 120.0
_ACCEPTED = {
    "json": "application/json",
    "jsonl": "application/x-ndjson, application/json;q=0.9",
    "csv": "text/csv",
}


@dataclass(frozen=True)
class Ask:
    """What is asked: an address, its query, and a body.

    Args:
        url: The address.
        params: The parameters of its query.
        body: Keys and values or a list, to be sent as JSON or as a form; a text; or None.
    """

    url: str
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None

    def key(self) -> str:
        """What tells it from another request."""
        return json.dumps([self.url, self.params, self.body], sort_keys=True, default=str)


@dataclass(frozen=True)
class Answer:
    """What came, not compressed any more. Names of headers may be written in any case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class FirstTry:
    """A try of a request that failed.

    Args:
        fault: How it failed.
        sent: When it was sent, by the monotonic clock.
    """

    fault: RequestFailedError
    sent: float


class Exchange:
    """Asks an API, with the login, headers and patience that the settings give it."""

    def __init__(self, settings: ApiSource, parameters: Parameters) -> None:
        self.tries = parameters.max_retries + 1
        self._timeout = parameters.timeout_seconds
        self._retries = parameters.max_retries
        self._method = settings.method or ("POST" if _has_body(settings) else "GET")
        self._form = settings.body_format == "form"
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "dataflow"
        self._session.headers["Accept-Encoding"] = "gzip, deflate"
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, PacedAdapter(pool_maxsize=parameters.concurrency + 1))
        accepted = _ACCEPTED[settings.format or "json"]
        self._headers = {"Accept": accepted, **settings.headers}
        self._auth = make_credentials(settings, self._fetch_token)
        self._allowed_at = self._renewed_at = 0.0
        self._left: float | None = None
        self._settings_of: dict[tuple[str, ...], dict[str, Any]] = {}

    @property
    def allowed(self) -> int:
        """How many more requests the server allows now, as far as it has said."""
        if time.monotonic() < self._allowed_at:
            return 0
        return sys.maxsize if self._left is None else int(self._left)

    def try_once(self, ask: Ask, method: str | None = None) -> Answer:
        """Send a request once, beside others; where it fails, all pause as long as it has to.

        Raises:
            RequestFailedError: There is no answer, or one that is a refusal.
            SourceSettingError: The address has moved to another host.
        """
        self._pause()
        try:
            return self._follow(self._request(ask, method or self._method))
        except RequestFailedError as fault:
            self._hold(pause_after(fault))
            raise

    def ask(self, ask: Ask, method: str | None = None, failed: FirstTry | None = None) -> Answer:
        """Send a request until it is answered, or there is no hope.

        Where the login can get another token, 401 leads to one, once for each request.

        Args:
            ask: The request.
            method: How to ask, if not as the settings of the source say.
            failed: Its first try, if it was sent before.

        Raises:
            RequestFailedError: There is no answer, or one that is a refusal.
            SourceSettingError: The address has moved to another host.
        """
        renewed = False
        while True:
            try:
                return self._try(ask, method or self._method, failed)
            except RequestFailedError as error:
                renew = getattr(self._auth, "renew", None)
                if error.status != requests.codes.unauthorized or renew is None or renewed:
                    raise
                renewed = True
                if failed is None or failed.sent > self._renewed_at:
                    log.info("asking for a new token", because=str(error))
                    renew()
                    self._renewed_at = time.monotonic()
                failed = None

    def _try(self, ask: Ask, method: str, failed: FirstTry | None) -> Answer:
        retries = self._retries
        if failed is not None:
            if failed.fault.wait is False or not retries:
                raise failed.fault
            log.warning("trying again", because=str(failed.fault))
            retries -= 1
        for attempt in retrying(retries):
            with attempt:
                self._pause()
                request = self._request(ask, method)
                answer = self._follow(request)
        return answer

    def _pause(self) -> None:
        """Wait where an answer said that this request would be one too many."""
        # An answer that comes meanwhile to a request beside this one may say so for longer.
        while (seconds := self._allowed_at - time.monotonic()) > 0:
            log.info("waiting until the API takes requests", seconds=round(seconds, 1))
            time.sleep(seconds)

    def _hold(self, seconds: float) -> None:
        self._allowed_at = max(self._allowed_at, time.monotonic() + seconds)

    def _request(self, ask: Ask, method: str) -> requests.Request:
        content: dict[str, Any] = {}
        headers = dict(self._headers)
        if isinstance(ask.body, str):
            content = {"data": ask.body.encode()}
        elif ask.body is not None and self._form:
            content = {"data": written(ask.body)}
        elif ask.body is not None:
            content = {"data": json.dumps(ask.body, default=_as_text).encode()}
            if "content-type" not in map(str.lower, headers):
                headers["Content-Type"] = "application/json"
        return requests.Request(
            method, ask.url, params=written(ask.params), headers=headers, auth=self._auth, **content
        )

    def _follow(self, request: requests.Request) -> Answer:
        for _ in range(_MOST_REDIRECTS):
            response, answer = self._send(request)
            if answer is not None:
                return answer
            request = _redirected(request, response)
        raise RequestFailedError("the server redirects in a circle", None, wait=False)

    def _send(self, request: requests.Request) -> tuple[requests.Response, Answer | None]:
        """Send a request once: the answer, or None where it is at another address."""
        try:
            prepared = self._session.prepare_request(request)
            surroundings = self._surroundings(prepared.url or "")
            with self._session.send(
                prepared, timeout=self._timeout, allow_redirects=False, **surroundings
            ) as response:
                if response.is_redirect:
                    return response, None
                _refuse_status(response)
                body = _decoded(response, b"".join(_chunks(response)))
                _refuse_part(response, body)
        except requests.RequestException as error:
            raise failure(error) from None
        except urllib3.exceptions.ReadTimeoutError:
            raise RequestFailedError("it took too long", None, wait=True) from None
        except urllib3.exceptions.HTTPError:
            reason = "the connection broke off in the middle of the answer"
            raise RequestFailedError(reason, None, wait=True) from None
        wait = seconds_until_allowed(response.headers)
        if wait is not None and wait <= _LONGEST_PAUSE:
            self._hold(wait)
        self._left = requests_left(response.headers)
        url = response.url or request.url
        return response, Answer(url, response.status_code, response.headers, body)

    def _surroundings(self, url: str) -> dict[str, Any]:
        """The proxies and certificates for a host: what the environment says is looked up once."""
        host = urlsplit(url)[:2]
        if host not in self._settings_of:
            found = self._session.merge_environment_settings(url, {}, True, None, None)
            self._settings_of[host] = dict(found)
        return self._settings_of[host]

    def _fetch_token(self, url: str, form: Mapping[str, str]) -> Any:
        """What a token's server answers, as JSON; None if it is none."""
        try:
            for attempt in retrying(self._retries):
                with attempt:
                    request = requests.Request("POST", url, data=dict(form))
                    request.headers["Accept"] = "application/json"
                    response, answer = self._send(request)
                    if answer is None:
                        raise _moved(url, urljoin(url, response.headers["location"]))
        except RequestFailedError as error:
            raise refused(url, error) or SourceUnavailableError(
                f"No token could be fetched from {shown_location(url)}: {error}.",
                "Look whether `token_url`, `client_id`, `client_secret`, `scope` and `audience` of "
                "`ingestion.source` are right, or try again later.",
            ) from None
        try:
            return json.loads(answer.body) if answer else None
        except ValueError:
            return None


def refused(url: str, fault: RequestFailedError) -> SourceError | None:
    """The error for an address that refuses access; None if it does not."""
    if fault.status not in (401, 403) or fault.limited or fault.wait is not False:
        return None
    return AccessRefusedError(
        f"{shown_location(url)} refuses access: {fault}.",
        "Look at `auth_type` and its credentials under `ingestion.source`, and at what they may "
        "read.",
    )


def written(values: Any) -> Any:
    """Parameters as they stand in a query: ``true``, not ``True``; those without a value left out.

    >>> written({"active": True, "tag": ["a", 1], "none": None})
    {'active': 'true', 'tag': ['a', '1'], 'none': None}
    """
    if isinstance(values, Mapping):
        return {name: written(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [written(value) for value in values]
    if isinstance(values, bool):
        return "true" if values else "false"
    return None if values is None else _as_text(values)


def _as_text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _has_body(settings: ApiSource) -> bool:
    return settings.body is not None or settings.query is not None


def _refuse_status(response: requests.Response) -> None:
    if response.status_code >= requests.codes.multiple_choices:
        raise requests.HTTPError(response=response)
    if response.status_code == requests.codes.accepted:
        # Work has begun; what comes now is no data yet.
        wait = patience(response, passing=True)
        raise RequestFailedError("the server answered 202: it is not ready yet", 202, wait)


def _refuse_part(response: requests.Response, body: bytes) -> None:
    """Refuse a range of bytes, which was not asked for, and JSON that ends with its connection.

    Where nothing says how long a body is, its end may be the end of the connection only.
    """
    if response.headers.get("Content-Range", "").strip().lower().startswith("bytes"):
        raise RequestFailedError("the server sent a part of the answer only", None, wait=False)
    told = "Content-Length" in response.headers or "Transfer-Encoding" in response.headers
    text = body.strip()
    if not told and text[:1] in (b"{", b"[") and text[-1:] not in (b"}", b"]"):
        reason = "the connection broke off in the middle of the answer"
        raise RequestFailedError(reason, None, wait=True)


def _redirected(request: requests.Request, response: requests.Response) -> requests.Request:
    """The same request at its new address, if that is at the same host."""
    target = urljoin(response.url, response.headers["location"])
    old, new = urlsplit(response.url), urlsplit(target)
    upgraded = (old.scheme, new.scheme) == ("http", "https") and old.port is new.port is None
    same = old.hostname == new.hostname and (
        (old.scheme, old.port) == (new.scheme, new.port) or upgraded
    )
    if not same or (request.method != "GET" and response.status_code not in _KEEPS_METHOD):
        raise _moved(response.url, target)
    moved = requests.Request(**vars(request))
    moved.url, moved.params = target, {}
    return moved


def _moved(url: str, target: str) -> SourceSettingError:
    return SourceSettingError(
        f"{shown_location(url)} has moved to {shown_location(target)}.",
        "Set `ingestion.source.url` to the new address, if you trust it with the credentials.",
    )


def _chunks(response: requests.Response) -> Any:
    return response.raw.stream(_CHUNK, decode_content=False)


def _decoded(response: requests.Response, body: bytes) -> bytes:
    """A body without the compression that ``Content-Encoding`` names, which must not be cut."""
    codings = response.headers.get("Content-Encoding", "").lower().split(",")
    try:
        for coding in reversed([coding.strip() for coding in codings]):
            if coding in ("gzip", "x-gzip"):
                # Some servers say so and send it plain.
                body = gzip.decompress(body) if is_gzip(body) else body
            elif coding == "deflate":
                body = _inflated(body)
            elif coding not in ("", "identity"):
                raise RequestFailedError(
                    f"the answer is compressed as {quoted(coding)}, which was not asked for",
                    None,
                    wait=False,
                )
    except (EOFError, OSError, zlib.error):
        raise RequestFailedError("the compressed answer is cut short", None, wait=True) from None
    return body


def is_gzip(body: bytes) -> bool:
    """Whether a text is compressed by gzip."""
    return body[:2] == b"\x1f\x8b"


def _inflated(body: bytes) -> bytes:
    try:
        return zlib.decompress(body)
    except zlib.error:
        return zlib.decompress(body, -zlib.MAX_WBITS)
