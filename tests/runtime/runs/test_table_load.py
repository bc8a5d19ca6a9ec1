"""Rows that an earlier step has handed on are loaded as what they are, by every warehouse."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.database_fixtures import postgres

from dataflow.runs.context import RunContext
from dataflow.runs.partitioning import Part
from dataflow.runs.stored_table import StoredTable, edited_table, place_of, unwritten_rows
from dataflow.runs.table_load import load_stored
from dataflow.shared.edited_file import EditedFile
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project
from dataflow.warehouse.duckdb_file import DuckDBFile
from dataflow.warehouse.kind import LoadRequest, LoadResult, open_warehouse

if TYPE_CHECKING:
    from dataflow.warehouse.kind import Warehouse

__all__ = ["postgres"]

PART = Part("eu", "UTC", "", None, ["eu"])


class Keeping(DuckDBFile):
    """A plug-in's warehouse that reads the files that it is given."""

    def load(self, rows: Path, request: LoadRequest) -> LoadResult:
        """Load a file."""
        assert pq.read_metadata(rows).num_columns > 0
        return super().load(rows, request)


def run_of(root: Path, setting: str = '{type = "duckdb"}') -> RunContext:
    """A run whose steps show what they have done."""
    root.mkdir()
    (root / "pyproject.toml").write_text(f"[tool.dataflow]\nwarehouse = {setting}\n")
    return RunContext(Project(root), "sales", "first", None, is_locked=False)


def stored(folder: Path) -> StoredTable:
    """Two rows of three, with a column that was added."""
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table({"id": [1, 2, 3]}), folder / "extract.parquet")
    pq.write_table(pa.table({"n": [1]}), folder / "left_out.parquet")
    edited = EditedFile(folder / "extract.parquet", folder / "left_out.parquet", 1, {"of": "x"})
    return edited_table(StoredTable(str(folder / "transform.parquet"), 2), edited)


def rows_of(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    with warehouse.connect(read_only=True) as connection:
        return connection.execute("FROM raw.sales ORDER BY id").fetchall()


def test_rows_are_edited_while_they_are_loaded(tmp_path: Path) -> None:
    """No second file is written, neither for a partition."""
    run, rows = run_of(tmp_path / "project"), stored(tmp_path / "rows")
    load_stored(run, rows, LoadRequest("sales"), None)
    assert rows_of(run.warehouse) == [(1, "x"), (3, "x")]
    result = load_stored(run, rows, LoadRequest("sales", partition="eu", full_refresh=True), PART)
    assert result.rows_loaded == 2
    assert rows_of(run.warehouse) == [(1, "x", "eu"), (3, "x", "eu")]
    assert not place_of(rows).exists()


def test_rows_in_a_file_get_the_key_of_their_partition_while_they_are_loaded(
    tmp_path: Path,
) -> None:
    """Those of types that SQL does not take as they are get it in a file beside."""
    kinds: list[list[Any]] = [[1, 2], [[1], [2, None]]]
    for number, values in enumerate(kinds):
        run, path = run_of(tmp_path / str(number)), tmp_path / str(number) / "rows.parquet"
        pq.write_table(pa.table({"id": values}), path)
        request = LoadRequest("sales", partition="eu")
        load_stored(run, StoredTable(str(path), 2), request, PART)
        assert rows_of(run.warehouse) == [(value, "eu") for value in values]
        assert path.with_name("partition-rows.parquet").exists() == bool(number)


def test_a_column_called_as_the_key_is_refused(tmp_path: Path) -> None:
    """Of the file, and of those that were added."""
    run = run_of(tmp_path / "project")
    rows = stored(tmp_path / "rows")
    edited = unwritten_rows(rows)
    assert edited is not None
    own = edited_table(rows, edited.with_column("Partition_Key", "mine"))
    with pytest.raises(BadInputError, match="a name that partitions need"):
        load_stored(run, own, LoadRequest("sales", partition="eu"), PART)
    assert not run.warehouse.exists()


def test_a_warehouse_that_takes_files_gets_one(tmp_path: Path) -> None:
    """A plug-in's own load is not passed by; with a partition as well."""
    run = run_of(tmp_path / "project")
    run.__dict__["warehouse"] = Keeping(tmp_path / "own.duckdb")
    rows = stored(tmp_path / "rows")
    load_stored(run, rows, LoadRequest("sales"), None)
    assert rows_of(run.warehouse) == [(1, "x"), (3, "x")]
    assert place_of(rows).exists()
    load_stored(run, rows, LoadRequest("sales", partition="eu", full_refresh=True), PART)
    assert rows_of(run.warehouse) == [(1, "x", "eu"), (3, "x", "eu")]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgres", "dlt"])
def test_a_server_gets_the_rows_that_are_left(kind: str, postgres: str, tmp_path: Path) -> None:
    """They are written for it."""
    named = {"postgres": "url", "dlt": 'destination = "postgres", credentials'}[kind]
    run = run_of(tmp_path / "project", f'{{type = "{kind}", {named} = "{postgres}"}}')
    load_stored(run, stored(tmp_path / "rows"), LoadRequest("sales"), None)
    assert rows_of(open_warehouse(run.project, "sales")) == [(1, "x"), (3, "x")]
