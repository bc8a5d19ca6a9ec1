"""What doctor says of the packages, in environments that are put together wrongly."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from dataflow.workflows import registry
from dataflow_tools.checks.installation import diagnose_installation
from dataflow_tools.checks.protocol import Status, Verdict


def install(folder: Path, name: str, version: str, *requires: str, extras: str = "") -> None:
    """Put the metadata of a distribution into a folder, as an installer does."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    lines += [f"Provides-Extra: {extra}" for extra in extras.split()]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    (info / "METADATA").write_text("\n".join(lines) + "\n")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose distributions come before those of this environment."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def diagnose(*needed: str, needs_node: bool = False) -> dict[str, Verdict]:
    return diagnose_installation(needed, needs_node=needs_node)


@pytest.mark.slow
def test_versions_that_do_not_fit_are_named(packages: Path) -> None:
    """Who needs what, what is installed instead, why it matters, and how to put it right."""
    install(packages, "duckdb", "2.0.0")
    install(packages, "dbt-core", "1.12.0")
    found = diagnose()["packages"]
    reasons = " ".join(problem.reason for problem in found.findings)
    assert "2.0.0 is installed: DuckDB 2 writes files" in reasons
    assert "1.12.0 is installed: dbt-core 1.12 cannot be installed" in reasons
    assert any(p.instruction.startswith("pip install 'duckdb<") for p in found.findings)


@pytest.mark.slow
def test_packages_of_packages_count(packages: Path) -> None:
    """A webserver of another Dagster fits this library's limits, and not its own."""
    install(packages, "click", "8.4.0", "nothing-of-that-name>=1", "filelock<1")
    reasons = [problem.reason for problem in diagnose()["packages"].findings]
    assert "click 8.4.0 needs nothing-of-that-name, which is not installed." in reasons
    assert any(r.startswith("click 8.4.0 needs filelock<1, and ") for r in reasons)


def test_runtime_and_tools_of_two_versions_are_found(packages: Path) -> None:
    """They are one release; the extras of the runtime that is there are still looked at."""
    install(packages, "dataflow-runtime", "9.9")
    (problem,) = diagnose()["packages"].findings
    tools = version("dataflow-tools")
    assert f"dataflow-runtime is 9.9 and dataflow-tools is {tools}" in problem.reason
    assert problem.instruction == "pip install 'dataflow-runtime==9.9' 'dataflow-tools==9.9'"


@pytest.mark.slow
def test_the_other_distribution_of_that_name_is_found(packages: Path) -> None:
    """PyPI's unrelated `dataflow` takes the import name."""
    install(packages, "dataflow", "1.0")
    (problem,) = diagnose()["namespace"].findings
    assert "The distribution `dataflow` is installed" in problem.reason
    assert "pip uninstall dataflow" in problem.instruction


@pytest.mark.slow
def test_a_regular_package_of_that_name_is_found(tmp_path: Path) -> None:
    """A file of the other distribution's, beside this library's folders, hides the workflows."""
    library = Path(registry.__file__).parents[1]
    leave_out = shutil.ignore_patterns("site_files", "__pycache__")
    shutil.copytree(library, tmp_path / "dataflow", ignore=leave_out)
    (tmp_path / "dataflow" / "__init__.py").touch()
    code = (
        "from dataflow_tools.checks.installation import diagnose_installation as look;"
        "print(look((), needs_node=False)['namespace'].findings)"
    )
    seen = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "__init__.py makes Python see only one of the folders" in seen.stdout


@pytest.mark.slow
def test_extras_are_missed_where_they_are_needed(packages: Path) -> None:
    """What no workflow uses is no problem, and what one uses is."""
    install(
        packages,
        "dataflow-runtime",
        "9.9",
        "nothing-of-that-name>=1; extra == 'dbt'",
        "click; extra == 'run'",
        extras="run dbt",
    )
    assert diagnose()["extra dbt"].status is Status.NOT_APPLICABLE
    assert diagnose()["extra run"].status is Status.MET
    (problem,) = diagnose("dbt")["extra dbt"].findings
    assert "lacks nothing-of-that-name" in problem.reason
    assert problem.instruction == "pip install 'dataflow-runtime[dbt]'"


@pytest.mark.slow
def test_tools_that_are_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The program git is always needed, Node.js only by dashboards; the one from PyPI counts."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert diagnose()["git"].status is Status.MISSING
    monkeypatch.setattr("dataflow_tools.site.node._wheel_folder", lambda: "")
    assert diagnose(needs_node=False)["node"].status is Status.NOT_APPLICABLE
    assert diagnose(needs_node=True)["node"].status is Status.MISSING


@pytest.mark.slow
def test_old_tools_are_not_good_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A git that Copier cannot work with is a problem."""
    program = tmp_path / "git"
    program.write_text("#!/bin/sh\necho git version 2.20.1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    (problem,) = diagnose()["git"].findings
    assert "2.27 or later" in problem.reason
