"""A declared type that has become wider at its source stops no run, and no value changes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather, orc
from tests.runtime.warehouse.loader_fixture import Loader, loader

from dataflow.sources.duckdb_session import open_engine
from dataflow.sources.errors import ContractError, SourceDataError
from dataflow.sources.read import read_source
from dataflow.sources.type_widening import wider_type

__all__ = ["loader"]


@pytest.mark.parametrize(
    ("agreed", "declared", "wanted"),
    [
        ("SMALLINT", "INTEGER", "INTEGER"),
        ("INTEGER", "SMALLINT", ""),
        ("UINTEGER", "INTEGER", "BIGINT"),
        ("UBIGINT", "BIGINT", "BIGINT"),
        ("BIGINT", "DECIMAL(12,2)", "DECIMAL(21,2)"),
        ("DECIMAL(10,2)", "DECIMAL(12,2)", "DECIMAL(12,2)"),
        ("DECIMAL(10,2)", "DECIMAL(10,4)", "DECIMAL(12,4)"),
        ("DECIMAL(38,2)", "DECIMAL(38,10)", "DECIMAL(38,10)"),
        ("DECIMAL(38,10)", "DECIMAL(38,2)", "DECIMAL(38,2)"),
        ("DECIMAL(12,2)", "DECIMAL(10,2)", ""),
        ("FLOAT", "DOUBLE", "DOUBLE"),
        ("DOUBLE", "FLOAT", ""),
        ("BIGINT", "DOUBLE", ""),
        ("DATE", "TIMESTAMP", ""),
        ("BIGINT", "VARCHAR", ""),
    ],
)
def test_types_of_one_family_widen(agreed: str, declared: str, wanted: str) -> None:
    """The result holds what came; types of another family are no wider ones."""
    with open_engine() as connection:
        assert wider_type(connection, agreed, declared) == wanted


AGREED = {"n": "integer", "v": "decimal(10,2)", "f": "float", "day": "date"}
WIDER = pa.table(
    {
        "n": pa.array([5_000_000_000, 1], pa.int64()),
        "v": pa.array([Decimal("1.2345"), Decimal("123456789.5")], pa.decimal128(14, 4)),
        "f": pa.array([0.123456789, 0.5], pa.float64()),
        "day": pa.array([datetime(2024, 1, 1), None], pa.timestamp("us")),
    }
)


def write(table: pa.Table, name: str) -> None:
    if name.endswith("parquet"):
        pq.write_table(table, name)
    elif name.endswith("orc"):
        orc.write_table(table, name)
    else:
        feather.write_feather(table, name)


def read(name: str, **on_change: str) -> dict[str, Any]:
    source = {"type": "file", "url": name}
    return read_source({"source": source, "columns": AGREED, "on_change": on_change}, {})


@pytest.mark.parametrize("name", ["a.parquet", "a.feather", "a.orc"])
def test_a_file_with_wider_types(project: Path, name: str) -> None:
    """Every value comes as it is, and each change is reported; a day at midnight is no change."""
    write(WIDER, name)
    result = read(name)
    rows = result["data"].to_pylist()
    assert rows[0]["day"] == datetime(2024, 1, 1).date()
    assert [{**row, "day": None} for row in rows] == [
        {**row, "day": None} for row in WIDER.to_pylist()
    ]
    assert result["metadata"]["contract"]["changed_columns"] == ["n", "v", "f"]
    assert any("1.2345 of row 1" in note for note in result["metadata"]["notes"])


def test_a_wider_type_without_a_wider_value_is_no_news(project: Path) -> None:
    """The agreed type stays as long as it holds every value."""
    write(WIDER.slice(1, 1).drop_columns(["v", "f"]), "a.parquet")
    result = read("a.parquet", lost_column="null")
    assert str(result["data"].schema.field("n").type) == "int32"
    assert result["metadata"]["contract"]["changed_columns"] == ()


def test_a_wider_type_can_end_the_run(project: Path) -> None:
    """With `changed_column: fail` the value that does not fit is named, whatever `bad_value` is."""
    write(WIDER, "a.parquet")
    with pytest.raises(ContractError, match="'v', row 1: '1.2345' is no decimal"):
        read("a.parquet", changed_column="fail", bad_value="null")


def test_values_of_another_family_are_refused(project: Path) -> None:
    """A fraction is no whole number, however its type is declared."""
    write(WIDER.set_column(0, "n", pa.array([1.5, 2.0])), "a.parquet")
    with pytest.raises(ContractError, match="'n', row 1: '1.5' is no integer"):
        read("a.parquet")


def test_an_own_list_of_values_declares_nothing(project: Path) -> None:
    """The numbers of a JSON file are held to the contract, as texts are."""
    Path("a.json").write_text('[{"n": 5000000000}]', encoding="utf-8")
    with pytest.raises(ContractError, match="'5000000000' is no integer"):
        read("a.json", lost_column="null")


@pytest.mark.slow
@pytest.mark.parametrize("disposition", ["append", "merge"])
def test_the_table_of_the_warehouse_widens(project: Path, loader: Loader, disposition: str) -> None:
    """Old rows and new ones are what they were at the source."""
    first = pa.table(
        {
            "n": pa.array([1, 7], pa.int32()),
            "v": pa.array([Decimal("1.25"), Decimal("2.50")], pa.decimal128(10, 2)),
            "f": pa.array([0.1, 0.5], pa.float32()),
            "day": pa.array([None, None], pa.date32()),
        }
    )
    write(first, "a.parquet")
    options = {"write_disposition": disposition, "primary_key": ["n"]}
    loader.load(pa.table(read("a.parquet")["data"]), **options)
    write(WIDER, "a.parquet")
    loader.load(pa.table(read("a.parquet")["data"]), **options)
    rows = [(row["n"], row["v"], row["f"]) for row in WIDER.to_pylist()]
    kept = [(1, Decimal("1.25"), 0.1)] if disposition == "append" else []
    expected = sorted([*kept, (7, Decimal("2.50"), 0.5), *rows])
    assert loader.rows("SELECT n, v, f FROM raw.t ORDER BY ALL") == expected


def test_a_column_that_postgres_has_widened(postgres: str) -> None:
    """`numeric(10,2)` becomes `numeric(12,4)`, whole numbers get decimals, texts get longer."""
    name = "widened"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE {name} (v numeric(10,2), n int, s varchar(2))")
        connection.execute(f"INSERT INTO {name} VALUES (1.25, 5, 'a')")
        connection.execute(
            f"ALTER TABLE {name} ALTER v TYPE numeric(12,4), ALTER n TYPE numeric(12,2), "
            "ALTER s TYPE varchar(40)"
        )
        connection.execute(f"INSERT INTO {name} VALUES (1.2345, 5.25, 'longer')")
    ingestion = {
        "source": {"type": "database", "url": postgres, "table": name},
        "columns": {"v": "decimal(10,2)", "n": "bigint", "s": "text"},
    }
    result = read_source(ingestion, {"max_retries": 0, "timeout_seconds": 10})
    assert [tuple(map(str, row.values())) for row in result["data"].to_pylist()] == [
        ("1.2500", "5.00", "a"),
        ("1.2345", "5.25", "longer"),
    ]
    assert result["metadata"]["contract"]["changed_columns"] == ["v", "n"]


def test_fractions_beside_whole_numbers_that_they_do_not_hold(project: Path) -> None:
    """Files of one series have one type together, in which 2^53 + 1 would be another number."""
    write(pa.table({"id": [1], "v": [2**53 + 1]}), "a1.parquet")
    write(pa.table({"id": [2], "v": [0.5]}), "a2.parquet")
    source = {"type": "file", "url": "a*.parquet"}
    with pytest.raises(SourceDataError, match="a1.parquet has 9007199254740993 in 'v'"):
        read_source(source, {})
    write(pa.table({"id": [1], "v": pa.array([Decimal("7637746.19")])}), "a1.parquet")
    assert [row["v"] for row in read_source(source, {})["data"]] == [7637746.19, 0.5]
