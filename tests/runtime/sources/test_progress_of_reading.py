"""How far the reading of a source is, for those who wait for it: each kind counts as it goes."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from tests.progress_recorder import Recorder
from tests.runtime.sources.api_fixtures import ids, js, read_api, records

from dataflow.shared.step_progress import hold_progress
from dataflow.sources.read import read_source

CSV = "id,name\n" + "".join(f"{number},name {number}\n" for number in range(1_000))
COLUMNS = {"id": {"type": "bigint"}, "name": {"type": "text"}}


@pytest.fixture
def progress() -> Iterator[Recorder]:
    recorder = Recorder()
    with hold_progress(recorder):
        yield recorder


def test_of_files_the_bytes_are_told(tmp_path: Path, progress: Recorder) -> None:
    """All files together; by a contract they are read once, and time left can be told."""
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(CSV)
    source = {"type": "file", "url": str(tmp_path / "*.csv")}
    read_source({"source": source, "columns": COLUMNS}, {})
    read_source(source, {})
    assert [(work.total_size, work.is_whole) for work in progress.watched] == [
        (2 * len(CSV), True),
        (2 * len(CSV), False),
    ]


def test_of_files_that_are_unpacked_the_packed_bytes_are_told(
    tmp_path: Path, progress: Recorder
) -> None:
    """The unpacked size is known to nobody before."""
    packed = gzip.compress(CSV.encode())
    (tmp_path / "a.csv.gz").write_bytes(packed)
    read_source({"type": "file", "url": str(tmp_path / "a.csv.gz")}, {})
    unpacked = [work for work in progress.works if work.what == "unpacking"]
    assert (unpacked[-1].size, unpacked[-1].total_size) == (len(packed), len(packed))
    assert progress.watched[-1].total_size == len(CSV)


def test_of_a_download_the_bytes_are_told(server: Any, say: Any, progress: Recorder) -> None:
    """Of as many as the server says there are; the file is read thereafter."""
    read_source({"type": "file", "url": server.answer("/a.csv", say(CSV))}, {"max_retries": 0})
    downloaded = [work for work in progress.works if work.what == "downloading"]
    assert (downloaded[0].size, downloaded[0].total_size) == (None, len(CSV))
    assert (downloaded[-1].size, downloaded[-1].total_size) == (len(CSV), len(CSV))


def test_of_a_spreadsheet_the_columns_are_told(tmp_path: Path, progress: Recorder) -> None:
    """It is opened in one call; of its columns each is named while it is made."""
    pd.DataFrame({"id": [1, 2], "name": ["a", "b"]}).to_excel(tmp_path / "a.xlsx", index=False)
    read_source({"type": "file", "url": str(tmp_path / "a.xlsx")}, {})
    told = list(progress.told("what", "rows", "parts", "total_parts", "at"))
    assert f"opening {tmp_path / 'a.xlsx'}" in [what for what, *_ in told]
    assert told[-2:] == [("", 2, 0, 2, "id"), ("", 2, 1, 2, "name")]


def test_rows_that_only_python_can_read_are_counted(tmp_path: Path, progress: Recorder) -> None:
    """A file with a footer is looked at line by line."""
    (tmp_path / "a.csv").write_text(f"{CSV}Total,1000\n")
    read_source({"type": "file", "url": str(tmp_path / "a.csv"), "footer_lines": 1}, {})
    assert ("looking at the lines", 1_000) in list(progress.told("what", "rows"))


def test_json_and_parquet_are_files_as_well(tmp_path: Path, progress: Recorder) -> None:
    """Their bytes are those of the total."""
    lines = "".join(json.dumps({"id": number}) + "\n" for number in range(10))
    (tmp_path / "a.jsonl").write_text(lines)
    read_source({"type": "file", "url": str(tmp_path / "a.jsonl")}, {})
    assert progress.watched[0].total_size == len(lines)
    duckdb.sql(f"COPY (FROM range(10)) TO '{tmp_path / 'a.parquet'}'")
    read_source({"type": "file", "url": str(tmp_path / "a.parquet")}, {})
    assert progress.watched[-1].total_size == (tmp_path / "a.parquet").stat().st_size


def test_of_an_api_pages_and_rows_are_told(server: Any, progress: Recorder) -> None:
    """Of as many rows as the API says there are."""

    def answer(request: Any) -> Any:
        start = (int(request.query.get("page", 1)) - 1) * 2
        return js({"total": 5, "items": records(*range(start, min(start + 2, 5)))})

    server.routes["/items"] = answer
    paging = {"type": "page_number", "page_param": "page", "total_path": "total"}
    found = read_api(f"{server.url}/items", paging=paging, data_path="items")
    assert ids(found) == [0, 1, 2, 3, 4]
    told = [each for each in progress.told("parts", "rows", "total_rows", "of") if each[0]]
    assert told[:3] == [(1, 2, 5, "pages"), (2, 4, 5, "pages"), (3, 5, 5, "pages")]


def test_of_a_database_the_rows_are_told(tmp_path: Path, progress: Recorder) -> None:
    """A batch at a time; how many there are in all nobody asks."""
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        connection.execute("CREATE TABLE t (id integer)")
        connection.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(12_000)])
    connection.close()
    source = {"type": "database", "url": f"sqlite:///{tmp_path / 'a.sqlite'}", "table": "t"}
    read_source(source, {"batch_size": 100})
    told = list(progress.told("rows", "total_rows"))
    assert [each for each in told if each[0]][:3] == [(5_000, None), (10_000, None), (12_000, None)]


def test_of_a_duckdb_file_duckdb_tells(tmp_path: Path, progress: Recorder) -> None:
    """The share of its one statement."""
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute("CREATE TABLE t AS FROM range(10)")
    read_source({"type": "database", "url": str(tmp_path / "a.duckdb"), "table": "t"}, {})
    assert [work.is_whole for work in progress.watched] == [True]


def test_rows_of_own_code_are_counted_as_they_come(progress: Recorder) -> None:
    """A generator of dicts, as an author or a plug-in returns it."""

    def own(_: Any, __: Any) -> Any:
        return ({"id": number} for number in range(250))

    read_source({"type": "mine"}, {}, own_readers={"mine": own})
    assert [rows for (rows,) in progress.told("rows") if rows] == [100, 200, 250]
