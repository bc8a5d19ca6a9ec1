"""A process of its own for other people's code: what becomes of it, and of us."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator

import pytest

from dataflow_tools.checks.worker import Worker, WorkerLostError


def answer(request: object) -> object:
    """Runs in the worker: does what the request names."""
    if request == "leave":
        os._exit(3)
    if request == "raise":
        raise ValueError("no such thing")
    if request == "hang":
        threading.Event().wait()
    if request == "talk":
        sys.stdout.write("talk\n" * 100_000)
        return sys.stdin.read()
    return os.getpid()


def prepare() -> None:
    """Runs in the worker, once."""


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    # The worker imports this file by its name, as it imports the library's own functions.
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(__file__))  # noqa: PTH120
    monkeypatch.setattr(answer, "__module__", "test_worker")
    monkeypatch.setattr(prepare, "__module__", "test_worker")
    made = Worker(answer, prepare, limit=20)
    yield made
    made.close()


def test_it_answers_again_and_again_in_one_other_process(worker: Worker) -> None:
    """The process stays, so that what is slow to import is imported once."""
    first = worker.ask("who")
    assert first == worker.ask("who")
    assert first != os.getpid()


@pytest.mark.slow
def test_a_process_that_ends_is_told_apart_and_replaced(worker: Worker) -> None:
    """Code that ends the process costs its own answer and no other."""
    first = worker.ask("who")
    with pytest.raises(WorkerLostError, match="exit code 3"):
        worker.ask("leave")
    assert worker.ask("who") not in (first, os.getpid())


def test_a_fault_of_ours_is_told(worker: Worker) -> None:
    """What the asked function raises is not mistaken for an answer."""
    with pytest.raises(WorkerLostError, match="ValueError: no such thing"):
        worker.ask("raise")


@pytest.mark.slow
def test_what_hangs_is_given_up(worker: Worker) -> None:
    """A request has a limit; the next one gets a new process."""
    worker.ask("who")
    worker._limit = 0.2
    with pytest.raises(WorkerLostError, match=r"not done after"):
        worker.ask("hang")
    worker._limit = 20
    assert worker.ask("who")


def test_output_and_input_of_the_code_do_not_get_into_the_answers(worker: Worker) -> None:
    """What code writes goes nowhere, and what it wants to read is empty."""
    assert worker.ask("talk") == ""


def test_closing_ends_the_process(worker: Worker) -> None:
    """Nothing is left running."""
    pid = int(worker.ask("who"))
    worker.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
