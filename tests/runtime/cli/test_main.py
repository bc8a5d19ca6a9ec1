"""The command line as a whole: help, errors and exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import BIN, Dataflow


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        (),
        ("init",),
        ("workflow",),
        ("workflow", "new"),
        ("workflow", "list"),
        ("workflow", "run"),
        ("workflow", "watermark"),
        ("workflow", "diff"),
        ("workflow", "restore"),
        ("workflow", "inspect"),
        ("workflow", "update"),
        ("workflow", "status"),
        ("workflow", "check"),
        ("doctor",),
        ("up",),
        ("api",),
        ("token",),
        ("token", "create"),
        ("token", "list"),
        ("token", "revoke"),
        ("evidence",),
        ("evidence", "build"),
        ("evidence", "serve"),
        ("evidence", "dev"),
    ],
)
def test_every_command_explains_itself(
    command: tuple[str, ...], tmp_path: Path, dataflow: Dataflow
) -> None:
    """--help works outside a project, and says more than the usage line."""
    shown = dataflow(*command, "--help", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith(f"Usage: {' '.join(('dataflow', *command))}")
    # What keeps the lines of an example apart is not for people.
    assert "\\b" not in shown.stdout
    assert len(shown.stdout.splitlines()) > 4


def test_help_imports_nothing_heavy() -> None:
    """What `dataflow --help` loads is what it needs to print text."""
    code = (
        "import sys; sys.argv = ['dataflow', '--help']\n"
        "from dataflow.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = ('dagster', 'pandas', 'dbt', 'duckdb', 'pyarrow', 'pydantic', 'copier', 'yaml')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("option", [[], ["--json"]])
def test_listing_imports_nothing_heavy(project_folder: Path, option: list[str]) -> None:
    """`dataflow workflow list` imports neither Dagster nor pandas nor dbt."""
    code = (
        f"import sys; sys.argv = ['dataflow', 'workflow', 'list', *{option}]\n"
        "from dataflow.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('dagster', 'pandas', 'dbt', 'duckdb') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project_folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_misspelt_command_is_answered_with_the_nearest(
    tmp_path: Path, dataflow: Dataflow
) -> None:
    """Exit code 2, and the name that was meant."""
    refused = dataflow("workflow", "lst", cwd=tmp_path)
    assert refused.returncode == 2
    assert "Did you mean 'list'?" in refused.stderr


def test_outside_a_project_the_error_says_how_to_make_one(
    tmp_path: Path, dataflow: Dataflow
) -> None:
    """One reason, one instruction, no traceback."""
    refused = dataflow("workflow", "list", cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr == (
        f"Error: {tmp_path} is not inside a DATAFLOW project.\n"
        "Make one with `dataflow init PATH`, or change into one.\n"
    )


def test_debug_shows_the_traceback(tmp_path: Path, dataflow: Dataflow) -> None:
    """With --debug the traceback comes before the same message."""
    refused = dataflow("--debug", "workflow", "list", cwd=tmp_path)
    assert refused.returncode == 2
    assert "Traceback" in refused.stderr
    assert "is not inside a DATAFLOW project" in refused.stderr


def test_a_reader_that_stops_reading_is_no_error(project_folder: Path) -> None:
    """`dataflow ... | head` ends quietly."""
    done = subprocess.run(
        f"{BIN / 'dataflow'} workflow list --json | true",
        shell=True,
        cwd=project_folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_one_line(project_folder: Path, dataflow: Dataflow) -> None:
    """Also where the system does not say which file it was that it had no room for."""
    state = project_folder / ".dataflow" / "update"
    state.mkdir(parents=True)
    (state / ".gitignore").symlink_to("/dev/full")
    refused = dataflow("workflow", "update", "--all", cwd=project_folder)
    assert refused.returncode == 1
    first, second = refused.stderr.splitlines()
    assert first == "Error: No space left on device."
    assert second.startswith("Free disk space")


def test_init_refuses_a_folder_with_files(
    tmp_path: Path, template_repository: Path, dataflow: Dataflow
) -> None:
    """Nothing that is there is written over."""
    (tmp_path / "mine.txt").write_text("mine")
    refused = dataflow(
        "init", tmp_path, "--template", template_repository, "--defaults", cwd=tmp_path
    )
    assert refused.returncode == 2
    assert "not empty" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.slow
def test_init_with_a_template_that_is_not_there_writes_nothing(
    tmp_path: Path, dataflow: Dataflow
) -> None:
    """A wrong address is named, and no half a project is left."""
    refused = dataflow(
        "init", "shop", "--template", tmp_path / "nowhere", "--defaults", cwd=tmp_path
    )
    assert refused.returncode == 2
    assert "nowhere" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "shop").exists()
