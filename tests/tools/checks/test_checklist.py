"""The checklist is open: checks of other distributions count as the built-in ones do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Dataflow
from tests.tools.checks.conftest import BARE, Render

from dataflow.shared.project import Project
from dataflow_tools.checks.checklist import load_checks
from dataflow_tools.checks.protocol import Group

GOOD = '''
"""House rules."""

from collections.abc import Iterator

from dataflow.shared.finding import Finding
from dataflow_tools.checks.protocol import check
from dataflow_tools.checks.workflow_source import WorkflowSource


@check("House rules", "the README names an owner")
def check_owner(workflow: WorkflowSource) -> Iterator[Finding]:
    if "Owner:" not in (workflow.readme or ""):
        yield workflow.finding("Nobody owns it.", "Add `Owner: NAME`.", "README.md")


@check("House rules", "the schedule is at night")
def check_fails(workflow: WorkflowSource) -> Iterator[Finding]:
    yield from workflow.no_such_attribute


@check("House rules", "the title is short")
def check_gives_text(workflow: WorkflowSource) -> list[str]:
    return ["The title is long."]


def no_check() -> None:
    """Nothing that judges."""
'''


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A folder with an installed distribution that brings checks, good and broken ones."""
    folder = tmp_path / "site-packages"
    info = folder / "acme_checks-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "acme_checks.py").write_text(GOOD)
    (folder / "acme_broken.py").write_text("import nothing_of_that_name\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-checks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[dataflow.checks]\n"
        "owner = acme_checks:check_owner\n"
        "night = acme_checks:check_fails\n"
        "short-title = acme_checks:check_gives_text\n"
        "no-check = acme_checks:no_check\n"
        "broken = acme_broken:check_all\n"
        # The name of a built-in one.
        "readme = acme_checks:check_fails\n"
    )
    return folder


@pytest.fixture
def points(
    plugin: Path, new_project: Callable[[], Project], render: Render, dataflow: Dataflow
) -> dict[str, dict[str, Any]]:
    """What the command says of a good workflow where that distribution is installed."""
    project = new_project()
    render(project, "sales", **BARE)
    command = ("workflow", "check", "sales", "--no-tests", "--json")
    done = dataflow(*command, cwd=project.root, env={"PYTHONPATH": str(plugin)})
    assert done.returncode == 1, done.stderr
    (report,) = json.loads(done.stdout)["workflows"]
    return {point["point"]: point for point in report["points"]}


@pytest.mark.slow
def test_checks_of_plug_ins_count(points: dict[str, dict[str, Any]]) -> None:
    """A foreign check has a point of its own, and broken ones are named and harm no other."""
    own = list(load_checks())
    assert list(points)[: len(own)] == own
    missing = {key: point for key, point in points.items() if point["status"] == "missing"}
    assert set(missing) == {"owner", "night", "short-title", "no-check", "broken"}
    assert missing["owner"] == {
        "point": "owner",
        "group": "House rules",
        "requirement": "the README names an owner",
        "status": "missing",
        "detail": "",
        "findings": [
            {
                "file": "src/dataflow/workflows/sales/README.md",
                "line": 0,
                "reason": "Nobody owns it.",
                "instruction": "Add `Owner: NAME`.",
            }
        ],
    }
    reasons = {key: point["findings"][0]["reason"] for key, point in missing.items()}
    assert "of acme-checks failed: AttributeError" in reasons["night"]
    assert "TypeError: it gives str, not Finding" in reasons["short-title"]
    assert "of acme-checks is a function, not a Check" in reasons["no-check"]
    assert "of acme-checks cannot be loaded: ModuleNotFoundError" in reasons["broken"]


def test_built_in_checks_stand_in_the_order_of_the_work() -> None:
    """By group, and in a group as they are numbered; no two have one place."""
    checks = load_checks()
    places = [(list(Group).index(Group(c.group)), c.position) for c in checks.values()]
    assert places == sorted(set(places))
    assert list(checks)[:5] == ["source", "credentials", "write", "errors", "folder"]
