"""Processes of this Python: forked from one that has libraries loaded, or each by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataflow_tools.checks.python_processes import PythonProcess, PythonProcesses

PROGRAM = """
import atexit, json, os, sys, threading, time

def at_end():
    with open("ended", "w") as file:
        file.write("yes")

if __name__ == "__main__":
    if sys.argv[1] == "hang":
        open("hangs", "w").close()
        threading.Event().wait()
    if sys.argv[1] == "leave":
        os._exit(4)
    if sys.argv[1] == "fail":
        raise ValueError("no such thing")
    atexit.register(at_end)
    facts = [sys.argv, os.getcwd(), sys.path[0] == os.getcwd()]
    facts += [os.environ.get("OWN"), __spec__.name]
    facts += [sorted(map(int, os.listdir("/proc/self/fd")))[:3], sys.stdin.read()]
    print(json.dumps(facts), flush=True)
    sys.exit(3)
"""
# In the parent: a library that is there already, and reads a variable when it is loaded.
LIBRARY = 'import os\nVALUE = os.environ.get("LIBRARY_VALUE", "")\n'
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only there processes are forked")


@pytest.fixture(
    params=["alone", *(pytest.param(way, marks=LINUX) for way in ("forked", "trained"))]
)
def processes(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PythonProcesses]:
    """All ways, with the program and the library where Python finds them."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "some_program.py").write_text(PROGRAM)
    (modules / "some_library.py").write_text(LIBRARY)
    monkeypatch.setenv("PYTHONPATH", str(modules))
    is_forked = request.param != "alone"
    made = PythonProcesses(["some_library"] if is_forked else [], train=request.param == "trained")
    yield made
    if made._parent is not None:
        # Else each process would have been started by itself.
        assert made._parent.poll() is None
    made.close()


def start(processes: PythonProcesses, folder: Path, *arguments: str, **more: bool) -> PythonProcess:
    """Start a program whose output is in the file ``words``."""
    environ = {**os.environ, "OWN": "own"}
    with Path(os.devnull).open("rb") as nothing, (folder / "words").open("wb") as words:
        streams = (nothing, words, words)
        return processes.start(arguments, streams, folder=folder, environ=environ, **more)


@pytest.mark.slow
@pytest.mark.parametrize("is_safe", [True, False])
def test_each_is_what_python_makes_of_a_module(
    processes: PythonProcesses, tmp_path: Path, is_safe: bool
) -> None:
    """Its words, folder, variables, exit code, standard streams, and what is done at its end."""
    process = start(processes, tmp_path, "some_program", "a", "b", is_safe=is_safe)
    assert process.wait() == 3
    assert process.poll() == 3
    program = str(tmp_path / "modules" / "some_program.py")
    words, *facts = json.loads((tmp_path / "words").read_text())
    assert words == [program, "a", "b"]
    assert facts[:4] == [str(tmp_path), not is_safe, "own", "some_program"]
    assert facts[4] == [0, 1, 2]
    assert facts[5] == ""
    assert (tmp_path / "ended").read_text() == "yes"


@pytest.mark.slow
def test_whatever_ends_it_is_told(processes: PythonProcesses, tmp_path: Path) -> None:
    """Leaving, an error with its traceback, being killed; and the next one starts as before."""
    assert start(processes, tmp_path, "some_program", "leave").wait() == 4
    assert start(processes, tmp_path, "some_program", "fail").wait() == 1
    assert "ValueError: no such thing" in (tmp_path / "words").read_text()
    hanging = start(processes, tmp_path, "some_program", "hang")
    assert hanging.poll() is None
    hanging.kill()
    assert hanging.wait() == -signal.SIGKILL
    assert start(processes, tmp_path, "some_program", "").wait() == 3


@pytest.mark.slow
@LINUX
def test_those_that_run_end_with_who_started_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left behind; and what nobody can tell any more is no success."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "some_program.py").write_text(PROGRAM)
    for is_killed in (False, True):
        processes = PythonProcesses(["json"])
        hanging = start(processes, tmp_path, "some_program", "hang")
        assert processes._parent is not None
        if is_killed:
            assert isinstance(processes._parent, subprocess.Popen)
            processes._parent.kill()
        processes.close()
        assert hanging.wait() == -signal.SIGKILL


@pytest.mark.slow
def test_tests_do_not_see_that_libraries_are_loaded(
    processes: PythonProcesses, tmp_path: Path
) -> None:
    """A project's own module of a library's name is meant; what conftest.py sets is read."""
    shadowed, setting, plain = (tmp_path / name for name in ("shadowed", "setting", "plain"))
    library = "import some_library\n\n\ndef test_it():\n    assert some_library."
    for folder, told in ((shadowed, "OWN"), (setting, "VALUE"), (plain, "VALUE == ''")):
        (folder / "tests").mkdir(parents=True)
        (folder / "tests" / "test_it.py").write_text(f"{library}{told}\n")
    (shadowed / "some_library.py").write_text("OWN = True\n")
    (setting / "conftest.py").write_text('import os\nos.environ["LIBRARY_VALUE"] = "set"\n')
    for folder in (shadowed, setting, plain):
        run = (
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            f"--rootdir={folder}",
            str(folder / "tests"),
        )
        ended = start(processes, folder, *run, is_safe=False).wait()
        assert ended == 0, (folder / "words").read_text()


@LINUX
@pytest.mark.slow
def test_a_parent_that_dies_while_it_loads_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is nobody's workflow that has ended it: each process is started by itself."""
    (tmp_path / "dies.py").write_text("import os\nos._exit(5)\n")
    (tmp_path / "some_program.py").write_text("raise SystemExit(7)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    processes = PythonProcesses(["dies"])
    with (tmp_path / "words").open("wb") as words:
        process = processes.start(["some_program"], (words, words, words))
    assert process.wait() == 7
    processes.close()


FORKING = """
import os, sys, threading
from pathlib import Path
from dataflow_tools.checks.python_processes import PythonProcesses

if sys.argv[1] == "thread":
    threading.Thread(target=threading.Event().wait, daemon=True).start()
print("said before")
processes = PythonProcesses(["some_library"], fork=sys.argv[1] != "alone")
kind = type(processes._parent).__name__
with open(os.devnull, "rb") as nothing, open("words", "wb") as words:
    streams = (nothing, words, words)
    process = processes.start(["some_program", "run"], streams, folder=Path())
    hanging = processes.start(["some_program", "hang"], streams, folder=Path())
    print(kind, process.wait(), hanging.poll())
processes.close()
print(hanging.wait())
"""


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "parent"), [("alone", "Popen"), ("fork", "ForkedParent"), ("thread", "Popen")]
)
def test_a_process_that_has_libraries_is_forked_if_it_can_be(
    tmp_path: Path, way: str, parent: str
) -> None:
    """What runs is the same; a process with a thread is not forked: the other would lack it."""
    for name, text in (("program", PROGRAM), ("library", LIBRARY)):
        (tmp_path / f"some_{name}.py").write_text(text)
    environ = {**os.environ, "PYTHONPATH": str(tmp_path), "OWN": "own"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", FORKING, way],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["said before", f"{parent} 3 None", "-9"]
    assert done.stderr == ""
    words = (tmp_path / "words").read_text()
    assert json.loads(words) == [
        [str(tmp_path / "some_program.py"), "run"],
        *(str(tmp_path), True, "own", "some_program", [0, 1, 2], ""),
    ]
    assert (tmp_path / "ended").exists()
