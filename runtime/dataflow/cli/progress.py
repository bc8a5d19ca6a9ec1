"""One line on a terminal that says what is being done, and is gone when it is done."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["progress_line"]

_WIPE = "\r\033[K"
_WIDTH = 100


@contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """Give a function that shows a few words; it does nothing where nobody is watching."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    try:
        yield lambda words: click.echo(f"{_WIPE}{words[:_WIDTH]}", nl=False, err=True)
    finally:
        click.echo(_WIPE, nl=False, err=True)
