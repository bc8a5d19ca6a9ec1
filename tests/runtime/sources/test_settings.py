"""Settings of sources that contradict each other, or that nothing reads, are refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from dataflow.sources.api.settings import ApiSource, login_variables
from dataflow.sources.file.settings import FileSource


def faults(kind: type[ApiSource] | type[FileSource], **values: Any) -> list[str]:
    return [".".join(map(str, place)) for place, _ in kind.faults_between(values)]


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        ({"sheet": "a"}, []),
        ({"format": "csv", "sheet": "a"}, ["sheet"]),
        ({"format": "excel", "sheet": "a", "header_rows": 2}, []),
        ({"format": "excel", "widths": [1]}, ["widths"]),
        ({"format": "json", "data_path": "a", "records": "map"}, []),
        ({"format": "parquet", "records": "map", "decimal": ","}, ["decimal", "records"]),
        ({"format": "tsv", "comment": "#"}, []),
        ({"delimiter": "||||"}, []),
        ({"delimiter": ""}, ["delimiter"]),
        ({"delimiter": "|||||"}, ["delimiter"]),
        ({"delimiter": "whitespace"}, []),
        ({"delimiter": "framed"}, []),
        ({"delimiter": '"'}, ["delimiter"]),
        ({"delimiter": "\n"}, ["delimiter"]),
        ({"delimiter": "a\r"}, ["delimiter"]),
        ({"delimiter": ",", "widths": [1]}, ["widths"]),
        ({"quote": "", "escape": "\\"}, []),
        ({"quote": "''", "escape": "ab"}, ["quote", "escape"]),
        ({"names_path": "a", "records": "rows"}, []),
        ({"names_path": "a"}, ["names_path"]),
        ({"names_path": "a", "records": "map"}, ["names_path"]),
        ({"decimal": ",", "thousands": "."}, []),
        ({"decimal": ",", "thousands": ","}, ["thousands"]),
        ({"comment": ""}, ["comment"]),
        ({"names": ["a"], "header": False}, []),
        ({"names": ["a"]}, ["names"]),
        ({"names": ["a"], "header": True}, ["names"]),
        ({"header": False, "units_row": False, "header_rows": None}, []),
        ({"header": False, "units_row": True, "kinds_row": True}, ["units_row", "kinds_row"]),
        ({"header": False, "header_rows": 2}, ["header_rows"]),
        ({"header": False, "repeated_headers": "skip"}, ["repeated_headers"]),
    ],
)
def test_settings_of_files(values: dict[str, Any], keys: list[str]) -> None:
    """Each key that cannot stand beside another, and no other."""
    assert faults(FileSource, **values) == keys


URL = "https://h/x"
EACH = {"url": "https://h/shops", "field": "id", "as": "shop"}


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        ({}, []),
        ({"auth_type": "bearer_token", "token": "t"}, []),
        ({"auth_type": "bearer_token"}, ["token"]),
        ({"auth_type": "basic", "username": "a"}, ["password"]),
        ({"auth_type": "basic", "username": "a", "password": "b", "token": "t"}, ["token"]),
        ({"token": "t"}, ["token"]),
        ({"auth_type": "no-such", "token": "t"}, []),
        ({"auth_type": ["basic"]}, []),
        ({"query": "{ a }", "variables": {"x": 1}}, []),
        ({"query": "{ a }", "method": "POST"}, []),
        ({"query": "{ a }", "method": "GET"}, ["method"]),
        ({"query": "{ a }", "body": {"a": 1}}, ["body"]),
        ({"variables": {"x": 1}}, ["variables"]),
        ({"variables": {}}, []),
        ({"method": "GET", "body": {"a": 1}}, []),
        ({"for_each": EACH, "url": f"{URL}/{{shop}}"}, []),
        ({"for_each": EACH, "url": URL, "params": {"s": "{shop}"}}, []),
        ({"for_each": EACH, "url": URL, "body": {"s": ["{shop}"]}}, []),
        ({"for_each": EACH, "url": URL, "variables": {"s": "{shop}"}, "query": "q"}, []),
        ({"for_each": EACH, "url": URL}, ["for_each.as"]),
        ({"for_each": EACH, "url": "https://i/{shop}"}, ["for_each.url"]),
        ({"for_each": EACH, "url": "http://u:p@H?{shop}"}, []),
        ({"for_each": {**EACH, "url": 5}, "url": "https://i/{shop}"}, []),
        ({"for_each": {"as": 5}, "url": URL}, []),
        ({"for_each": "x", "url": URL}, []),
    ],
)
def test_settings_of_apis(values: dict[str, Any], keys: list[str]) -> None:
    """What a way to log in or to ask lacks, and what it has no use for."""
    assert faults(ApiSource, **values) == keys


@pytest.mark.parametrize(
    ("source", "name", "variables"),
    [
        ({"auth_type": "bearer_token"}, "", {"token": ["SALES_TOKEN"]}),
        ({"auth_type": "bearer_token", "token": "t"}, "", {}),
        (
            {"auth_type": "oauth2_client_credentials", "token_url": None, "client_id": "a"},
            "orders",
            {"client_secret": ["SALES_ORDERS_CLIENT_SECRET", "SALES_CLIENT_SECRET"]},
        ),
        ({"auth_type": "none"}, "", {}),
        ({"auth_type": ["basic"]}, "", {}),
        ({}, "", {}),
    ],
)
def test_the_variables_of_a_login(
    source: dict[str, Any], name: str, variables: dict[str, list[str]]
) -> None:
    """One for each secret that the settings leave out, a source's own before the workflow's."""
    assert login_variables("sales", source, name) == variables
    assert login_variables("", source, name) == {}


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (FileSource, {"url": "ftp://h/x"}),
        (FileSource, {"url": "a.csv", "null_values": "NA"}),
        (FileSource, {"url": "a.csv", "null_values": {1: ["NA"]}}),
        (FileSource, {"url": "a.csv", "date_format": "dmy"}),
        (FileSource, {"url": "a.csv", "skip_lines": -1}),
        (FileSource, {"url": "a.csv", "widths": [0]}),
        (FileSource, {"url": "a.csv", "header_rows": 0}),
        (FileSource, {"url": "a.csv", "header_rows": 10}),
        (ApiSource, {"url": URL, "body": 5}),
        (ApiSource, {"url": URL, "variables": [1]}),
        (ApiSource, {"url": URL, "headers": {"a b": "x"}}),
        (ApiSource, {"url": "ftp://h/x"}),
    ],
)
def test_values_that_cannot_be(kind: type[ApiSource] | type[FileSource], values: Any) -> None:
    """They are refused before anything is asked for."""
    with pytest.raises(ValueError, match="validation error"):
        kind.model_validate({"type": "api" if kind is ApiSource else "file", **values})


def test_values_that_can_be() -> None:
    """Addresses in any case, limits as they are told, and texts by column."""
    for url in ("FILE:///a.csv", "s3://b/k", "HTTPS://h/a.csv", "c:/a.csv", "a://b"):
        assert FileSource.model_validate({"type": "file", "url": url}).url == url
    given = {"type": "file", "url": "a", "skip_lines": 100_000, "header_rows": 9, "widths": [1]}
    assert FileSource.model_validate(given).skip_lines == 100_000
    source = FileSource.model_validate({"type": "file", "url": "a", "null_values": {"a": ["NA"]}})
    assert source.text_format.nulls_of(" A") == ["NA"]
    assert source.text_format.nulls_of("b") is None
    assert source.text_format.null_values == ("",)
    with pytest.raises(ValueError, match="validation error"):
        FileSource.model_validate({**given, "skip_lines": 100_001})
