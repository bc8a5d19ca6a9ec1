"""A process that has libraries loaded, and forks the processes in which workflows are tried out.

It loads, forks and waits, and does nothing else: no code of a project's is imported here, no
database is open and no thread runs. A child is what ``python -m MODULE`` would be; where what is
loaded could make a difference, it begins anew. It ends with who has started it, and so do they.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress
from importlib import import_module, invalidate_caches
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

_TESTS = "pytest"
# Said once, when all is loaded.
READY = b"R"
# What a file of pytest's says that sets variables, which libraries read when they are loaded.
_SETS_VARIABLES = ("environ", "putenv", "setenv")


def main() -> None:
    """Load, then fork for each request until nobody is there any more."""
    parser = argparse.ArgumentParser(prog=f"python -m {__spec__.name}")
    parser.add_argument("control", type=int)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("modules", nargs="*")
    chosen = parser.parse_args()
    # The terminal's Ctrl-C is for who has started this, and for the children.
    interrupted = signal.signal(signal.SIGINT, signal.SIG_IGN)
    _load(chosen.modules, train=chosen.train)
    _Parent(socket.socket(fileno=chosen.control), interrupted).serve()
    os._exit(0)


class ForkedParent:
    """Such a process, forked from one that had most libraries loaded already."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self._end(os.WNOHANG)

    def wait(self) -> int:
        """Wait until it has ended."""
        code = self._end(0)
        return 0 if code is None else code

    def _end(self, options: int) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self._pid, options)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code


def fork_parent(
    control: socket.socket, modules: Sequence[str], others: Sequence[socket.socket]
) -> ForkedParent | None:
    """Fork the process that loads the rest from this one.

    Args:
        control: Where it is asked.
        others: What is not its to keep open.

    Returns:
        None where a child might lack something: threads run here, or a standard stream is closed.
    """
    from dataflow.service.warm_libraries import WarmingError, check_threads
    from dataflow.service.warm_terminal import leave_terminal

    streams = (sys.stdin, sys.stdout, sys.stderr)
    if any(stream is None or stream.closed for stream in streams):
        return None
    try:
        check_threads()
    except WarmingError:
        return None
    for stream in streams[1:]:
        # What is not written yet would be so twice.
        stream.flush()
    pid = os.fork()
    if pid:
        return ForkedParent(pid)
    try:
        interrupted = signal.signal(signal.SIGINT, signal.SIG_IGN)
        for each in others:
            each.close()
        nothing = os.open(os.devnull, os.O_RDWR)
        is_told = bool(os.environ.get("DATAFLOW_DEBUG"))
        for number in (0, 1) if is_told else (0, 1, 2):
            os.dup2(nothing, number)
        os.close(nothing)
        leave_terminal()
        _load([*modules], train=False)
        _Parent(control, interrupted).serve()
    finally:
        os._exit(0)


def _load(modules: list[str], *, train: bool) -> None:
    from dataflow.service import warm_training
    from dataflow.shared.importing import collect_seldom, importing

    # Also in the children, each of which tries out one workflow.
    collect_seldom()
    with importing():
        for name in modules:
            # Not everything is installed everywhere.
            with suppress(ImportError):
                import_module(name)
        # What the dry run and the tests of one workflow both do, once for both of them.
        steps = [warm_training.start_resource_tracker, warm_training.train_inspect]
        steps += [warm_training.train_dbt_schemas] if "dbt" in sys.modules else []
        if train:
            steps += [warm_training.train_dagster]
            steps += [warm_training.train_dbt] if "dbt" in sys.modules else []
        for step in steps:
            # It only saves time.
            with suppress(Exception):
                step()
        with suppress(ImportError):
            warm_training.end_duckdb()
    gc.collect()
    gc.freeze()


