"""What a part may import is written down in pyproject.toml, and a violation does not pass."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY

# The copy only, not the installed packages, which are folders of this repository.
LINT = """
import sys
from importlinter.cli import lint_imports
sys.path = [*sys.argv[2:], *(p for p in sys.path if not p.startswith(sys.argv[1]) or ".venv" in p)]
sys.exit(lint_imports(no_cache=True, no_logo=True))
"""


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of both distributions and its contracts."""
    folder = tmp_path_factory.mktemp("contracts")
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    for distribution in ("runtime", "tools"):
        shutil.copytree(REPOSITORY / distribution, folder / distribution)
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Hold the code in ``folder`` against its contracts."""
    command = [sys.executable, "-c", LINT, str(REPOSITORY), f"{folder}/runtime", f"{folder}/tools"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_code_keeps_its_contracts(copied: Path) -> None:
    """As `make lint` says."""
    done = lint(copied)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "imported", "contract"),
    [
        ("runtime/dataflow/shared/errors.py", "dataflow.runs.lock", "The runtime's layers"),
        ("runtime/dataflow/stages/apply.py", "dataflow.warehouse.load", "The runtime's layers"),
        ("runtime/dataflow/runs/lock.py", "dataflow.service.ports", "The runtime's layers"),
        ("runtime/dataflow/service/ports.py", "dataflow.cli.main", "The runtime's layers"),
        ("runtime/dataflow/new_part.py", "dataflow.shared.errors", "The runtime's layers"),
        (
            "tools/dataflow_tools/scaffold/git.py",
            "dataflow_tools.checks.check",
            "The tools' layers",
        ),
        (
            "runtime/dataflow/cli/up.py",
            "dataflow_tools.site.site_build",
            "The runtime works without the tools",
        ),
        (
            "runtime/dataflow/publish/folders.py",
            "dataflow_tools.site.folders",
            "Publishing and each tool that builds dashboards",
        ),
        (
            "tools/dataflow_tools/static_site/packages.py",
            "dataflow_tools.site.node",
            "No tool that builds dashboards is built on another",
        ),
        (
            "tools/dataflow_tools/site/node.py",
            "dataflow_tools.static_site.packages",
            "No tool that builds dashboards is built on another",
        ),
        ("runtime/dataflow/shared/errors.py", "dataflow.shared.project", "No circles"),
        ("runtime/dataflow/runs/lock.py", "dataflow.ingestion.source", "Only workflows of version"),
    ],
)
def test_a_violation_does_not_pass(copied: Path, module: str, imported: str, contract: str) -> None:
    """An import in the wrong direction breaks its contract, also inside of a function."""
    path = copied / module
    before = path.read_text() if path.exists() else None
    path.write_text(f"{before or ''}\n\ndef wrong():\n    import {imported}\n")
    try:
        done = lint(copied)
    finally:
        path.write_text(before) if before is not None else path.unlink()
    assert done.returncode == 1, done.stdout + done.stderr
    assert any(
        line.startswith(contract) and "BROKEN" in line for line in done.stdout.splitlines()
    ), done.stdout
