"""The pages of an API, each exactly once."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests
from dlt.common.configuration.specs.runtime_configuration import RuntimeConfiguration
from dlt.sources.helpers.requests import Client
from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException

from dataflow.sources.api.credentials import make_credentials
from dataflow.sources.api.paging import Paginator
from dataflow.sources.api.settings import ApiSource, Paging
from dataflow.sources.errors import SourceDataError, SourceSettingError, SourceUnavailableError
from dataflow.sources.kind import shown_location
from dataflow.sources.records import find_records
from dataflow.sources.retry import RETRIED_STATUSES, failure, patience

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.shared.config_model import Parameters

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 600.0


class _Client(RESTClient):
    """dlt's client, with our way of finding the records in an answer."""

    def __init__(self, data_path: str | None, **settings: Any) -> None:
        # The configuration is given so that dlt does not look for its own files and variables.
        super().__init__(config=RuntimeConfiguration(), data_selector="$", **settings)
        self.data_path = data_path

    def extract_response(self, response: requests.Response, _: Any) -> list[dict[str, Any]]:
        """The records in an answer."""
        shown = f"An answer of {shown_location(response.url)}"
        return find_records(response.json(), self.data_path, shown)


def _is_worth_waiting(response: requests.Response | None, _: BaseException | None) -> bool:
    """Whether an answer is one to ask again for. dlt cuts a long ``Retry-After`` short instead."""
    return response is not None and patience(response) is not False


class Pages:
    """Iterates over lists of records, page by page.

    Attributes:
        notes: What a person should know, once all pages were read.
        ended: Whether the last page was read.
    """

    def __init__(self, settings: ApiSource, parameters: Parameters, query: dict[str, Any]) -> None:
        self.notes: list[str] = []
        self.ended = False
        self._url = settings.url
        self._paging = Paginator(settings.paging or Paging(), parameters.batch_size)
        self._query = {**settings.params, **query}
        self._tries = parameters.max_retries + 1
        self._timeout = parameters.timeout_seconds
        session = Client(
            request_timeout=self._timeout,
            raise_for_status=False,
            status_codes=(),
            retry_condition=_is_worth_waiting,
            request_max_attempts=self._tries,
            request_backoff_factor=_FIRST_WAIT,
            request_max_retry_delay=_LONGEST_WAIT,
        ).session
        self._client = _Client(
            settings.data_path,
            base_url=self._url,
            headers={"Accept": "application/json", **settings.headers},
            auth=make_credentials(settings, session),
            session=session,
        )
        self._read = 0
        self._digests: set[bytes] = set()
        self._asked: set[str] = set()

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the records of each page."""
        pages = self._client.paginate(
            self._url,
            params=dict(self._query),
            paginator=self._paging,
            hooks={"response": [self._check]},
            allow_redirects=False,
            timeout=self._timeout,
        )
        while True:
            try:
                page = next(pages, None)
            except requests.RequestException as error:
                raise self._refusal(error) from None
            if page is None:
                break
            self._read += 1
            self._refuse_repetition(page)
            self.ended = not self._paging.has_next_page
            if not self.ended:
                self._guard(page.request)
            yield list(page)
        self.ended = True
        self._check_total()

    def _check(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """Refuse what is not an answer; parse the JSON once."""
        if response.is_redirect:
            target = shown_location(urljoin(response.url, response.headers["location"]))
            raise SourceSettingError(
                f"{shown_location(response.url)} has moved to {target}.",
                "Set `ingestion.source.url` to the new address, if you trust it with the "
                "credentials.",
            )
        if response.status_code == requests.codes.not_found and self._may_be_the_end():
            raise IgnoreResponseException
        response.raise_for_status()
        try:
            document = json.loads(response.content)
        except ValueError as error:
            kind = response.headers.get("Content-Type", "no media type")
            raise SourceDataError(
                f"Page {self._read + 1} of {shown_location(response.url)} is not JSON ({kind}): "
                f"{error}.",
                "Look whether `ingestion.source.url` is the address of the API, not of a page to "
                "look at; if it is a file, set `ingestion.source.type` to file.",
            ) from error
        response.json = lambda **_: document  # type: ignore[method-assign]

    def _may_be_the_end(self) -> bool:
        """Some APIs answer 404 to a page behind the last one."""
        return self._read > 0 and self._paging.ends_in_nothing

    def _refuse_repetition(self, page: Any) -> None:
        if not page:
            return
        digest = hashlib.blake2b(json.dumps(list(page)).encode()).digest()
        if digest in self._digests:
            raise SourceDataError(
                f"Page {self._read} of {shown_location(self._url)} has the same {len(page):,} "
                "records as a page before it.",
                "Look whether the API takes the parameters of `ingestion.source.paging`, and "
                "correct them; if it gives all records at once, set `type: none`.",
            )
        self._digests.add(digest)

    def _guard(self, request: Any) -> None:
        """Refuse to ask the same again for ever, or to carry credentials to another host."""
        own, next_ = urlsplit(self._url), urlsplit(request.url)
        if next_.hostname != own.hostname or (
            next_.port != own.port and next_.scheme == own.scheme
        ):
            raise SourceDataError(
                f"{shown_location(self._url)} names a next page at another host: {next_.hostname}.",
                "Nothing was asked of it. Set `ingestion.source.url` to that host, if it is right.",
            )
        if own.scheme == "https":
            # Servers behind a proxy often take their own address for http.
            request.url = next_._replace(scheme="https", netloc=own.netloc).geturl()
        asked = json.dumps([request.url, request.params], sort_keys=True, default=str)
        if asked in self._asked:
            raise SourceDataError(
                f"{shown_location(self._url)} names a next page that was read before.",
                "Look whether `ingestion.source.paging` is right; the API would page for ever.",
            )
        self._asked.add(asked)

    def _check_total(self) -> None:
        received, totals = self._paging.received, self._paging.totals
        if totals and not min(totals) <= received <= max(totals):
            raise SourceDataError(
                f"{shown_location(self._url)} says that there are {totals[-1]:,} records, and "
                f"{received:,} came in {self._read:,} pages: some are missing or came twice.",
                "Run again if the data changed while it was read; otherwise correct "
                "`ingestion.source.paging`.",
            )
        hints = self._paging.hinted_totals
        if hints and not min(hints) <= received <= max(hints):
            self.notes.append(
                f"The API speaks of {hints[-1]:,} records in all, and {received:,} came; set "
                "`paging.total_path` to have this checked."
            )

    def _refusal(self, error: requests.RequestException) -> SourceUnavailableError:
        fault = failure(error)
        asked = error.request.url if error.request is not None else self._url
        shown = shown_location(str(asked))
        page = f"Page {self._read + 1} of {shown}"
        if fault.status in (401, 403):
            return SourceUnavailableError(
                f"{shown} refuses access: {fault}.",
                "Look at `auth_type` and its credentials under `ingestion.source`, and at what "
                "they may read.",
            )
        if fault.status in RETRIED_STATUSES and fault.wait is False:
            return SourceUnavailableError(
                f"{page} cannot be read now: {fault}, and asks to be left alone for longer than a "
                "run waits.",
                "Run again later, or ask the API for less at a time.",
            )
        if fault.status is not None and fault.wait is False:
            return SourceUnavailableError(
                f"{page} cannot be read: {fault}.",
                "Correct `url`, `params` or `paging` under `ingestion.source`.",
            )
        return SourceUnavailableError(
            f"{page} could not be read in {self._tries} tries: {fault}.",
            "Look whether the address is right and can be reached, or try again later.",
        )
