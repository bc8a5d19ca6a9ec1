"""A request is tried again when there is hope, after as long as the server asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from dataflow.sources.retry import RequestFailedError, failure, patience, retrying

if TYPE_CHECKING:
    from collections.abc import Callable


def response(status: int, retry_after: str = "") -> requests.Response:
    made = requests.Response()
    made.status_code, made.reason = status, "why"
    if retry_after:
        made.headers["Retry-After"] = retry_after
    return made


@pytest.mark.parametrize(
    ("status", "retry_after", "wait"),
    [
        (503, "", True),
        (429, "7", 7.0),
        (429, "0", 0.0),
        (503, "600", 600.0),
        (503, "601", False),
        (503, "soon", True),
        (503, "-1", True),
        (404, "7", False),
        (200, "", False),
    ],
)
def test_patience_goes_by_status_and_header(status: int, retry_after: str, wait: Any) -> None:
    """Seconds are taken as they are, up to ten minutes; other statuses are final."""
    found = patience(response(status, retry_after))
    assert (found, type(found)) == (wait, type(wait))


def test_patience_until_a_moment() -> None:
    """A date is as many seconds away as it is from now, and one that is past is now."""
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 97 < patience(response(503, later)) <= 100
    past = format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)
    assert patience(response(503, past)) == 0.0
    far = format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True)
    assert patience(response(503, far)) is False


@pytest.mark.parametrize(
    ("error", "text", "wait"),
    [
        (requests.ConnectionError("refused"), "refused", True),
        (requests.ConnectionError("Max retries: host: is down"), "host: is down", True),
        (requests.Timeout("http://h/?key=secret"), "it took too long", True),
        (requests.exceptions.ChunkedEncodingError("cut"), "cut", True),
        (requests.exceptions.InvalidURL("no host"), "no host", False),
        (requests.ConnectionError(OSError(ValueError("inner: it broke"))), "it broke", True),
        (requests.HTTPError(response=response(500)), "the server answered 500 why", True),
        (requests.HTTPError(response=response(403)), "the server answered 403 why", False),
    ],
)
def test_what_may_pass_is_told_from_what_will_not(
    error: requests.RequestException, text: str, wait: bool
) -> None:
    """The innermost words are kept, without the address."""
    fault = failure(error)
    assert (str(fault), fault.wait) == (text, wait)


def attempts(retries: int, fail: Callable[[int], Exception | None]) -> int:
    """How many tries there are."""
    count = 0
    for attempt in retrying(retries):
        with attempt:
            count += 1
            if error := fail(count):
                raise error
    return count


def test_tries_end_with_success_or_the_last_one(
    quick: None, capfd: pytest.CaptureFixture[str]
) -> None:
    """One try more than retries; each next one is logged with its cause."""
    passing = RequestFailedError("it broke", None, wait=True)
    assert attempts(3, lambda count: passing if count < 3 else None) == 3
    said = "".join(capfd.readouterr())
    assert said.count("trying again") == said.count("it broke") == 2
    tried: list[int] = []
    with pytest.raises(RequestFailedError, match="it broke"):
        attempts(2, lambda count: tried.append(count) or passing)  # type: ignore[func-returns-value]
    assert tried == [1, 2, 3]


@pytest.mark.parametrize("error", [RequestFailedError("no", 404, wait=False), ValueError("own")])
def test_what_is_hopeless_is_not_tried_again(quick: None, error: Exception) -> None:
    """A refusal, and an error that is no failed request, go through at once."""
    tried: list[int] = []
    with pytest.raises(type(error)):
        attempts(3, lambda count: tried.append(count) or error)  # type: ignore[func-returns-value]
    assert tried == [1]


def test_no_hook_of_the_process_is_set() -> None:
    """Other code in the process that retries keeps its own ways of saying so."""
    import tenacity

    before = tenacity.Retrying().before_sleep
    assert retrying(1).before_sleep is not before
    assert tenacity.Retrying().before_sleep is before
