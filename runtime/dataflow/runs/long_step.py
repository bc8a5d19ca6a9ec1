"""A step that takes long, told of now and then, where nobody looks at a terminal."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import copy_context
from threading import Event, Thread
from typing import TYPE_CHECKING

from dataflow.shared.progress_words import duration, progress_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dataflow.shared.step_progress import StepProgress

# The first line; every other comes after a tenth of the time so far, so that a night makes no more
# than some hundred lines, and before what watches over builds takes silence for death.
_SECONDS = 30.0
_LONGEST_SECONDS = 300.0


class LongStep:
    """Tells of a step as long as it goes on.

    Args:
        tell: Called in a thread of its own with the line.
        seconds: How long the step has taken when the first line comes.
    """

    def __init__(
        self,
        name: str,
        progress: StepProgress,
        tell: Callable[[str], None],
        seconds: float = _SECONDS,
    ) -> None:
        self._name, self._progress, self._tell, self._seconds = name, progress, tell, seconds
        self._began = time.monotonic()
        self._ended = Event()
        context = copy_context()
        self._telling = Thread(target=context.run, args=(self._go_on,), daemon=True)
        self._telling.start()

    def end(self) -> None:
        """No line comes after this."""
        self._ended.set()
        self._telling.join()

    def _go_on(self) -> None:
        wait = self._seconds
        while not self._ended.wait(wait):
            now = time.monotonic()
            taken = now - self._began
            words = progress_words(self._progress.look(), now)
            self._tell(f"{self._name} goes on for {duration(taken)}{words and f': {words}'}")
            wait = max(self._seconds, min(taken / 10, _LONGEST_SECONDS))


@contextmanager
def logged(name: str, progress: StepProgress) -> Iterator[None]:
    """Log now and then how far a step is, as long as the block takes."""
    # A command that runs no step has no use for it.
    from dataflow.shared.logging import get_logger

    progress.begin_step()
    step = LongStep(name, progress, get_logger(__name__).info)
    try:
        yield
    finally:
        step.end()
