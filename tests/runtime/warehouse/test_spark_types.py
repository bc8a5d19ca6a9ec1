"""Which type of Spark a column of the lake has."""

from __future__ import annotations

import duckdb
import pytest

from dataflow.warehouse.spark_types import copied_as, in_backticks, read_as, seen_as


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("BOOLEAN", "boolean"),
        ("INTEGER", "int"),
        ("UINTEGER", "bigint"),
        ("UBIGINT", "decimal(20,0)"),
        ("HUGEINT", "double"),
        ("DECIMAL(12,2)", "decimal(12,2)"),
        ("VARCHAR", "string"),
        ("JSON", "string"),
        ("TIMESTAMP", "timestamp_ntz"),
        ("TIMESTAMP WITH TIME ZONE", "timestamp_ltz"),
        ("INTEGER[]", "array<int>"),
        ("DECIMAL(5,1)[][]", "array<array<decimal(5,1)>>"),
        ("INTEGER[3]", ""),
        ("UUID[]", ""),
        ("MAP(VARCHAR, DATE)", "map<string,date>"),
        ("MAP(VARCHAR, UUID)", ""),
        ('STRUCT("a`b" INTEGER, c VARCHAR[])', "struct<`a``b`:int,`c`:array<string>>"),
        ("STRUCT(a UUID)", ""),
        ("UUID", ""),
        ("INTERVAL", ""),
        ("ENUM('a', 'b')", ""),
    ],
)
def test_how_spark_reads_a_column(kind: str, read: str) -> None:
    """In a type that holds all of its values; empty where there is none."""
    with duckdb.connect() as connection:
        column = connection.sql(f"SELECT CAST(NULL AS {kind}) AS v").types[0]
        assert read_as(column) == read


def test_what_is_not_read_as_it_is() -> None:
    """Models see whole numbers of 128 bits as such, and a copy has a type in place of others."""
    with duckdb.connect() as connection:
        found = {
            kind: connection.sql(f"SELECT CAST(NULL AS {kind}) AS v").types[0]
            for kind in ("HUGEINT", "UUID", "TIMESTAMP_NS", "INTEGER", "TIMETZ")
        }
    assert {name: (seen_as(kind), copied_as(kind)) for name, kind in found.items()} == {
        "HUGEINT": ("decimal(38,0)", "DECIMAL(38,0)"),
        "UUID": ("", "VARCHAR"),
        "TIMESTAMP_NS": ("", "TIMESTAMP"),
        "INTEGER": ("", ""),
        "TIMETZ": ("", "VARCHAR"),
    }
    assert in_backticks("a`b") == "`a``b`"
