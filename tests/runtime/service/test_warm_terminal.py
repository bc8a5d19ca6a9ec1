"""`dataflow workflow run` by a child of a warm process: as without one, in all that is seen."""

from __future__ import annotations

import json
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.conftest import BIN
from tests.service_fixtures import UNTIL_GO, until, write_project, write_workflow

TELL = """
    import json, os, random, resource, signal, sys
    import numpy
    note(json.dumps({
        "parent": os.getppid(), "argv": sys.argv[1:2], "folder": os.getcwd(), "path": sys.path,
        "umask": os.umask(0o22), "files": resource.getrlimit(resource.RLIMIT_NOFILE),
        "environ": dict(os.environ), "nice": os.nice(0), "stdin": sys.stdin and sys.stdin.read(),
        "streams": [(s.encoding, s.errors, s.line_buffering) for s in (sys.stdout, sys.stderr)],
        "ignored": [n for n in range(1, 32) if signal.getsignal(n) == signal.SIG_IGN],
        "numpy": float(numpy.random.random()), "random": random.random(), "edition": "EDITION",
        "recursion": sys.getrecursionlimit(), "module": __name__,
    }), context.run_id)
"""
pytestmark = pytest.mark.slow

# Of each process its own.
OWN = ("parent", "numpy", "random")


class Terminal:
    """Runs the command in a project, with warm processes in a folder of its own."""

    def __init__(self, root: Path, runtime: Path) -> None:
        self.root = root
        self.places = runtime / "dataflow"
        self.pid = 0
        kept = {k: v for k, v in os.environ.items() if k not in ("CI", "DAGSTER_HOME")}
        self.environ = {**kept, "XDG_RUNTIME_DIR": str(runtime), "DATAFLOW_DAEMON": "1"}

    @contextmanager
    def start(self, *words: str, **more: Any) -> Iterator[subprocess.Popen[str]]:
        """Start `dataflow workflow run`, which ends with the block."""
        settings: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
        settings |= {"stderr": subprocess.PIPE, "env": self.environ, "cwd": self.root} | more
        command = [str(BIN / "dataflow"), "--debug", "workflow", "run", *words]
        with subprocess.Popen(command, text=True, **settings) as process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, *words: str, code: int = 0, **more: Any) -> tuple[str, str]:
        """Run it to its end; what it has printed."""
        with self.start(*words, **more) as process:
            output, errors = process.communicate(timeout=60)
        assert process.returncode == code, f"{output}\n{errors}"
        return output or "", errors or ""

    def told(self) -> dict[str, Any]:
        """What the last run of `telling` saw."""
        lines = (self.root / "journal").read_text().splitlines()
        found = [line for line in lines if line.startswith("telling {")][-1]
        return dict(json.loads(found[found.index("{") : found.rindex("}") + 1]))

    def workers(self) -> list[psutil.Process]:
        """The warm processes that listen."""
        found = []
        for path in self.places.glob("*.sock"):
            with suppress(psutil.Error, ValueError):
                found.append(psutil.Process(int(path.with_suffix(".lock").read_text())))
        return [process for process in found if is_there(process)]

    def worker(self) -> psutil.Process:
        """The warm process of this environment, started if there is none."""
        found = [process for process in self.workers() if process.pid == self.pid]
        if not found:
            self.end_workers()
            self.run("other")
            found = until(self.workers, "the warm process")
            self.pid = found[0].pid
        return found[0]

    def end_workers(self) -> None:
        """End all, and forget those that were killed."""
        workers = self.workers()
        for process in workers:
            process.terminate()
        until(lambda: not any(map(is_there, workers)), "their end")
        for path in self.places.glob("*"):
            path.unlink()

    def begun(self, workflow: str, count: int) -> None:
        """Wait until a workflow's first step has begun so many times."""
        journal = self.root / "journal"
        until(lambda: journal.read_text().count(f"{workflow} begins") >= count, "a first step")

    def count(self, workflow: str) -> int:
        return (self.root / "journal").read_text().count(f"{workflow} begins")


