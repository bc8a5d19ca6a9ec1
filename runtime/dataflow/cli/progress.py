"""A line on a terminal that says what is being done, and is gone when it is done."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Self, TextIO

import click

from dataflow.cli.screen import is_persons_terminal, width_of_terminal
from dataflow.shared.progress_words import duration

_WIPE = "\r\033[K"
_SECONDS_BETWEEN_TICKS = 1.0
_COUNTED = re.compile(r"(.*?)(\d+) of (\d+)\b")


@contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """Give a function that shows a few words, and for how long they have been true.

    Of words such as ``planning 3 of 100`` it is shown how long the others will take. It does
    nothing where nobody is watching; no words are an empty line.
    """
    if not is_persons_terminal(sys.stderr):
        yield lambda _: None
        return
    line = _Words()
    try:
        yield line.show
    finally:
        line.end()


class _Words:
    """Words on standard error that are shown anew each second, with what time does to them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._words = self._doing = ""
        self._since = self._began = time.monotonic()
        self._ended = threading.Event()
        self._ticking = threading.Thread(target=self._tick, daemon=True)
        self._ticking.start()

    def show(self, words: str) -> None:
        counted, now = _COUNTED.match(words), time.monotonic()
        with self._lock:
            doing = counted[1] if counted else ""
            if doing != self._doing:
                self._doing, self._began = doing, now
            self._words, self._since = words, now
            self._write(words)

    def end(self) -> None:
        self._ended.set()
        self._ticking.join()
        self._write("")

    def _tick(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_TICKS):
            with self._lock:
                # Below no words somebody else may be writing.
                if self._words:
                    self._write(f"{self._words}{self._time()}")

    def _time(self) -> str:
        now = time.monotonic()
        counted = _COUNTED.match(self._words)
        done, all_ = (int(counted[2]) - 1, int(counted[3])) if counted else (0, 0)
        seconds = f"  {duration(now - self._since)}"
        if not done:
            return seconds
        left = (self._since - self._began) / done * (all_ - done) - (now - self._since)
        return f"{seconds} · about {duration(left)} left" if left >= 1 else seconds

    @staticmethod
    def _write(words: str) -> None:
        click.echo(f"{_WIPE}{words[: width_of_terminal(sys.stderr) - 1]}", nl=False, err=True)


class SecondsLine:
    """A line on a terminal that says what goes on and for how many seconds it has.

    It writes to where standard output went before: Dagster takes that over while a job runs, and
    what is printed last can get lost on its way. Where nobody is watching, only whole lines are
    printed. Use it as a context, at whose end the line is
    gone, come what may.
    """

    def __init__(self) -> None:
        self._output: TextIO | None = None
        self._is_unread = False
        self._terminal: TextIO | None = None
        self._ended = threading.Event()
        self._ticking: threading.Thread | None = None

    def __enter__(self) -> Self:
        # Standard output need not be a file.
        with suppress(OSError):
            self._output = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
        if is_persons_terminal(sys.stdout):
            self._terminal = self._output
        return self

    def __exit__(self, *_: object) -> None:
        self._wipe()
        if self._output is not None:
            with suppress(BrokenPipeError):
                self._output.close()

    def count(self, words: str) -> None:
        """Count the seconds behind some words, in place of what was counted before."""
        self._wipe()
        if self._terminal is not None:
            self._ended = threading.Event()
            arguments = (words, self._terminal, self._ended)
            self._ticking = threading.Thread(target=_tick, args=arguments, daemon=True)
            self._ticking.start()

    def say(self, text: str) -> None:
        """Print a line that stays, in place of what was counted."""
        self._wipe()
        if self._is_unread:
            return
        try:
            click.echo(text, file=self._output)
        except BrokenPipeError:
            # Nobody reads on, as behind `| head`: what is told about has to be done all the same.
            self._is_unread = True

    def _wipe(self) -> None:
        if self._ticking is not None:
            self._ended.set()
            self._ticking.join()
            self._ticking = None


def _tick(words: str, terminal: TextIO, ended: threading.Event) -> None:
    began = time.monotonic()
    while True:
        seconds = time.monotonic() - began
        click.echo(f"{_WIPE}{words} {seconds:6.0f} s", nl=False, file=terminal)
        if ended.wait(_SECONDS_BETWEEN_TICKS):
            break
    click.echo(_WIPE, nl=False, file=terminal)
