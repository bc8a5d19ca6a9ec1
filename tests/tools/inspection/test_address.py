"""Where data lies tells what kind of source it is."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from dataflow.shared.project import Project
from dataflow.sources.errors import SourceSettingError
from dataflow_tools.inspection.address import source_from_location


@pytest.mark.parametrize(
    ("location", "source"),
    [
        ("data/a.csv", {"type": "file", "url": "data/a.csv"}),
        ("file:///srv/a.csv", {"type": "file", "url": "/srv/a.csv"}),
        ("data/*.parquet", {"type": "file", "url": "data/*.parquet"}),
        (
            "https://h.example/a.csv.gz?x=1",
            {"type": "file", "url": "https://h.example/a.csv.gz?x=1"},
        ),
        ("https://h.example/items", {"type": "api", "url": "https://h.example/items"}),
        ("s3://b/k.json", {"type": "file", "url": "s3://b/k.json"}),
    ],
)
def test_locations_tell_the_type(project: Path, location: str, source: dict[str, str]) -> None:
    """Files, addresses of files, APIs and buckets are told apart."""
    assert source_from_location(Project(project), location) == source


def test_paths_are_taken_from_where_one_is(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path typed in a folder of the project is written relative to the project."""
    (project / "in").mkdir()
    monkeypatch.chdir(project / "in")
    found = source_from_location(Project(project.resolve()), "a.csv")
    assert found["url"] == "in/a.csv"
    outside = source_from_location(Project(project.resolve()), str(project.parent / "b.csv"))
    assert Path(outside["url"]).is_absolute()


def test_only_table_of_a_database_is_taken(project: Path) -> None:
    """One table needs no name; of several one must be named."""
    connection = sqlite3.connect(project / "a.db")
    connection.execute("CREATE TABLE trips (id)")
    assert source_from_location(Project(project), "a.db")["table"] == "trips"
    connection.execute("CREATE TABLE other (id)")
    connection.close()
    with pytest.raises(SourceSettingError) as caught:
        source_from_location(Project(project), "a.db")
    assert "other, trips" in caught.value.instruction
    named = source_from_location(Project(project), "a.db", "other")
    assert named == {"type": "database", "url": "a.db", "table": "other"}
