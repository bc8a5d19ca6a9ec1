"""What a shell completes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from tests.service_fixtures import write_project

from dataflow.cli.main import dataflow


@pytest.mark.parametrize(
    ("typed", "begun", "offered"),
    [
        (["workflow", "run"], "", ["orders", "sales"]),
        (["workflow", "logs"], "s", ["sales"]),
        (["workflow", "copy"], "s", ["sales"]),
        (["workflow", "check", "orders"], "", ["sales"]),
        (["workflow", "ru"], "x", []),
    ],
)
def test_names_of_workflows_are_completed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: list[str],
    begun: str,
    offered: list[str],
) -> None:
    """Those of the project that begin so and are not named yet; nowhere else any, and no error."""
    root = write_project(tmp_path / "shop")
    for name in ("orders", "sales"):
        (root / "src" / "dataflow" / "workflows" / name).mkdir(parents=True)
        (root / "src" / "dataflow" / "workflows" / name / "config.yaml").touch()
    shell = ShellComplete(dataflow, {}, "dataflow", "_DATAFLOW_COMPLETE")

    monkeypatch.chdir(root)
    assert [each.value for each in shell.get_completions(typed, begun)] == offered

    monkeypatch.chdir(tmp_path)
    assert shell.get_completions(typed, begun) == []