def is_there(process: psutil.Process) -> bool:
    """Whether a process has not ended; one that nobody has waited for has."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


@pytest.fixture(scope="module")
def terminal(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Terminal]:
    folder = tmp_path_factory.mktemp("t")
    root = write_project(folder / "shop")
    write_workflow(root, "telling", TELL.strip())
    write_workflow(root, "other")
    write_workflow(root, "endless", "time.sleep(600)")
    write_workflow(root, "waiting", UNTIL_GO)
    write_workflow(root, "failing", "raise ValueError('no such shop')")
    # The path of a socket has to be short.
    runtime = Path(tempfile.mkdtemp(prefix="df"))
    found = Terminal(root, runtime)
    yield found
    found.end_workers()
    # One that was about to listen, in the place of one that went.
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if str(root) in process.cmdline():
                process.kill()
    shutil.rmtree(runtime)


def test_a_run_sees_what_it_would_see_without(terminal: Terminal) -> None:
    """Arguments, folder, limits, variables, streams and signals; random numbers are its own."""
    worker = terminal.worker()

    def limited() -> None:
        os.umask(0o027)
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, 2048))
        os.nice(1)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    more: dict[str, Any] = {"preexec_fn": limited, "cwd": terminal.root / "src"}
    told = []
    for flags in (["--no-daemon"], [], []):
        _, errors = terminal.run("telling", *flags, **more)
        assert "Running cold" not in errors
        told.append(terminal.told())
    cold, warm, again = told
    assert cold["parent"] == os.getpid()
    assert warm["parent"] == again["parent"] == worker.pid
    assert {k: v for k, v in cold.items() if k not in OWN} == {
        k: v for k, v in warm.items() if k not in OWN
    }
    assert warm["numpy"] != again["numpy"]
    assert warm["random"] != again["random"]


def test_it_prints_and_ends_as_without(terminal: Terminal) -> None:
    """Also what a failing run says, where to, and with which code."""
    terminal.worker()
    for words, code in ((["failing"], 1), (["no_such"], 2)):
        cold = terminal.run(*words, "--no-daemon", code=code)
        warm = terminal.run(*words, code=code)
        assert [clean(text) for text in warm] == [clean(text) for text in cold]
    output, errors = terminal.run("other", "--json")
    assert json.loads(output)["success"]
    assert errors == ""


def clean(text: str) -> list[str]:
    """Without times, ids and frames of the interpreter's own."""
    words = ("after", "Done in", "Failed after", "  ✓", "File", "    ", "waiting")
    return [line for line in text.splitlines() if not line.strip().startswith(words)]


def test_closed_streams_stay_closed(terminal: Terminal) -> None:
    """A file that a run opens must not take the place of standard input unseen."""
    terminal.worker()

    def closed() -> None:
        os.close(0)

    terminal.run("telling", stdin=None, preexec_fn=closed)
    assert terminal.told()["stdin"] is None
    reader, writer = os.pipe()
    os.write(writer, b"typed")
    os.close(writer)
    terminal.run("telling", stdin=reader)
    os.close(reader)
    assert terminal.told()["stdin"] == "typed"


def test_edits_are_seen(terminal: Terminal) -> None:
    """Code and configuration are read by the run, not before."""
    worker = terminal.worker()
    write_workflow(terminal.root, "telling", TELL.strip().replace("EDITION", "second"))
    terminal.run("telling")
    assert (terminal.told()["edition"], terminal.told()["parent"]) == ("second", worker.pid)
    config = terminal.root / "src" / "dataflow" / "workflows" / "telling" / "config.yaml"
    config.write_text(config.read_text().replace("load:", "lood:"))
    assert "lood" in terminal.run("telling", code=2)[1]
    write_workflow(terminal.root, "telling", TELL.strip())


def test_another_environment_gets_another_process(terminal: Terminal) -> None:
    """Any variable that a library might read, another folder of modules, another Python."""
    worker = terminal.worker()
    for name, text in (("OMP_NUM_THREADS", "1"), ("PYTHONPATH", str(terminal.root))):
        environ = {**terminal.environ, name: text, "DATAFLOW_DAEMON": "1"}
        terminal.run("telling", env=environ)
        assert terminal.told()["environ"][name] == text
        assert terminal.told()["parent"] != worker.pid
    environ = {**terminal.environ, "SSH_TTY": "/dev/pts/7"}
    terminal.run("telling", env=environ)
    assert terminal.told()["environ"]["SSH_TTY"] == "/dev/pts/7"
    assert terminal.told()["parent"] == worker.pid


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_run_as_without(terminal: Terminal, number: signal.Signals) -> None:
    """Ctrl-C and `kill`; the exit code is the same."""
    worker = terminal.worker()
    codes = []
    for flags in (["--no-daemon"], []):
        count = terminal.count("endless")
        with terminal.start("endless", *flags) as process:
            terminal.begun("endless", count + 1)
            process.send_signal(number)
            process.communicate(timeout=30)
        codes.append(process.returncode)
    assert codes[0] == codes[1] != 0
    until(lambda: not runs_of(worker), "the end of the child")


def runs_of(worker: psutil.Process) -> list[psutil.Process]:
    found = []
    for child in worker.children():
        with suppress(psutil.Error):
            if child.name() == "dataflow-run":
                found.append(child)
    return found


def test_a_killed_client_takes_its_run_along(terminal: Terminal) -> None:
    """As it would if the run were in it."""
    worker = terminal.worker()
    count = terminal.count("endless")
    with terminal.start("endless") as process:
        terminal.begun("endless", count + 1)
        assert runs_of(worker)
        process.kill()
    until(lambda: not runs_of(worker), "the end of the child")
    terminal.run("other")


