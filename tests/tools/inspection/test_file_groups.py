"""Which tables the files of a folder are."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from dataflow.sources.errors import SourceSettingError
from dataflow_tools.inspection.file_groups import file_groups
from dataflow_tools.inspection.source_inspection import inspect_source


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")


def groups(location: Path | str) -> dict[str, tuple[str, list[str]]]:
    return {
        group.name: (group.location, [file.name for file in group.files])
        for group in file_groups(str(location))
    }


def test_files_of_different_columns_are_tables_of_their_own(tmp_path: Path) -> None:
    """Those of the same columns are one; what names them names no other file."""
    write(
        tmp_path, people="id,name\n1,A\n", sales_a="day,n\n2024-01-01,1\n", sales_b="N,Day\n2,x\n"
    )
    (tmp_path / "notes.txt").write_text("no table")
    assert groups(tmp_path) == {
        "people": (f"{tmp_path}/people.csv", ["people.csv"]),
        "sales": (f"{tmp_path}/sales*.csv", ["sales_a.csv", "sales_b.csv"]),
    }


def test_packed_files_of_a_series_are_of_its_table(tmp_path: Path) -> None:
    """Last year's files are packed, and this year's are not."""
    write(tmp_path, **{"o-2024": "id,n\n1,2\n"})
    (tmp_path / "o-2023.csv.gz").write_bytes(gzip.compress(b"id,n\n3,4\n"))
    location, files = groups(tmp_path)["o"]
    assert (location, files) == (f"{tmp_path}/o*", ["o-2023.csv.gz", "o-2024.csv"])


def test_a_series_that_gets_a_column_is_one_table(tmp_path: Path) -> None:
    """Next month's file, whatever its number, is named by the pattern as well."""
    write(
        tmp_path,
        people="id,name\n1,A\n",
        **{"o-2024-01": "id,n\n1,2\n", "o-2024-02": "id,n,x\n1,2,3\n"},
    )
    location, files = groups(tmp_path)["o"]
    assert location == f"{tmp_path}/o*.csv"
    assert files == ["o-2024-01.csv", "o-2024-02.csv"]


@pytest.mark.slow
def test_one_shape_is_one_table_by_the_pattern_that_was_given(tmp_path: Path) -> None:
    """A folder becomes a pattern; a file, an address or nothing at all is no group."""
    write(tmp_path, a="id\n1\n", b="id\n2\n")
    assert [location for location, _ in groups(f"{tmp_path}/*.csv").values()] == [
        f"{tmp_path}/*.csv"
    ]
    assert [location for location, _ in groups(tmp_path).values()] == [f"{tmp_path}/*.csv"]
    assert groups(tmp_path / "a.csv") == {}
    assert groups("https://api.test/items") == {}


def test_a_folder_that_has_one_file_today_gets_more(tmp_path: Path) -> None:
    """What is read is the folder; beside other tables, the series that a number shows."""
    write(tmp_path, **{"2025-01": "id\n1\n"})
    assert list(groups(tmp_path).values()) == [(f"{tmp_path}/*.csv", ["2025-01.csv"])]
    (tmp_path / "2025-01.csv").rename(tmp_path / "orders_2025-01.csv")
    write(tmp_path, people="id,name\n1,A\n")
    locations = {location for location, _ in groups(tmp_path).values()}
    assert locations == {f"{tmp_path}/orders*.csv", f"{tmp_path}/people.csv"}


def test_files_that_no_pattern_names_alone_are_refused(tmp_path: Path) -> None:
    """A pattern that takes a file of another table along would be a wrong table."""
    write(tmp_path, alpha="id\n1\n", beta="other\n1\n", gamma="id\n2\n")
    with pytest.raises(SourceSettingError, match="no pattern names them"):
        file_groups(str(tmp_path))


def test_a_reserved_word_is_no_name(tmp_path: Path) -> None:
    """It gets another one."""
    write(tmp_path, order="id\n1\n", people="name\nA\n")
    assert set(groups(tmp_path)) == {"my_order", "people"}


@pytest.mark.slow
def test_of_a_long_series_that_agrees_some_files_are_looked_at(tmp_path: Path) -> None:
    """One that is not looked at is read with the others; if some differ, all are looked at."""
    write(tmp_path, **{f"day_{number:02}": "id,n\n1,2\n" for number in range(30)})
    write(tmp_path, day_02="never\nlooked at\n")
    ((_, files),) = groups(tmp_path).values()
    assert len(files) == 30
    write(tmp_path, day_29="other\nx\n")
    with pytest.raises(SourceSettingError, match="^day_00.csv, day_01.csv, day_03.csv have"):
        groups(tmp_path)


def test_a_column_that_some_files_lack_on_day_one_may_be_lacking(project: Path) -> None:
    """The contract says so, and the first run goes through."""
    write(project, a1="id,v,w\n1,5,7\n", a2="id,v\n2,6\n")
    columns = inspect_source({"type": "file", "url": "a*.csv"}).answers()["columns"]
    optional = {each["name"]: "optional" in each["contract"] for each in columns}
    assert optional == {"id": False, "v": False, "w": True}
