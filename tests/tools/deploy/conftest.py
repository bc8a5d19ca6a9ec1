"""A project with an environment that a cluster can be, and its rendered deployment."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.service_fixtures import write_project, write_workflow

SETTINGS = """\
[project]
name = "shop"
version = "1.4.0"

[tool.dataflow.environments.prod]
history = "postgresql://keeper:not-for-files@db.example.org:5433/runs"
state_store = "s3://shop/state"
publish_target = "s3://shop/site"
warehouse = {type = "ducklake"}
kubernetes = {image = "registry.example.org/team/shop", host = "shop.example.org"}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with three workflows; the environment `prod` is chosen."""
    root = write_project(tmp_path / "shop")
    (root / "pyproject.toml").write_text(f"[tool.dataflow]\n{SETTINGS}")
    for name in ("ledger", "orders", "sales"):
        write_workflow(root, name)
    monkeypatch.setenv("DATAFLOW_ENV", "prod")
    return root
