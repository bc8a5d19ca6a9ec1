"""Rows that are kept in a file of the run are just those that a table in memory would have."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from dataflow.shared.lazy_rows import LazyRows, TableFileError
from dataflow.sources.duckdb_session import open_engine
from dataflow.sources.kept_rows import rows_kept_in, rows_of
from dataflow.sources.read import read_source

VALUES = {
    "BOOLEAN": True,
    "TINYINT": -128,
    "SMALLINT": -32_768,
    "INTEGER": -(2**31),
    "BIGINT": 2**63 - 1,
    "UTINYINT": 255,
    "USMALLINT": 65_535,
    "UINTEGER": 2**32 - 1,
    "UBIGINT": 2**64 - 1,
    "FLOAT": 0.5,
    "DOUBLE": 0.1,
    "VARCHAR": "ä' \n",
    "DATE": date(1, 1, 1),
    "TIME": time(23, 59, 59, 999_999),
    "TIMESTAMP": datetime(2024, 2, 29, 1, 2, 3, 456_789),
    "TIMESTAMP WITH TIME ZONE": datetime(1900, 1, 1, tzinfo=UTC),
    "DECIMAL(4,1)": Decimal("-999.9"),
    "DECIMAL(9,2)": Decimal("1234567.89"),
    "DECIMAL(18,3)": Decimal("123456789012345.678"),
    "DECIMAL(38,10)": Decimal("1234567890123456789012345678.0123456789"),
}
OTHERS = {
    "HUGEINT": "170141183460469231731687303715884105727",
    "INTERVAL": "1 month",
    "INTEGER[]": "[1, 2]",
    "STRUCT(a INTEGER)": "{'a': 1}",
    "TIMESTAMP_NS": "2024-01-01 00:00:00.123456789",
    "UUID": "00000000-0000-0000-0000-000000000001",
}


def both(query: str, folder: Path) -> tuple[pa.Table, pa.Table]:
    """A query's rows as a table, and from the file, before that is gone."""
    with open_engine() as connection:
        table = rows_of(connection, query)
        assert isinstance(table, pa.Table)
        with rows_kept_in(folder):
            kept = rows_of(connection, query)
            assert isinstance(kept, LazyRows)
            assert kept.path is not None
            return table, kept.table


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_of_a_file_is_that_of_a_table(kind: str, tmp_path: Path) -> None:
    """Type and value are the same, also where nothing is."""
    value = str(VALUES[kind]).replace("'", "''")
    query = f"SELECT CAST(v AS {kind}) AS v FROM (VALUES ('{value}'), (NULL)) t (v)"
    table, kept = both(query, tmp_path / "read")
    assert kept.schema == table.schema
    assert kept.equals(table)
    assert kept.to_pylist()[0]["v"] == VALUES[kind]


@pytest.mark.parametrize("kind", OTHERS)
def test_a_type_that_parquet_changes_stays_in_a_table(kind: str, tmp_path: Path) -> None:
    """Such rows go the way that keeps it."""
    with open_engine() as connection, rows_kept_in(tmp_path / "read"):
        value = OTHERS[kind].replace("'", "''")
        rows = rows_of(connection, f"SELECT CAST('{value}' AS {kind}) AS v")
    assert isinstance(rows, pa.Table)


def test_names_that_differ_in_case_stay_in_a_table(tmp_path: Path) -> None:
    """DuckDB would write another name for one of them."""
    with open_engine() as connection, rows_kept_in(tmp_path / "read"):
        rows = rows_of(connection, 'SELECT 1 AS "a", 2 AS "A"')
    assert rows.column_names == ["a", "A"]


def test_the_order_of_many_rows_is_kept(tmp_path: Path) -> None:
    """Several threads write the file."""
    _, kept = both("SELECT range AS n FROM range(1000000)", tmp_path / "read")
    assert kept["n"].to_pylist() == list(range(1_000_000))


def test_a_query_that_fails_leaves_no_file(tmp_path: Path) -> None:
    """Nor does the folder stay."""
    query = (
        "SELECT CASE WHEN range < 900000 THEN 1 ELSE error('late' || range) END FROM range(1000000)"
    )
    folder = tmp_path / "read"
    with open_engine() as connection, rows_kept_in(folder):
        with pytest.raises(duckdb.Error, match="late"):
            rows_of(connection, query)
        assert list(folder.iterdir()) == []
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """It is not the source's fault."""
    folder = tmp_path / "read"
    with open_engine() as connection, rows_kept_in(folder):
        folder.rmdir()
        with pytest.raises(TableFileError, match="could not be written"):
            rows_of(connection, "SELECT 1 AS v")


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_files_under_a_contract_are_never_held_whole(name: str, tmp_path: Path) -> None:
    """In a run their rows go from the file to one of the run, quarantined ones left out."""
    source = tmp_path / name
    duckdb.execute(
        "COPY (SELECT range AS id, if(range = 7, 'x', CAST(range AS VARCHAR)) AS amount "
        f"FROM range(10)) TO '{source}'"
    )
    ingestion = {
        "source": {"type": "file", "url": str(source)},
        "columns": {"id": {"type": "bigint"}, "amount": {"type": "double"}},
        "on_change": {"bad_value": "quarantine"},
    }
    with rows_kept_in(tmp_path / "read"):
        result = read_source(ingestion, {})
        assert result["data"].path.parent == tmp_path / "read"
        assert [row["id"] for row in result["data"]] == [0, 1, 2, 3, 4, 5, 6, 8, 9]
    assert result["metadata"]["contract"]["rejected_rows"] == 1
    assert result["rejected"]["row"].to_pylist() == [8]
