"""Objects in S3 are read over its real protocol, from a server on this machine."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

import pytest

from dataflow.sources.errors import (
    SourceNotFoundError,
    SourceSettingError,
    SourceUnavailableError,
)
from dataflow.sources.file.bucket import list_objects
from dataflow.sources.read import read_source

OBJECTS = {
    "in/2020/1.csv": b"a\n1\n",
    "in/2020/2.csv": b"a\n2\n",
    "in/2020/deep/3.csv": b"a\n3\n",
    "in/2021/4.csv": b"a\n4\n",
    "in/a b/5.csv": b"a\n5\n",
    "in/other.txt": b"no",
}


@pytest.fixture
def bucket(server: Any, say: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """The part of S3's protocol that reading needs: list, head and get with ranges."""

    def route(request: Any) -> Any:
        if not request.path.startswith("/bucket"):
            return say("<Error/>", 404)
        key = unquote(request.path).removeprefix("/bucket").lstrip("/")
        if "list-type" in request.query:
            return say(_listing(request.query.get("prefix", "")))
        if not key:
            return say()
        if key not in OBJECTS:
            return say("" if request.method == "HEAD" else "<Error/>", 404)
        body = OBJECTS[key]
        if request.method == "HEAD" or "range" not in request.headers:
            return say(body)
        first, _, last = request.headers["range"].removeprefix("bytes=").partition("-")
        part = body[int(first) : int(last) + 1]
        return say(part, 206, {"Content-Range": f"bytes {first}-{last}/{len(body)}"})

    server.routes["*"] = route
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    host = server.url.removeprefix("http://")
    return f"?endpoint_override={host}&scheme=http&region=us-east-1"


def _listing(prefix: str) -> str:
    found = "".join(
        f"<Contents><Key>{escape(key)}</Key><Size>{len(body)}</Size>"
        "<LastModified>2020-01-01T00:00:00.000Z</LastModified></Contents>"
        for key, body in OBJECTS.items()
        if key.startswith(prefix)
    )
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("in/2020/1.csv", [1]),
        ("in/2020/*.csv", [1, 2]),
        ("in/**/*.csv", [1, 2, 3, 4, 5]),
        ("in/a b/5.csv", [5]),
        ("in/a b/*.csv", [5]),
        ("in/202[01]/[0-9].csv", [1, 2, 4]),
    ],
)
def test_objects_are_read(bucket: str, key: str, values: list[int]) -> None:
    """One key, or all that a glob names, in the order of their keys."""
    result = read_source({"type": "file", "url": f"s3://bucket/{key}{bucket}"}, {})
    assert result["data"]["a"].to_pylist() == values
    assert result["metadata"]["source"] == f"s3://bucket/{key}"


def test_missing_object_is_named(bucket: str) -> None:
    """A key or a glob that finds nothing is an error."""
    for key in ("in/none.csv", "in/none/*.csv"):
        with pytest.raises(SourceNotFoundError, match="in/none"):
            read_source({"type": "file", "url": f"s3://bucket/{key}{bucket}"}, {})


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("in/2020/1.csv", ["in/2020/1.csv"]),
        ("in/2020", ["in/2020/1.csv", "in/2020/2.csv", "in/2020/deep/3.csv"]),
        ("in/2020/", ["in/2020/1.csv", "in/2020/2.csv", "in/2020/deep/3.csv"]),
        ("in/*/*.csv", ["in/2020/1.csv", "in/2020/2.csv", "in/2021/4.csv", "in/a b/5.csv"]),
        ("in/**/deep/*", ["in/2020/deep/3.csv"]),
        ("in/*.csv", []),
        ("in/none", []),
        ("in/[x]", []),
    ],
)
def test_objects_are_listed(bucket: str, key: str, found: list[str]) -> None:
    """With their sizes and times: one, those of a pattern, or all of a folder."""
    listed = list_objects(f"s3://bucket/{key}{bucket}")
    assert [name for name, _, _ in listed] == [f"bucket/{name}" for name in found]
    assert all(size == 4 for _, size, _ in listed)
    assert all(written in (0, 1_577_836_800_000_000_000) for _, _, written in listed)


def test_what_is_no_bucket_is_refused(bucket: str, server: Any, say: Any) -> None:
    """One that is not there, or not to be reached, and an address without one."""
    with pytest.raises(SourceNotFoundError, match="no bucket other"):
        list_objects(f"s3://other/in/x{bucket}")
    for address in ("s3://", "s3:///in/x"):
        with pytest.raises(SourceSettingError):
            list_objects(f"{address}{bucket}")
    server.routes["*"] = lambda _: say("<Error/>", 403)
    with pytest.raises(SourceUnavailableError, match="s3://bucket/in/x cannot be read"):
        list_objects(f"s3://bucket/in/x{bucket}")
