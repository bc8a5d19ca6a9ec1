"""Where a workflow's rows may come from: one class per kind of source, one description per key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from dataflow.shared.config_types import (
    AnyText,
    FaultsBetween,
    HeaderValue,
    HttpUrl,
    QueryValue,
    Scalar,
    Secret,
    Section,
    Text,
    WholeNumber,
    refusal,
)

__all__ = [
    "ApiIncremental",
    "ApiSource",
    "DatabaseIncremental",
    "DatabaseSource",
    "FileSource",
    "Paging",
    "Source",
]

# The keys that each way to log in needs; each is of no use to the others.
_LOGIN_KEYS = {
    "none": (),
    "bearer_token": ("token",),
    "basic": ("username", "password"),
    "api_key": ("api_key",),
    "oauth2_client_credentials": ("token_url", "client_id", "client_secret"),
}
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.1
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def _location(value: Any) -> Any:
    scheme = _SCHEME.match(value) if isinstance(value, str) else None
    if scheme and scheme[1].lower() not in ("http", "https", "s3"):
        raise refusal("begins with an unknown scheme", "a path, http://, https://, s3://")
    return value


class FileSource(Section):
    """Rows from a file, or from all files that a pattern matches."""

    type: Literal["file"] = Field(description="Rows from files.")
    url: Annotated[Text, BeforeValidator(_location)] = Field(
        description="The file: a path relative to the project's folder, an absolute path, a "
        "pattern such as `data/*.csv`, or an address that begins with http://, https:// or s3://."
    )
    format: Literal["csv", "tsv", "json", "jsonl", "geojson", "parquet", "excel"] | None = Field(
        default=None, description="What the file holds. Left out: its suffix says it."
    )
    null_values: list[AnyText] = Field(
        default_factory=lambda: [""], description="The texts in a CSV file that mean no value."
    )
    delimiter: AnyText | None = Field(
        default=None,
        description="The character between the columns of a CSV file. Left out: by format.",
    )
    encoding: AnyText | None = Field(
        default=None,
        description="How the text of a CSV file is encoded, such as latin-1. Left out: UTF-8.",
    )
    sheet: AnyText | None = Field(
        default=None, description="The sheet of an Excel file, by name. Left out: the first."
    )
    data_path: Text | None = Field(
        default=None,
        description="Where a JSON file that is one object holds the list of rows: a dotted path.",
    )

    @classmethod
    def faults_between(cls, values: Mapping[str, Any]) -> FaultsBetween:
        """Options that belong to another format."""
        form, delimiter = values.get("format"), values.get("delimiter")
        if delimiter is not None and form not in (None, "csv", "tsv"):
            yield ("delimiter",), refusal(f"is of no use with `format: {form}`")
        if isinstance(delimiter, str) and len(delimiter) != 1:
            yield ("delimiter",), refusal("is not one character")
        if values.get("sheet") is not None and form not in (None, "excel"):
            yield ("sheet",), refusal(f"is of no use with `format: {form}`")
        if values.get("data_path") is not None and form not in (None, "json"):
            yield ("data_path",), refusal(f"is of no use with `format: {form}`")


class Paging(Section):
    """How the answer of an API is divided into pages."""

    type: Literal["none", "page_number", "offset", "cursor", "link_header", "auto"] = Field(
        default="auto",
        description="How to ask for the next page. `auto` finds out from the first answer.",
    )
    page_param: Text | None = Field(
        default=None, description="The query parameter with the number of the page, or the offset."
    )
    page_size_param: Text | None = Field(
        default=None, description="The query parameter that takes `batch_size`, the rows per page."
    )
    total_path: Text | None = Field(
        default=None, description="Where the answer says how many there are: a dotted path."
    )
    cursor_path: Text | None = Field(
        default=None, description="Where the answer names the next page: a dotted path."
    )
    cursor_param: Text | None = Field(
        default=None, description="The query parameter that takes the name of the next page."
    )
    base_page: Annotated[int, WholeNumber(0, 1)] | None = Field(
        default=None, description="The number of the first page: 0 or 1."
    )


class ApiIncremental(Section):
    """Asking an API only for what is new since the last run."""

    cursor_field: Text = Field(
        description="The field whose greatest value says how far the last run came."
    )
    param: Text = Field(description="The query parameter that sends that value.")
    initial_value: Scalar = Field(
        default=None, description="What the first run sends. Left out: nothing."
    )


def _header_names(value: Any) -> Any:
    for name in value if isinstance(value, Mapping) else ():
        if isinstance(name, str) and not _HEADER_NAME.fullmatch(name):
            raise refusal("holds a key that cannot be the name of a header")
    return value


class ApiSource(Section):
    """Rows from a web API that answers in JSON."""

    type: Literal["api"] = Field(description="Rows from a web API.")
    url: HttpUrl = Field(description="The address to ask: http:// or https://.")
    auth_type: Literal["none", "bearer_token", "basic", "api_key", "oauth2_client_credentials"] = (
        Field(default="none", description="How to log in. Secrets are written as `${VARIABLE}`.")
    )
    token: Secret | None = Field(
        default=None, description="The token, with `auth_type: bearer_token`."
    )
    username: Text | None = Field(
        default=None, description="The user's name, with `auth_type: basic`."
    )
    password: Secret | None = Field(
        default=None, description="The password, with `auth_type: basic`."
    )
    api_key: Secret | None = Field(default=None, description="The key, with `auth_type: api_key`.")
    api_key_name: Text = Field(
        default="X-API-Key", description="The header or query parameter that takes the key."
    )
    api_key_location: Literal["header", "query"] = Field(
        default="header", description="Whether the key goes into a header or the query."
    )
    token_url: HttpUrl | None = Field(
        default=None,
        description="Where to get a token, with `auth_type: oauth2_client_credentials`.",
    )
    client_id: Text | None = Field(
        default=None, description="Who asks, with `auth_type: oauth2_client_credentials`."
    )
    client_secret: Secret | None = Field(
        default=None, description="Its secret, with `auth_type: oauth2_client_credentials`."
    )
    scope: Text | None = Field(
        default=None,
        description="What the token is for, with `auth_type: oauth2_client_credentials`.",
    )
    params: dict[str, QueryValue] = Field(
        default_factory=dict, description="Query parameters that every request sends."
    )
    headers: Annotated[dict[str, HeaderValue], BeforeValidator(_header_names)] = Field(
        default_factory=dict, description="Headers that every request sends."
    )
    data_path: Text | None = Field(
        default=None,
        description="Where the answer holds the list of rows: a dotted path, `result.items`.",
    )
    paging: Paging | None = Field(default=None, description="How the answer is divided into pages.")
    incremental: ApiIncremental | None = Field(
        default=None, description="Ask only for what is new since the last run."
    )

    @classmethod
    def faults_between(cls, values: Mapping[str, Any]) -> FaultsBetween:
        """Keys that the way to log in needs, or has no use for."""
        login = values.get("auth_type", "none")
        if not isinstance(login, str) or login not in _LOGIN_KEYS:
            return
        for key in _LOGIN_KEYS[login]:
            if values.get(key) is None:
                yield (key,), refusal(f"is missing, and `auth_type: {login}` needs it")
        for other, keys in _LOGIN_KEYS.items():
            for key in keys if other != login else ():
                if values.get(key) is not None:
                    hint = f"did you mean `auth_type: {other}`?"
                    yield (key,), refusal(f"is of no use with `auth_type: {login}`", hint=hint)


class DatabaseIncremental(Section):
    """Asking a database only for what is new since the last run."""

    column: Text = Field(
        description="The column whose greatest value says how far the last run came."
    )
    initial_value: Scalar = Field(
        default=None, description="The first run takes the rows above this. Left out: all rows."
    )


class DatabaseSource(Section):
    """Rows from a table or a query of a database."""

    type: Literal["database"] = Field(description="Rows from a database.")
    url: Text = Field(
        description="An SQLAlchemy URL, `postgresql://user:${DB_PASSWORD}@host/name`, or the path "
        "of a DuckDB or SQLite file."
    )
    username: Text | None = Field(
        default=None, description="The user's name, when the URL has none."
    )
    password: Secret | None = Field(
        default=None, description="The password, when the URL has none."
    )
    table: Text | None = Field(default=None, description="The table to read. This or `query`.")
    query: Text | None = Field(default=None, description="The SELECT to run. This or `table`.")
    schema_: Text | None = Field(
        default=None,
        alias="schema",
        description="The schema of the table. Left out: the default one.",
    )
    incremental: DatabaseIncremental | None = Field(
        default=None, description="Take only what is new since the last run."
    )

    @classmethod
    def faults_between(cls, values: Mapping[str, Any]) -> FaultsBetween:
        """Exactly one of `table` and `query`."""
        has_table, has_query = values.get("table") is not None, values.get("query") is not None
        if has_table and has_query:
            yield ("query",), refusal("stands beside `table`; keep one of the two")
        if not has_table and not has_query:
            yield ("table",), refusal("is missing; a database source needs `table` or `query`")
        if values.get("schema") is not None and has_query and not has_table:
            yield ("schema",), refusal("is of no use with `query`")


Source = Annotated[FileSource | ApiSource | DatabaseSource, Field(discriminator="type")]
