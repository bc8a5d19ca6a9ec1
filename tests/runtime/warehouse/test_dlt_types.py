"""Every type of DuckDB has one that each destination of dlt's holds, and no value changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataflow.shared.errors import BadInputError
from dataflow.warehouse.column_fit import column_types
from dataflow.warehouse.dlt_types import held_kind, held_rows, kind_of, told_columns

HELD = ["SMALLINT", "INTEGER", "BIGINT", "DOUBLE", "BOOLEAN", "VARCHAR", "DATE", "TIMESTAMP"]
HELD += ["TIMESTAMP WITH TIME ZONE", "TIME", "BLOB", "DECIMAL(12,2)"]


@pytest.mark.parametrize("kind", HELD)
def test_a_held_type_is_read_as_it_was_told(kind: str) -> None:
    """There and back it is the same."""
    assert held_kind(kind) == kind
    told = told_columns({"v": kind})["v"]
    assert (told["name"], told["nullable"]) == ("v", True)
    assert kind_of(told) == kind


@pytest.mark.parametrize(
    ("kind", "held"),
    [
        ("TINYINT", "SMALLINT"),
        ("UINTEGER", "BIGINT"),
        ("UBIGINT", "DECIMAL(20,0)"),
        ("HUGEINT", "DECIMAL(38,0)"),
        ("FLOAT", "DOUBLE"),
        ("TIMESTAMP_NS", "TIMESTAMP"),
        ("TIME_NS", "TIME"),
        ("UUID", "VARCHAR"),
        ("INTEGER[]", "VARCHAR"),
    ],
)
def test_other_types_are_held_in_wider_ones(kind: str, held: str) -> None:
    """What has no wider one is text."""
    assert held_kind(kind) == held


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"data_type": "decimal"}, "DOUBLE"),
        ({"data_type": "decimal", "precision": 38}, "DECIMAL(38,0)"),
        ({"data_type": "decimal", "precision": 39, "scale": 2}, "DOUBLE"),
        ({"data_type": "bigint"}, "BIGINT"),
        ({"data_type": "bigint", "precision": 8}, "BIGINT"),
        ({"data_type": "timestamp"}, "TIMESTAMP WITH TIME ZONE"),
        ({"data_type": "timestamp", "timezone": True}, "TIMESTAMP WITH TIME ZONE"),
        ({"data_type": "wei"}, "DECIMAL(38,0)"),
        ({"data_type": "json"}, "VARCHAR"),
    ],
)
def test_what_dlt_says_of_its_own_columns(told: dict[str, Any], kind: str) -> None:
    """As a model of dbt's makes them."""
    assert kind_of(told) == kind


@pytest.fixture
def connection() -> Any:
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


def written(connection: duckdb.DuckDBPyConnection, folder: Path, select: str) -> Path:
    path = folder / "came.parquet"
    connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path


def test_rows_with_held_types_are_the_same_file(connection: Any, tmp_path: Path) -> None:
    """Nothing is written anew."""
    path = written(connection, tmp_path, "SELECT 1 AS a, 'x' AS b, 1.5::DECIMAL(3,1) AS c")
    with held_rows(connection, path) as rows:
        assert rows == path


def test_rows_with_others_are_a_copy_of_the_same_values(connection: Any, tmp_path: Path) -> None:
    """In the same order, and gone afterwards."""
    select = 'SELECT i AS id, (i % 100)::TINYINT AS "a b", [i, NULL] AS l FROM range(3) r(i)'
    with held_rows(connection, written(connection, tmp_path, select)) as rows:
        read = f"read_parquet('{rows}')"
        assert column_types(connection, read) == {
            "id": "BIGINT",
            "a b": "SMALLINT",
            "l": "VARCHAR",
        }
        assert connection.execute(f"FROM {read}").fetchall() == [
            (number, number, f"[{number},null]") for number in range(3)
        ]
    assert [path.name for path in tmp_path.iterdir()] == ["came.parquet"]


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("'a' || chr(0)", "NUL character"),
        ("['a' || chr(0)]", "NUL character"),
        ("TIMESTAMP_NS '2024-01-01 10:00:00.000000001'", "microseconds"),
        ("TIMESTAMP_NS '2024-01-01 10:00:00.000001'", ""),
        ("DATE '0001-01-01'", ""),
        ("DATE '9999-12-31'", ""),
        ("DATE '10000-01-01'", "years 1 to 9999"),
        ("DATE '0001-01-01' - 1", "years 1 to 9999"),
        ("TIMESTAMP 'infinity'", "years 1 to 9999"),
        ("NULL::DATE", ""),
        ("NULL::VARCHAR", ""),
    ],
)
def test_values_that_not_every_destination_holds(
    connection: Any, tmp_path: Path, value: str, what: str
) -> None:
    """They are refused with their column, before anything is loaded."""
    path = written(connection, tmp_path, f"SELECT 1 AS a, {value} AS v UNION ALL SELECT 2, NULL")
    if not what:
        with held_rows(connection, path) as rows:
            assert connection.execute(f"SELECT count(*) FROM '{rows}'").fetchone() == (2,)
        return
    with pytest.raises(BadInputError, match=f"'v' has .*{what}"), held_rows(connection, path):
        pytest.fail("It is loaded.")
