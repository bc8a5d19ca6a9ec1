"""A process of its own for what may end the process it runs in: other people's code.

``multiprocessing`` is not used: it would hand its start method on to dbt and Dagster, and report
the semaphores that they leave behind when they are killed.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
import traceback
from contextlib import suppress
from importlib import import_module
from queue import Empty, SimpleQueue
from typing import IO, TYPE_CHECKING, Any

from dataflow.shared.errors import DataflowError
from dataflow_tools.checks.python_processes import PythonProcesses

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow_tools.checks.python_processes import PythonProcess


class WorkerLostError(DataflowError):
    """The process ended, or did not answer in time."""


class Worker:
    """Answers requests in another process, one after the other; a new one if that one is lost.

    Args:
        answer: A function of a module, called there with each request. What it prints is dropped.
        prepare: Called there once before the first request, to import what is slow to import.
        limit: Seconds that one request may take.
        processes: What starts it.
    """

    def __init__(
        self,
        answer: Callable[[Any], Any],
        prepare: Callable[[], None],
        limit: float = 120.0,
        processes: PythonProcesses | None = None,
    ) -> None:
        self._functions = [f"{each.__module__}:{each.__name__}" for each in (prepare, answer)]
        self._limit = limit
        self._processes = processes or PythonProcesses()
        self._process: PythonProcess | None = None
        self._requests: IO[bytes] | None = None
        self._answers: SimpleQueue[tuple[str, Any]] = SimpleQueue()

    def start(self) -> None:
        """Start the process, so that it is ready by the time of the first request."""
        self._running()

    def send(self, request: Any) -> None:
        """Hand over a request; its answer is to be received before the next one."""
        pipe = self._running()
        # If the process is gone, receiving says so.
        with suppress(BrokenPipeError):
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
        requests, self._requests = self._requests, None
        if process is not None:
            process.kill()
            process.wait()
        if requests is not None:
            with suppress(OSError):
                requests.close()

    def _running(self) -> IO[bytes]:
        """The pipe to the process, which is started if there is none."""
        if self._requests is None:
            theirs, ours = os.pipe()
            answers, written = os.pipe()
            errors = 2 if os.environ.get("DATAFLOW_DEBUG") else os.open(os.devnull, os.O_WRONLY)
            streams = (theirs, written, errors)
            self._process = self._processes.start([__spec__.name, *self._functions], streams)
            for descriptor in {*streams} - {2}:
                os.close(descriptor)
            self._requests = os.fdopen(ours, "wb")
            self._answers = SimpleQueue()
            listening = (self._process, os.fdopen(answers, "rb"), self._answers)
            threading.Thread(target=_listen, args=listening, daemon=True).start()
        return self._requests


def _listen(process: PythonProcess, pipe: IO[bytes], answers: SimpleQueue[tuple[str, Any]]) -> None:
    with pipe:
        while True:
            try:
                # What comes is what `_serve` writes, in a process of our own.
                answers.put(pickle.load(pipe))  # noqa: S301
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
