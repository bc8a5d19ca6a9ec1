"""Lakes of the tests' own: a database for the catalogs on a real server, and a real store."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from dataflow.shared.project import Project
from dataflow.warehouse.ducklake import AtomicDuckLake, DuckLakeSettings, open_ducklake

_numbers = count()


@pytest.fixture
def catalog(postgres: str) -> Iterator[str]:
    """The address of an empty database for catalogs."""
    import psycopg

    name = f"lake_{next(_numbers)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield f"{postgres.rpartition('/')[0]}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def lake_of(root: Path, workflow_id: str = "sales", **settings: Any) -> AtomicDuckLake:
    """The lake of a workflow in a project that is made if need be."""
    root.mkdir(exist_ok=True)
    (root / "pyproject.toml").write_text("[tool.dataflow]\n")
    asked = DuckLakeSettings.model_validate({"type": "ducklake", **settings})
    return open_ducklake(asked, Project(root), workflow_id)
