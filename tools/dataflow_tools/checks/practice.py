"""Best practice: what ruff sees in the Python code outside ``tests``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow_tools.checks.protocol import Group, check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.shared.finding import Finding
    from dataflow_tools.checks.workflow_source import WorkflowSource

# Whatever the project's own settings for ruff are; `Any` is a type hint as well.
_OPTIONS = (
    *("--isolated", "--no-cache", "--exit-zero", "--output-format=json", "--ignore=ANN401"),
    *("--config", "lint.flake8-annotations.mypy-init-return = true"),
    f"--target-version=py{sys.version_info.major}{sys.version_info.minor}",
)


@check(Group.PRACTICE, "every function has type hints", position=1)
def check_type_hints(workflow: WorkflowSource) -> Iterator[Finding]:
    """Ruff's rules ANN; a file that Python cannot read has no hints either."""
    for module in workflow.code:
        if module.tree is None:
            reason = f"Python: {module.reason}."
            yield workflow.finding(reason, "Fix it.", module.path, module.line)
    for found in _ruff(workflow, "ANN"):
        yield _finding(workflow, found, f"{found['message']}.", "Add type hints.")


@check(Group.PRACTICE, "nothing is printed; the log is used", position=3)
def check_print(workflow: WorkflowSource) -> Iterator[Finding]:
    """Ruff's rules T20."""
    for found in _ruff(workflow, "T20"):
        name = found["message"].split("`")[1]
        instruction = "Use log.info(...) with log = get_logger(__name__)."
        yield _finding(workflow, found, f"{name}() writes past the log.", instruction)


def _ruff(workflow: WorkflowSource, rules: str) -> list[dict[str, Any]]:
    """What ruff says about the code, as its JSON has it."""
    from ruff import find_ruff_bin  # type: ignore[import-untyped]

    files = [str(module.path) for module in workflow.code if module.tree is not None]
    if not files:
        return []
    done = subprocess.run(
        [find_ruff_bin(), "check", f"--select={rules}", *_OPTIONS, "--", *files],
        cwd=workflow.project.root,
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def _finding(
    workflow: WorkflowSource, found: dict[str, Any], reason: str, instruction: str
) -> Finding:
    return workflow.finding(reason, instruction, Path(found["filename"]), found["location"]["row"])
