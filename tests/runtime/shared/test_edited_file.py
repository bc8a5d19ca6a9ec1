"""A file with some rows left out and columns added is read as the file that would be written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataflow.shared.edited_file import EditedFile
from dataflow.shared.lazy_rows import TableFileError

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture
def edited(tmp_path: Path) -> EditedFile:
    """Four rows, of which the second and the last are left out."""
    ids = pa.table({"id": [3, 3, None, 1], "it's": ["a", "a", None, "b"]})
    pq.write_table(ids, tmp_path / "it's.parquet")
    pq.write_table(pa.table({"n": [1, 3]}), tmp_path / "left'out.parquet")
    left_out = tmp_path / "left'out.parquet"
    return EditedFile(tmp_path / "it's.parquet", left_out, 2, {"at": AT, "it''s of": "e'u"})


def rows_of(relation: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(f"FROM {relation}").fetchall()


def test_rows_are_those_that_are_left_with_what_was_added(edited: EditedFile) -> None:
    """In their order, whatever the names of files and columns are."""
    assert rows_of(edited.relation) == [(3, "a", AT, "e'u"), (None, None, AT, "e'u")]
    assert edited.rows == 2
    assert [row[2] for row in rows_of(edited.numbered)] == [0, 2]


def test_a_file_without_edits_is_read_as_it_is(edited: EditedFile) -> None:
    """So that columns of any type can be loaded."""
    plain = EditedFile(edited.file)
    assert not plain.is_edited
    assert plain.relation.startswith("read_parquet(")
    assert len(rows_of(plain.relation)) == plain.rows == 4
    assert [row[-1] for row in rows_of(plain.numbered)] == [0, 1, 2, 3]


def test_one_kind_of_edit_alone_is_enough(edited: EditedFile) -> None:
    """Rows left out without a new column, and the other way round."""
    assert edited.left_out is not None
    assert rows_of(EditedFile(edited.file, edited.left_out, 2).relation) == [(3, "a"), (None, None)]
    with_column = EditedFile(edited.file).with_column("of", "eu")
    assert [row[-1] for row in rows_of(with_column.relation)] == ["eu"] * 4
    assert [row[2:] for row in rows_of(with_column.numbered)] == [(n, "eu") for n in range(4)]


def test_the_order_stays_where_rows_are_left_out(tmp_path: Path) -> None:
    """Also where several threads read the file and write the table."""
    rows, left_out = tmp_path / "rows.parquet", tmp_path / "left_out.parquet"
    duckdb.sql("SELECT range AS id FROM range(200_000)").write_parquet(
        str(rows), row_group_size=2048
    )
    duckdb.sql("SELECT 100 * range AS n FROM range(2000)").write_parquet(str(left_out))
    with duckdb.connect(str(tmp_path / "table.duckdb")) as connection:
        connection.execute("SET threads = 4")
        edited = EditedFile(rows, left_out, 2000)
        connection.execute(f"CREATE TABLE made AS FROM {edited.relation}")
        ids = connection.execute("SELECT id FROM made ORDER BY rowid").fetchnumpy()["id"]
    assert len(ids) == edited.rows == 198_000
    assert (ids[1:] > ids[:-1]).all()


def test_they_can_be_written(edited: EditedFile, tmp_path: Path) -> None:
    """The file has the rows, and Arrow finds the types that it would give such columns."""
    edited.write(tmp_path / "written.parquet")
    written = pq.read_table(tmp_path / "written.parquet")
    assert [tuple(row.values()) for row in written.to_pylist()] == rows_of(edited.relation)
    assert [str(kind) for kind in written.schema.types] == [
        "int64",
        "string",
        "timestamp[us, tz=UTC]",
        "string",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "it's.parquet",
        "left'out.parquet",
        "written.parquet",
    ]


def test_a_file_that_is_gone_is_told(edited: EditedFile, tmp_path: Path) -> None:
    """One clear error, and no half of a file."""
    assert edited.left_out is not None
    edited.left_out.unlink()
    with pytest.raises(TableFileError, match="cannot be read or written anew"):
        edited.write(tmp_path / "written.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["it's.parquet"]
