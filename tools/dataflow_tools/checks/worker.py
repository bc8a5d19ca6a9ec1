"""A process of its own for what may end the process it runs in: other people's code.

``multiprocessing`` is not used: it would hand its start method on to dbt and Dagster, and report
the semaphores that they leave behind when they are killed.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import traceback
from contextlib import suppress
from importlib import import_module
from queue import Empty, SimpleQueue
from typing import IO, TYPE_CHECKING, Any

from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Callable


class WorkerLostError(DataflowError):
    """The process ended, or did not answer in time."""


class Worker:
    """Answers requests in another process, one after the other; a new one if that one is lost.

    Args:
        answer: A function of a module, called there with each request. What it prints is dropped.
        prepare: Called there once before the first request, to import what is slow to import.
        limit: Seconds that one request may take.
    """

    def __init__(
        self, answer: Callable[[Any], Any], prepare: Callable[[], None], limit: float = 120.0
    ) -> None:
        self._functions = [f"{each.__module__}:{each.__name__}" for each in (prepare, answer)]
        self._limit = limit
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: SimpleQueue[tuple[str, Any]] = SimpleQueue()

    def start(self) -> None:
        """Start the process, so that it is ready by the time of the first request."""
        self._running()

    def send(self, request: Any) -> None:
        """Hand over a request; its answer is to be received before the next one."""
        pipe = self._running().stdin
        # If the process is gone, receiving says so.
        with suppress(BrokenPipeError):
            if pipe is not None:
                pickle.dump(request, pipe)
                pipe.flush()

    def receive(self) -> Any:
        """Wait for the answer to the last request.

        Raises:
            WorkerLostError: The process ended or did not answer in time.
        """
        try:
            fault, result = self._answers.get(timeout=self._limit)
        except Empty:
            fault, result = f"it was not done after {self._limit:.0f} s", None
        if not fault:
            return result
        self.close()
        raise WorkerLostError(fault, "Run its tests to see what it does.")

    def ask(self, request: Any) -> Any:
        """Hand over a request and wait for the answer; raises what `receive` raises."""
        self.send(request)
        return self.receive()

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            # The current folder may hold files with the names of modules: -P keeps it out.
            command = [sys.executable, "-P", "-m", __spec__.name, *self._functions]
            errors = None if os.environ.get("DATAFLOW_DEBUG") else subprocess.DEVNULL
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
            self._answers = SimpleQueue()
            threading.Thread(
                target=_listen, args=(self._process, self._answers), daemon=True
            ).start()
        return self._process


def _listen(process: subprocess.Popen[bytes], answers: SimpleQueue[tuple[str, Any]]) -> None:
    while process.stdout is not None:
        try:
            # What comes is what `_serve` writes, in a process of our own.
            answers.put(pickle.load(process.stdout))  # noqa: S301
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            code = process.wait()
            answers.put((f"it ended the process (exit code {code})", None))
            return


def _serve(requests: IO[bytes], answers: IO[bytes], functions: list[str]) -> None:
    prepare, answer = (
        getattr(import_module(module), name)
        for module, _, name in (function.partition(":") for function in functions)
    )
    prepare()
    while True:
        try:
            request = pickle.load(requests)  # noqa: S301 - from the process that started this one
        except EOFError:
            return
        try:
            result = ("", answer(request))
        except Exception as error:
            traceback.print_exc()
            result = (f"it failed: {type(error).__name__}: {error}", None)
        pickle.dump(result, answers)
        answers.flush()


def _main() -> None:
    """Keep the pipes for requests and answers, and give everybody else the null device."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    _serve(requests, answers, sys.argv[1:])
    # Threads that other people's code has started shall not keep the process alive.
    os._exit(0)


if __name__ == "__main__":
    _main()
