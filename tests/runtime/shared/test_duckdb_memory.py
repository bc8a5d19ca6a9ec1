"""The setting ``memory_limit`` holds for every database that a run opens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import yaml

from dataflow.modelling.profile import profile_folder
from dataflow.shared.duckdb_memory import memory_limit
from dataflow.shared.project import Project, use_project
from dataflow.shared.tables import write_parquet
from dataflow.sources.duckdb_session import open_engine
from dataflow.stages.rows_file import open_file
from dataflow.warehouse.database import open_database
from dataflow.warehouse.lake_engines import lake_engine


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "pyproject.toml").write_text('[tool.dataflow]\nmemory_limit = "512MiB"\n')
    project = Project(tmp_path)
    with use_project(project):
        yield project


def limit_of(connection: duckdb.DuckDBPyConnection) -> object:
    row = connection.execute("SELECT current_setting('memory_limit')").fetchone()
    return row and row[0]


def test_sources_stages_and_warehouses_are_held_to_it(limited: Project) -> None:
    """Each opens a database of its own."""
    rows = limited.root / "rows.parquet"
    write_parquet(pa.table({"id": [1]}), rows)
    with open_engine() as connection:
        assert limit_of(connection) == "512.0 MiB"
    with open_file(rows) as file:
        assert limit_of(file._connection) == "512.0 MiB"
    with open_database(limited.root / "data.duckdb") as connection:
        assert limit_of(connection) == "512.0 MiB"
    with lake_engine(frozenset(), lambda _: None) as connection:
        assert limit_of(connection) == "512.0 MiB"


def test_an_idle_lake_engine_of_another_limit_is_not_taken(limited: Project) -> None:
    """A process may work on several projects."""
    with lake_engine(frozenset(), lambda _: None):
        pass
    with use_project(Project(limited.root / "none")):
        (limited.root / "none").mkdir()
        (limited.root / "none" / "pyproject.toml").write_text("[tool.dataflow]\n")
        with lake_engine(frozenset(), lambda _: None) as connection:
            assert limit_of(connection) != "512.0 MiB"


def test_dbt_is_held_to_it_unless_its_profile_says_otherwise(limited: Project) -> None:
    """The workflow's own profiles.yml stays as it is; what it says of memory counts."""
    folder, state = limited.root / "dbt", limited.root / "state"
    folder.mkdir()
    duck = {"type": "duckdb", "path": "x.duckdb"}
    own = {"type": "duckdb", "path": "y.duckdb", "settings": {"memory_limit": "1GB"}}
    text = yaml.safe_dump({"sales": {"target": "dev", "outputs": {"dev": duck, "own": own}}})
    (folder / "profiles.yml").write_text(text)
    place = profile_folder(folder, state, None, {})
    outputs = yaml.safe_load((place / "profiles.yml").read_text())["sales"]["outputs"]
    assert outputs["dev"]["settings"] == {"memory_limit": "512MiB"}
    assert outputs["own"]["settings"] == {"memory_limit": "1GB"}
    assert (folder / "profiles.yml").read_text() == text


def test_outside_of_a_project_nothing_is_limited() -> None:
    """DuckDB goes by what the machine has."""
    assert memory_limit() == ""
