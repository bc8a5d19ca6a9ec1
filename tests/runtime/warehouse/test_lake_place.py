"""Where a lake is, what it needs, and what goes wrong with it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from dataflow.shared.errors import BadInputError
from dataflow.warehouse.lake_place import LakePlace, _store_secret, is_about_place, lake_fault

PASSWORD = "pw-1"  # noqa: S105


def place(
    metadata: str = "/lake/c.ducklake", data: str = "/lake/", password: str = ""
) -> LakePlace:
    return LakePlace("the lake", metadata, "", data, Path("/cache"), password)


def test_what_a_lake_needs() -> None:
    """By where its catalog and its files are."""
    assert place().extensions == {"ducklake"}
    shared = place("postgres:host=h", "s3://b/f/")
    assert shared.extensions == {"ducklake", "postgres_scanner", "httpfs"}
    assert place(data="s3://b/").extensions == {"ducklake", "httpfs"}
    assert PASSWORD not in repr(place(password=PASSWORD))


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("No space left on device", "Free disk space"),
        ("Disk quota exceeded", "Free disk space"),
        ("DATA_PATH does not match existing data path", "`warehouse.data`"),
        ("Unable to connect to Postgres", "can be reached"),
        ("HTTP error 503", "can be reached"),
        ("Permission refused", "may read and write"),
        ("Access Denied", "may read and write"),
        ("status 403", "may read and write"),
        ("something else", "Put that right"),
    ],
)
def test_a_fault_says_what_to_do(said: str, advice: str) -> None:
    """In one line, and without the password."""
    fault = lake_fault(place(password=PASSWORD), f"{said}\n of  {PASSWORD}")
    assert fault.reason == f"Working with the lake at the lake failed: {said} of ***"
    assert advice in fault.instruction
    assert "  of" not in lake_fault(place(), "a  of").reason


def test_faults_of_the_place_and_of_statements() -> None:
    """Those of a statement are the author's."""
    assert is_about_place(duckdb.IOException("x"))
    assert is_about_place(duckdb.Error("Connection refused"))
    assert not is_about_place(duckdb.BinderException("no column x"))


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({}, ["REGION 'us-east-1'"]),
        ({"AWS_REGION": "eu"}, ["REGION 'eu'"]),
        ({"AWS_DEFAULT_REGION": "de", "AWS_SESSION_TOKEN": "t"}, ["SESSION_TOKEN 't'", "'de'"]),
        (
            {"AWS_ENDPOINT_URL": "http://h:9000/"},
            ["ENDPOINT 'h:9000'", "URL_STYLE 'path'", "USE_SSL false"],
        ),
        (
            {"AWS_ENDPOINT_URL_S3": "s3.eu.amazonaws.com", "AWS_ENDPOINT_URL": "http://x"},
            ["ENDPOINT 's3.eu.amazonaws.com'", "URL_STYLE 'vhost'", "USE_SSL true"],
        ),
    ],
)
def test_the_login_to_a_store(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], parts: list[str]
) -> None:
    """As the variables of AWS say it."""
    for name in ("REGION", "DEFAULT_REGION", "SESSION_TOKEN", "ENDPOINT_URL", "ENDPOINT_URL_S3"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "it's")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "k")
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with duckdb.connect() as connection:
        statement = _store_secret(connection, "s3://b/f/")
        assert "KEY_ID 'it''s', SECRET 'k'" in statement
        assert all(part in statement for part in parts)
        assert ("ENDPOINT" in statement) is any("ENDPOINT" in name for name in given)
        assert "PROVIDER" not in statement
        with pytest.raises(BadInputError, match="cannot be at gs://b"):
            _store_secret(connection, "gs://b")