class _Parent:
    def __init__(self, control: socket.socket, interrupted: Any) -> None:
        self._control = control
        self._interrupted = interrupted
        self._can_fork = _is_alone()
        # By process id, whom to tell how it ended.
        self._children: dict[int, socket.socket] = {}
        self._wake, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._waker)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        self._control.sendall(READY)
        while True:
            waited_for = [self._control, self._wake, *self._children.values()]
            ready, _, _ = select.select(waited_for, [], [])
            if self._wake in ready:
                os.read(self._wake, 4096)
            for pid, connection in self._children.items():
                if connection in ready:
                    # Who asked for it wants it no more.
                    os.kill(pid, signal.SIGKILL)
            self._reap()
            if self._control in ready and not self._accept():
                break
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)

    def _accept(self) -> bool:
        """Fork for a request; whether anybody is there still."""
        try:
            _, received, _, _ = socket.recv_fds(self._control, 1, 4)
            if not received:
                return False
            request = json.loads(self._receive(int.from_bytes(self._receive(4), "big")))
        except (ConnectionError, ValueError):
            return False
        connection = socket.socket(fileno=received[0])
        pid = os.fork()
        if pid == 0:
            self._become(request, received[1:], connection)
        for each in received[1:]:
            os.close(each)
        self._children[pid] = connection
        return True

    def _receive(self, length: int) -> bytes:
        text = b""
        while len(text) < length:
            part = self._control.recv(length - len(text))
            if not part:
                raise ConnectionError
            text += part
        return text

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            connection = self._children.pop(pid, None)
            if connection is not None:
                with connection, suppress(OSError):
                    connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())

    def _become(
        self, request: dict[str, Any], streams: list[int], connection: socket.socket
    ) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, self._interrupted)
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            for each in (self._control, connection, *self._children.values()):
                each.close()
            for descriptor in (self._wake, self._waker, *streams):
                os.close(descriptor)
            os.environ.clear()
            os.environ.update(request["environ"])
            os.chdir(request["folder"])
            code = _run(request["arguments"], is_safe=request["is_safe"], anew=not self._can_fork)
        except BaseException:
            traceback.print_exc()
        os._exit(code)


def _run(arguments: list[str], *, is_safe: bool, anew: bool) -> int:
    """Do what ``python -m`` does with these arguments, in a child; returns the exit code."""
    if anew or (arguments[0] == _TESTS and _is_met_otherwise(arguments)):
        flags = ["-P"] if is_safe else []
        os.execv(sys.executable, [sys.executable, *flags, "-m", *arguments])  # noqa: S606 - as intended
    if not is_safe and not os.environ.get("PYTHONSAFEPATH"):
        sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as Python does
    # Folders that were looked into while the libraries were loaded may have changed since.
    invalidate_caches()
    with suppress(ImportError):
        from dataflow.service.warm_request import reseed

        reseed()
    sys.argv = list(arguments)
    if not hasattr(sys.modules.get(arguments[0]), "__path__"):
        # It is to be run, whoever has imported it here.
        sys.modules.pop(arguments[0], None)
    code = 0
    try:
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    # Threads that tests have left do not keep the process alive.
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    return code


def _is_met_otherwise(arguments: list[str]) -> bool:
    """Whether tests would see that libraries are loaded before pytest is."""
    folder = Path.cwd()
    # Modules of the project that stand before libraries of the same name.
    names = {path.stem for path in folder.glob("*.py")} | {
        path.parent.name for path in folder.glob("*/__init__.py")
    }
    if names & sys.modules.keys():
        return True
    # Plug-ins that pytest rewrites, with their packages, when it loads them.
    for point in entry_points(group="pytest11"):
        parts = point.module.split(".")
        for count in range(1, len(parts) + 1):
            loaded = sys.modules.get(".".join(parts[:count]))
            if loaded is not None and getattr(loaded, "__file__", None) is not None:
                return True
    given = [path for each in arguments[1:] if (path := Path(each)).is_dir()]
    within = {*given, *(parent for path in given for parent in path.absolute().parents)}
    files = {place / "conftest.py" for place in within}
    files.update(file for path in given for file in path.rglob("conftest.py"))
    return any(_sets_variables(file) for file in files if file.is_file())


def _sets_variables(file: Path) -> bool:
    text = file.read_text(encoding="utf-8", errors="replace")
    return any(word in text for word in _SETS_VARIABLES)


def _is_alone() -> bool:
    """Whether no thread runs: a child would lack it, and could wait for what it holds."""
    from dataflow.service.warm_libraries import WarmingError, check_threads

    try:
        check_threads()
    except WarmingError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return False
    return True


if __name__ == "__main__":
    main()
