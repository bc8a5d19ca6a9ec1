"""How a command's answer is shown: tables and trees at a person's terminal, plain lines elsewhere.

The one place that decides. What is plain is for programs and stays as it is, byte for byte; what
a terminal shows may change with any version. Rich is imported for a terminal only: it takes time.
"""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from rich.console import Console

# What a word in a table or tree tells at a glance.
_STYLES = {
    "ok": "green",
    "✓": "green",
    "✗": "red",
    "!": "yellow",
    "broken": "red",
    "now": "green",
    "up to date": "green",
    "unknown": "red",
}


@dataclass
class Branch:
    """A line of a tree, and what hangs below it."""

    words: str
    mark: str = ""
    is_heading: bool = False
    below: list[Branch] = field(default_factory=list)


def has_colours() -> bool:
    """Whether colours are wanted: not where NO_COLOR says something (https://no-color.org)."""
    return not os.environ.get("NO_COLOR")


def is_persons_terminal(stream: TextIO) -> bool:
    """Whether somebody looks at what is written, on a terminal that can go back in a line."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def width_of_terminal(terminal: TextIO | None = None) -> int:
    """How many characters fit into a line.

    Args:
        terminal: Which is asked; None for standard output, as it is now.
    """
    columns = 0
    if terminal is not None and not os.environ.get("COLUMNS"):
        with suppress(OSError, ValueError):
            columns = os.get_terminal_size(terminal.fileno()).columns
    return max(columns or shutil.get_terminal_size().columns, 20)


def show_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Show a table, if somebody looks; the columns are as wide as their words and the screen.

    Args:
        heads: The titles of the columns; one that begins with ``>`` is of numbers.

    Returns:
        Whether it was shown; if not, the caller prints its plain lines.
    """
    console = _console()
    if console is None:
        return False
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for number, head in enumerate(heads):
        table.add_column(
            head.removeprefix(">"),
            justify="right" if head.startswith(">") else "left",
            # What a row is called is never cut.
            no_wrap=number == 0,
            overflow="fold",
        )
    for row in rows:
        # Text, since brackets in a name are no markup.
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    console.print(table)
    return True


def show_tree(top: Branch) -> bool:
    """Show a tree, if somebody looks.

    Returns:
        Whether it was shown; if not, the caller prints its plain lines.
    """
    console = _console()
    if console is None:
        return False
    from rich.tree import Tree

    tree = Tree(_label(top))
    _grow(tree, top)
    console.print(tree)
    return True


def _grow(tree: Any, branch: Branch) -> None:
    for each in branch.below:
        _grow(tree.add(_label(each)), each)


def _label(branch: Branch) -> Any:
    from rich.text import Text

    text = Text(style="bold" if branch.is_heading else "")
    if branch.mark:
        text.append(f"{branch.mark} ", style=_STYLES.get(branch.mark, ""))
    return text.append(branch.words)


def _console() -> Console | None:
    """Rich's console on standard output; None where it is no person's terminal."""
    if not is_persons_terminal(sys.stdout):
        return None
    try:
        from rich.console import Console
    except ImportError:
        # It comes with Dagster; without the extra `run` there is none.
        return None
    return Console(
        file=sys.stdout, width=width_of_terminal(), highlight=False, no_color=not has_colours()
    )
