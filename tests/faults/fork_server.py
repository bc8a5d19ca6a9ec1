"""A process that has imported everything once and runs each command in a fork of itself.

A run of a fork is the whole command line in a process of its own, which can be killed, limited
and stopped like any other; only the seconds that imports take are saved. The child can be told to
die, stop or fail at a named call of a function, which is how a test hits the middle of a step.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn

IMPORTED = (
    "dagster",
    "dagster._core.execution.api",
    "dagster._core.storage.event_log",
    "dataflow.cli.main",
    "dataflow.cli.workflow_run",
    "dataflow.publish.parquet",
    "dataflow.sources.api.reader",
    "dataflow.sources.file.reader",
    "dataflow.sources.api.pages",
    "dataflow.modelling.build",
    "dataflow.runs.run",
    "dataflow.runs.steps",
    "dataflow.stages.apply",
    "dbt.adapters.duckdb.connections",
    "dbt.cli.main",
    "duckdb",
    "pandas",
    "pyarrow.parquet",
    "sqlalchemy",
    "tenacity",
)


def hook(target: str, call: int, when: str, action: str, matching: str = "") -> None:
    """Have something happen before or after the n-th call of a function, counted from 1.

    Only calls whose arguments have the text ``matching`` in them count.
    """
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    original = getattr(owner, name)
    calls = 0

    def called(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        if matching not in f"{args} {kwargs}":
            return original(*args, **kwargs)
        calls += 1
        if calls == call and when == "before":
            act(action)
        result = original(*args, **kwargs)
        if calls == call and when == "after":
            act(action)
        return result

    setattr(owner, name, called)


def act(action: str) -> None:
    """Do to this process what happens to it."""
    os.kill(os.getpid(), {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}[action])
    # A signal to oneself may reach another thread first.
    while action == "kill":
        signal.pause()


def trace(path: str) -> None:
    """Write down what makes data durable and visible, in its order: a line of JSON for each."""
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("os.rename", "os.mkdir"):
            paths = [os.path.realpath(path) for path in arguments if isinstance(path, str | Path)]
            os.write(log, f"{json.dumps([event, *paths])}\n".encode())

    fsync = os.fsync

    def traced_fsync(file: Any) -> None:
        fsync(file)
        number = file if isinstance(file, int) else file.fileno()
        synced = os.path.realpath(f"/proc/self/fd/{number}")
        os.write(log, f"{json.dumps(['fsync', synced])}\n".encode())

    # Renames and new folders tell Python's audit hooks of themselves; syncs do not.
    sys.addaudithook(note)
    os.fsync = traced_fsync  # type: ignore[assignment]


def become(request: dict[str, Any]) -> NoReturn:
    """Turn this fork into the command, and end with its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for stream, number in (("out", 1), ("err", 2)):
        file = os.open(request[stream], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.environ.update(request["env"])
    time.tzset()
    os.chdir(request["cwd"])
    for name, limit in request["limits"].items():
        if name == "RLIMIT_AS":
            # Beyond what the imports have taken already.
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            limit += pages * resource.getpagesize()
        resource.setrlimit(getattr(resource, name), (limit, limit))
    for target, value in request["values"].items():
        module, _, name = target.partition(":")
        setattr(importlib.import_module(module), name, value)
    for spec in request["hooks"]:
        hook(**spec)
    if request["trace"]:
        trace(request["trace"])
    sys.argv = ["dataflow", *request["argv"]]
    from dataflow.cli.main import main

    code: Any = 1
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        # What the interpreter itself would do.
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    # Libraries that were imported before the fork wait at exit for threads that it did not copy.
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def serve() -> None:
    """Take requests from standard input; tell on standard output what becomes of each."""
    tell = os.fdopen(os.dup(1), "w", buffering=1)

    def reap(*_: Any) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if os.WIFSTOPPED(status):
                tell.write(json.dumps({"pid": pid, "stopped": True}) + "\n")
            else:
                code = os.waitstatus_to_exitcode(status)
                tell.write(json.dumps({"pid": pid, "code": code}) + "\n")

    for name in IMPORTED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, reap)
    tell.write(json.dumps({"ready": True}) + "\n")
    for line in sys.stdin:
        request = json.loads(line)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid == 0:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            become(request)
        tell.write(json.dumps({"id": request["id"], "pid": pid}) + "\n")
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


if __name__ == "__main__":
    serve()
