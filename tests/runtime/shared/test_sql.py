"""Names and texts stay names and texts in SQL; queries and types are told apart by DuckDB."""

from __future__ import annotations

import duckdb
import pytest

from dataflow.shared.sql import one_select, quote_identifier, quote_literal, type_family


@pytest.mark.parametrize("text", ["plain", "it's", 'a"b', "'; DROP TABLE t; --", "ä\n"])
def test_quoted_text_is_only_text(text: str) -> None:
    """DuckDB gives back what was quoted, as a value and as the name of a column."""
    query = f"SELECT {quote_literal(text)} AS {quote_identifier(text)}"
    result = duckdb.sql(query)
    assert result.columns == [text]
    assert result.fetchall() == [(text,)]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("SELECT 1;\n", "SELECT 1"),
        ("SELECT 1 -- all\n", "SELECT 1 -- all"),
        ("FROM range(2)", "FROM range(2)"),
        ("SELECT 1; SELECT 2", None),
        ("CREATE TABLE t (a INT)", None),
        ("", None),
    ],
)
def test_one_select_is_told_from_all_else(text: str, query: str | None) -> None:
    """Exactly one SELECT comes back without its semicolon; anything else does not."""
    with duckdb.connect() as connection:
        assert one_select(connection, text) == query


@pytest.mark.parametrize(
    ("family", "values"),
    [
        ("whole", ["1::UTINYINT", "1::HUGEINT", "1::UHUGEINT", "1::DECIMAL(4,0)", "1::BIGNUM"]),
        ("fraction", ["1::DOUBLE", "1::FLOAT", "1::DECIMAL(4,1)"]),
        ("moment", ["DATE '2020-01-01'", "now()", "TIMESTAMP_MS '2020-01-01'"]),
        ("boolean", ["true"]),
        ("nested", ["[1]", "[1]::INT[1]", "{'a': 1}", "MAP {'a': 1}", "union_value(a := 1)"]),
        ("text", ["'x'", "'a]'::ENUM('a]')", "'{}'::JSON", "TIME '10:00'", "uuid()", "'x'::BLOB"]),
    ],
)
def test_every_type_has_a_family(family: str, values: list[str]) -> None:
    """The family goes by the type as DuckDB writes it."""
    for value in values:
        assert type_family(duckdb.sql(f"SELECT {value}").types[0]) == family, value
