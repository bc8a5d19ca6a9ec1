"""The steps of a run at a person's terminal: what goes on, for how long, and how fast it was."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from dataflow.cli.progress import SecondsLine
from dataflow.cli.screen import has_colours, width_of_terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType
    from rich.live import Live
    from rich.text import Text

    from dataflow.runs.model import Step

# Of a step that takes less, nobody asks how much longer.
_SECONDS_WORTH_TELLING = 3.0
# A rate of fewer rows, or of a blink, says nothing.
_FEWEST_ROWS = 1_000
_SHORTEST = 0.05
_PER_SECOND = 8
_STYLES = {"succeeded": ("✓", "green"), "failed": ("✗", "red")}


class RunScreen(SecondsLine):
    """What ``workflow run`` shows of its steps: at a terminal by Rich, elsewhere whole lines.

    Only the line of the step that goes on is ever written anew: what others print meanwhile, such
    as warnings, stands above it and nothing of it is overwritten. Use it as a context, at whose end
    that line is gone and the cursor is back, come what may.

    Args:
        usual: How many seconds steps take by what is known of earlier runs, by their name.
    """

    def __init__(self, usual: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.usual: Mapping[str, float] = usual or {}
        self._live: Live | None = None

    @property
    def is_seen(self) -> bool:
        """Whether somebody looks."""
        return self._terminal is not None

    def begin(self, name: str) -> None:
        """Show that a step goes on, in place of what did before."""
        self._wipe()
        if self._terminal is None:
            return
        try:
            from rich.live import Live
        except ImportError:
            # It comes with Dagster; without the extra `run` there is none.
            self.count(f"  … {name:<10}")
            return
        self._live = Live(
            _Going(name, self.usual.get(name)),
            console=self._console(),
            transient=True,
            refresh_per_second=_PER_SECOND,
            # What others write goes where it always does.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start(refresh=True)

    def end(self, step: Step) -> bool:
        """Show how a step ended, in a line that stays.

        Returns:
            Whether it was shown; if not, the caller says its plain line.
        """
        self._wipe()
        if self._terminal is None:
            return False
        try:
            self._console().print(_ended(step), soft_wrap=True)
        except ImportError:
            return False
        return True

    def _wipe(self) -> None:
        super()._wipe()
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _console(self) -> Any:
        from rich.console import Console

        return Console(
            file=self._terminal,
            force_terminal=True,
            width=width_of_terminal(),
            highlight=False,
            no_color=not has_colours(),
        )


class _Going:
    """The line of a step that goes on; Rich asks for it several times a second."""

    def __init__(self, name: str, usual: float | None) -> None:
        from rich.spinner import Spinner

        self._name, self._usual = name, usual
        self._began = time.monotonic()
        self._spinner = Spinner("dots", style="cyan")

    def __rich__(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        seconds = time.monotonic() - self._began
        words = Text(f"{self._name:<10} {seconds:6.0f} s")
        words.append(left_of(seconds, self._usual), style="dim")
        words.truncate(max(width_of_terminal() - 5, 1))
        line = Table.grid(padding=(0, 1, 0, 0))
        line.add_row(Text(" "), self._spinner, words)
        return line


def left_of(seconds: float, usual: float | None) -> str:
    """What to say of the time that is left, by what the step took in earlier runs."""
    if usual is None or usual < _SECONDS_WORTH_TELLING:
        return ""
    left = usual - seconds
    if left < 1:
        return f"  {usual:.0f} s in earlier runs"
    return f"  about {left:.0f} s left, as in earlier runs"


def rate_of(step: Step) -> str:
    """How many rows a second a step handled; empty where that says nothing."""
    if not step.rows or step.rows < _FEWEST_ROWS or step.seconds < _SHORTEST:
        return ""
    rate = step.rows / step.seconds
    # Two digits: more would claim to be known.
    return f"{float(f'{rate:.2g}'):,.0f} rows/s"


def _ended(step: Step) -> Text:
    from rich.text import Text

    mark, style = _STYLES.get(step.status, ("-", ""))
    line = Text("  ").append(mark, style=style).append(f" {step.name:<10} ")
    if step.status != "succeeded":
        return line.append(f"{'':8}  {step.summary or step.status}")
    line.append(f"{step.seconds:6.1f} s", style="cyan").append(f"  {step.summary}")
    if rate := rate_of(step):
        line.append(f"  {rate}", style="dim")
    line.rstrip()
    return line
