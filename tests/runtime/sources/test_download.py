"""Files from http addresses arrive whole or not at all."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from dataflow.sources.errors import SourceNotFoundError, SourceUnavailableError
from dataflow.sources.read import read_source

CSV = "a,b\n" + "1,x\n" * 1000


def read_at(url: str, **parameters: Any) -> Any:
    return read_source({"type": "file", "url": url}, {"max_retries": 3, **parameters})


def test_format_is_taken_from_the_name_or_the_media_type(server: Any, say: Any) -> None:
    """A suffix tells the format; without one the server does."""
    named = server.answer("/data/a.csv.gz", say(gzip.compress(CSV.encode())))
    assert read_at(f"{named}?token=abcdef")["metadata"]["record_count"] == 1000
    typed = server.answer(
        "/export", say('[{"a": 1}]', headers={"Content-Type": "application/json; charset=utf-8"})
    )
    assert read_at(typed)["data"].to_pylist() == [{"a": 1}]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", ["reset", "short", "500", "429"])
def test_passing_faults_are_tried_again(server: Any, say: Any, fault: str) -> None:
    """A broken connection, a short body and a busy server end in the whole file."""
    faults = {
        "reset": say(CSV, cut=100),
        "short": say(CSV[:100], headers={"Content-Length": str(len(CSV))}, cut=100),
        "500": say("oops", 500),
        "429": say("busy", 429, {"Retry-After": "0"}),
    }
    url = server.answer("/a.csv", faults[fault], faults[fault], say(CSV))
    assert read_at(url)["metadata"]["record_count"] == 1000
    assert len(server.requests) == 3


def _as_date(seconds: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_retry_after_is_honoured(server: Any, say: Any) -> None:
    """The next try comes when the server said, given in seconds or as a date."""
    for form in (str, _as_date):
        header = form(2)
        url = server.answer("/a.csv", say("", 503, {"Retry-After": header}), say(CSV))
        started = datetime.now(UTC)
        read_at(url)
        assert datetime.now(UTC) - started > timedelta(seconds=0.9)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", ["reset", "500", "silent"])
def test_lasting_faults_are_one_clear_error(
    server: Any, say: Any, fault: str, capfd: pytest.CaptureFixture[str], caplog: Any
) -> None:
    """After the last try the error says so; neither it nor a log has the query, a secret maybe."""
    faults = {"reset": say(CSV, cut=100), "500": say("", 500), "silent": say(silent=True)}
    url = server.answer("/a.csv", faults[fault])
    with pytest.raises(SourceUnavailableError) as caught:
        read_at(f"{url}?key=verysecret", max_retries=1, timeout_seconds=0.2)
    assert "/a.csv could not be read in 2 attempts" in caught.value.reason
    assert "verysecret" not in str(caught.value) + caplog.text + "".join(capfd.readouterr())
    assert len(server.requests) == 2


def test_a_refusal_is_not_asked_for_again(server: Any, say: Any) -> None:
    """What the server will not give is said at once, with what may be lacking."""
    url = server.answer("/a.csv", say("no", 403))
    with pytest.raises(SourceUnavailableError, match=r"/a\.csv cannot be read: .* 403") as caught:
        read_at(url)
    assert "credentials" in caught.value.instruction
    assert len(server.requests) == 1


def test_missing_file_is_not_asked_for_again(server: Any) -> None:
    """404 is an answer: one request, one error."""
    with pytest.raises(SourceNotFoundError, match="404"):
        read_at(f"{server.url}/a.csv")
    assert len(server.requests) == 1


def test_user_and_password_are_sent_and_not_shown(server: Any, say: Any) -> None:
    """Credentials in the address go into the request and stay out of the metadata."""
    server.answer("/a.csv", say(CSV))
    result = read_at(server.url.replace("//", "//user:s3cretpw@") + "/a.csv")
    assert server.requests[0].headers["authorization"].startswith("Basic ")
    assert "s3cretpw" not in str(result["metadata"])


def test_nobody_there(server: Any) -> None:
    """A refused connection says so in plain words."""
    server.stop()
    with pytest.raises(SourceUnavailableError, match=r"1 attempt: .*refused"):
        read_at(f"{server.url}/a.csv", max_retries=0)