def test_a_killed_run_ends_its_client_in_the_same_way(terminal: Terminal) -> None:
    """A shell sees which signal it was."""
    worker = terminal.worker()
    count = terminal.count("endless")
    with terminal.start("endless") as process:
        terminal.begun("endless", count + 1)
        runs_of(worker)[0].kill()
        process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL


def test_a_killed_warm_process_takes_no_run_along(terminal: Terminal) -> None:
    """The run goes on, and its end is known; where it is killed too, that is said."""
    for kills_run in (False, True):
        worker = terminal.worker()
        count = terminal.count("waiting")
        with terminal.start("waiting") as process:
            terminal.begun("waiting", count + 1)
            run = runs_of(worker)[0]
            worker.kill()
            worker.wait(10)
            if kills_run:
                run.kill()
            else:
                (terminal.root / "go").touch()
            _, errors = process.communicate(timeout=30)
        (terminal.root / "go").unlink(missing_ok=True)
        assert process.returncode == int(kills_run)
        assert ("was killed" in errors) == kills_run
        assert terminal.count("waiting") == count + 1
    # What was left behind is in nobody's way.
    assert "Running cold" in terminal.run("other")[1]


def test_who_gets_no_answer_runs_cold_and_says_so(terminal: Terminal) -> None:
    """Such as at a process that ends at this moment."""
    worker = terminal.worker()
    worker.suspend()
    try:
        _, errors = terminal.run("other")
    finally:
        worker.resume()
    assert "Running cold" in errors


def test_a_changed_library_is_seen(terminal: Terminal, tmp_path: Path) -> None:
    """Also one that was changed where it lies."""
    module = tmp_path / "sitecustomize.py"
    module.write_text("EDITION = 'first'\n")
    edited = TELL.strip().replace('"EDITION"', "__import__('sitecustomize').EDITION")
    write_workflow(terminal.root, "telling", edited)
    environ = {**terminal.environ, "PYTHONPATH": str(tmp_path)}
    known = {process.pid for process in terminal.workers()}
    terminal.run("telling", env=environ)
    until(lambda: {p.pid for p in terminal.workers()} - known, "another warm process")
    terminal.run("telling", env=environ)
    told = terminal.told()
    assert (told["edition"], told["parent"] not in (os.getpid(), *known)) == ("first", True)
    module.write_text("EDITION = 'other'\n")
    terminal.run("telling", env=environ)
    assert (terminal.told()["edition"], terminal.told()["parent"]) == ("other", os.getpid())
    write_workflow(terminal.root, "telling", TELL.strip())


def at_terminal(terminal: Terminal, environ: dict[str, str]) -> str:
    """Run `other` with a terminal for all three streams; what was shown there."""
    master, slave = pty.openpty()
    streams = {"stdin": slave, "stdout": slave, "stderr": slave}
    with terminal.start("other", env=environ, **streams) as process:
        os.close(slave)
        shown = b""
        with suppress(OSError):
            while part := os.read(master, 4096):
                shown += part
        process.wait(30)
    os.close(master)
    assert process.returncode == 0, shown
    return shown.decode()


def test_a_terminal_gets_one_by_itself_and_a_pipe_does_not(terminal: Terminal) -> None:
    """After the second run, if CI is not set; progress is shown as without."""
    terminal.end_workers()
    environ = {k: v for k, v in terminal.environ.items() if k != "DATAFLOW_DAEMON"}
    for _ in range(2):
        at_terminal(terminal, {**environ, "CI": "true"})
        assert terminal.run("other", env=environ)[1] == ""
    assert not [*terminal.places.glob("*.log")]
    cold = at_terminal(terminal, environ)
    assert not [*terminal.places.glob("*.log")]
    at_terminal(terminal, environ)
    until(terminal.workers, "the warm process")
    warm = at_terminal(terminal, environ)
    assert "Running cold" in cold
    assert "Running cold" not in warm
    for shown in (cold, warm):
        # As at a terminal: with colours, and short steps only when they have ended.
        assert re.search(r"\033\[32m✓\033\[0m extract_op", shown), shown
        # The cursor is there at the end.
        assert shown.rfind("\033[?25h") >= shown.rfind("\033[?25l")


def test_one_that_is_idle_goes(terminal: Terminal) -> None:
    """It leaves no socket behind."""
    terminal.end_workers()
    environ = {**terminal.environ, "DATAFLOW_DAEMON_IDLE_MINUTES": "0.01"}
    terminal.run("other", env=environ)
    worker = until(terminal.workers, "the warm process")[0]
    until(lambda: not is_there(worker), "its end")
    assert not [*terminal.places.glob("*")]
