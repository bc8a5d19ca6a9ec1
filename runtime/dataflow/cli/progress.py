"""A line on a terminal that says what is being done, and is gone when it is done."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Self, TextIO

import click

from dataflow.cli.screen import is_persons_terminal, width_of_terminal

_WIPE = "\r\033[K"
_SECONDS_BETWEEN_TICKS = 1.0


@contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """Give a function that shows a few words; it does nothing where nobody is watching."""
    if not is_persons_terminal(sys.stderr):
        yield lambda _: None
        return
    try:
        yield lambda words: click.echo(
            f"{_WIPE}{words[: width_of_terminal() - 1]}", nl=False, err=True
        )
    finally:
        click.echo(_WIPE, nl=False, err=True)


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
