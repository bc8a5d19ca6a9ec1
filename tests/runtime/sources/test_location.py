"""What `source.url` names is found, or the error says what is near."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataflow.sources.errors import SourceDataError, SourceNotFoundError, SourceSettingError
from dataflow.sources.read import read_source

if TYPE_CHECKING:
    from pathlib import Path


def read_at(url: str, **settings: Any) -> Any:
    return read_source({"type": "file", "url": url, **settings}, {})


def test_paths_start_at_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path means the same from every folder of the project."""
    (project / "data").mkdir()
    (project / "deep" / "er").mkdir(parents=True)
    (project / "data" / "a.csv").write_text("a\n1\n", encoding="utf-8")
    monkeypatch.chdir(project / "deep" / "er")
    result = read_at("data/a.csv")
    assert result["data"].to_pylist() == [{"a": 1}]
    assert result["metadata"]["source"] == "data/a.csv"
    assert read_at(str(project / "data" / "a.csv"))["data"].num_rows == 1


def test_missing_file_names_the_path_and_near_misses(project: Path) -> None:
    """The error has the whole path looked at, and names like it that are there."""
    (project / "Trips_2020.CSV").write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(SourceNotFoundError) as caught:
        read_at("trips-2020.csv")
    assert str(project / "trips-2020.csv") in caught.value.reason
    assert "Trips_2020.CSV" in caught.value.instruction
    with pytest.raises(SourceNotFoundError) as caught:
        read_at("nowhere/at/all.csv")
    assert f"{project} is there" in caught.value.instruction


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (".", "is a folder"),
        ("ftp://host/a.csv", "begins with an unknown scheme"),
        ("a.unknown", "nor the content tells the format"),
        ("*.mixed", "nor the content tells"),
    ],
)
def test_what_cannot_be_read_is_refused(project: Path, url: str, said: str) -> None:
    """Folders, other schemes and unknown formats say what to set."""
    (project / "a.unknown").write_text("a\n1\n", encoding="utf-8")
    (project / "a.mixed").write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(SourceSettingError, match=said):
        read_at(url)


@pytest.mark.parametrize("url", ["-", "pipe"])
def test_a_stream_is_no_source(project: Path, url: str) -> None:
    """It can be read once, and each run reads anew; a name that is there is not called missing."""
    os.mkfifo(project / "pipe")
    with pytest.raises(SourceSettingError, match="Save the data as a file"):
        read_at(url)


def test_format_wins_over_the_name(project: Path) -> None:
    """`format` reads a file whose name says nothing, or something else."""
    (project / "a.txt").write_text("a\n1\n", encoding="utf-8")
    assert read_at("a.txt", format="csv")["data"].to_pylist() == [{"a": 1}]


def test_several_formats_are_refused(project: Path) -> None:
    """A glob that names files of two formats is refused, naming one of each."""
    (project / "a.csv").write_text("a\n1\n", encoding="utf-8")
    (project / "a.json").write_text("[]", encoding="utf-8")
    with pytest.raises(SourceSettingError, match=r"csv \(a\.csv\), json \(a\.json\)"):
        read_at("a.*")


def test_globs_reach_into_folders(project: Path) -> None:
    """`**` finds files at any depth; a pattern without a match is an error."""
    for name in ("x/1.csv", "x/y/2.csv"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(f"a\n{name[-5]}\n", encoding="utf-8")
    assert read_at("**/*.csv")["data"]["a"].to_pylist() == [1, 2]
    with pytest.raises(SourceNotFoundError, match=r"\*\.tsv"):
        read_at("x/*.tsv")


def test_a_file_beside_its_packed_copy_is_refused(project: Path) -> None:
    """Its rows would come twice; others that are packed go along."""
    for name in ("a_1.csv", "a_2.csv"):
        (project / name).write_text("a\n1\n", encoding="utf-8")
    (project / "a_3.csv.gz").write_bytes(gzip.compress(b"a\n2\n"))
    assert read_at("a_*")["data"]["a"].to_pylist() == [1, 1, 2]
    (project / "a_2.csv.gz").write_bytes(gzip.compress(b"a\n1\n"))
    with pytest.raises(SourceSettingError, match=r"a_2\.csv and a_2\.csv\.gz are one file"):
        read_at("a_*")


@pytest.mark.parametrize("name", ["a.csv.xz", "a.tar", "a.7z"])
def test_archives_that_are_not_unpacked_are_named(project: Path, name: str) -> None:
    """What to do is not to name a format."""
    (project / name).write_bytes(b"\xfd7zXZ\0")
    with pytest.raises(SourceSettingError, match="not unpacked here"):
        read_at(name)


def test_a_glob_may_be_absolute(project: Path, tmp_path: Path) -> None:
    """Files outside the project are found by a pattern, and called by their whole path."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "s1.csv").write_text("a\n1\n", encoding="utf-8")
    (outside / "s2.csv").write_text("a,b\n2,3\n", encoding="utf-8")
    found = read_at(f"{outside}/*.csv")
    assert found["data"].to_pydict() == {"a": [1, 2], "b": [None, 3]}
    assert f"{outside}/s1.csv lacks 'b'" in found["metadata"]["notes"][0]


@pytest.mark.parametrize("name", ["a[1].csv", "it's.csv", "a b;c.csv", "ä*.csv", "a{b}.csv"])
def test_odd_names_are_names(project: Path, name: str) -> None:
    """Characters that mean something in a glob or in SQL are read as they stand."""
    (project / name).write_text("a\n1\n", encoding="utf-8")
    for neighbour in ("a1.csv", "äb.csv", "ab.csv"):
        (project / neighbour).write_text("a\n2\n", encoding="utf-8")
    assert read_at(name)["data"].to_pylist() == [{"a": 1}]


def test_parquet_keeps_its_types_and_joins_by_name(project: Path) -> None:
    """Several Parquet files are one table, whose columns are wide enough for all."""
    first = pa.table(
        {"id": pa.array([1], pa.int32()), "when": pa.array([0], pa.timestamp("us", "UTC"))}
    )
    pq.write_table(first, project / "1.parquet")
    pq.write_table(pa.table({"new": ["x"], "id": pa.array([2.5])}), project / "2.parquet")
    assert read_at("1.parquet")["data"].schema == first.schema
    rows = read_at("*.parquet")["data"].to_pylist()
    assert [(row["id"], row["new"]) for row in rows] == [(1.0, None), (2.5, "x")]
    (project / "3.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(SourceDataError, match=r"3\.parquet cannot be read as Parquet"):
        read_at("*.parquet")
