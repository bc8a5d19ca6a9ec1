"""The steps of a run at a person's terminal: what goes on, for how long, and how fast it was."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from threading import Lock, Timer, current_thread
from typing import TYPE_CHECKING, Any, Self, TextIO

import click

from dataflow.cli.progress import SecondsLine
from dataflow.cli.screen import has_colours, width_of_terminal
from dataflow.shared.progress_words import duration, progress_words, seconds_left
from dataflow.shared.step_progress import StepProgress, hold_progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType
    from rich.live import Live
    from rich.text import Text

    from dataflow.runs.long_step import LongStep
    from dataflow.runs.model import Step

# Of a step that takes less, nobody asks how much longer.
_SECONDS_WORTH_TELLING = 3.0
# A rate of fewer rows, or of a blink, says nothing.
_FEWEST_ROWS = 1_000
_SHORTEST = 0.05
_PER_SECOND = 8
# A step that takes less is shown when it has ended.
_SECONDS_UNSEEN = 1.0
_SECONDS_UNTOLD = 30.0
_STYLES = {"succeeded": ("✓", "green"), "failed": ("✗", "red")}


class RunScreen(SecondsLine):
    """What ``workflow run`` shows of its steps: at a terminal by Rich, elsewhere whole lines.

    Of a step that takes longer than a second a line says how far it is, by ``progress``, which the
    run shares with whoever works. Where nobody looks, a line on standard error says so now and
    then, of steps that take half a minute.

    Only the line of the step that goes on is ever written anew: what others print meanwhile, such
    as warnings, stands above it and nothing of it is overwritten. Use it as a context, at whose end
    that line is gone and the cursor is back, come what may.

    Args:
        usual: How many seconds steps take by what is known of earlier runs, by their name.
        unseen: For how many seconds of a step nothing is shown of it.
        untold: The same, where nobody looks at a terminal.

    Attributes:
        progress: How far the step is.
        tells_long_steps: Whether lines are wanted where nobody looks.
    """

    def __init__(
        self,
        usual: Mapping[str, float] | None = None,
        unseen: float = _SECONDS_UNSEEN,
        untold: float = _SECONDS_UNTOLD,
    ) -> None:
        super().__init__()
        self.usual: Mapping[str, float] = usual or {}
        self.progress = StepProgress()
        self.tells_long_steps = True
        self._unseen, self._untold = unseen, untold
        self._lock = Lock()
        self._waiting: Timer | None = None
        self._live: Live | None = None
        self._aside: TextIO | None = None
        self._long: LongStep | None = None

    def __enter__(self) -> Self:
        super().__enter__()
        # As standard output: while a job runs, Dagster takes it over.
        with suppress(OSError):
            self._aside = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8")
        return self

    def __exit__(self, *given: object) -> None:
        super().__exit__(*given)
        if self._aside is not None:
            with suppress(BrokenPipeError):
                self._aside.close()

    @property
    def is_seen(self) -> bool:
        """Whether somebody looks."""
        return self._terminal is not None

    def begin(self, name: str) -> None:
        """Show that a step goes on, in place of what did before."""
        self._wipe()
        self.progress.begin_step()
        if self._terminal is None:
            if self.tells_long_steps and self._aside is not None:
                from dataflow.runs.long_step import LongStep

                self._long = LongStep(name, self.progress, self._say_aside, self._untold)
        elif find_spec("rich") is None:
            # It comes with Dagster; without the extra `run` there is none.
            self.count(f"  … {name:<10}")
        else:
            self._waiting = Timer(self._unseen, self._show, (name, time.monotonic()))
            self._waiting.daemon = True
            self._waiting.start()

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

    def _show(self, name: str, began: float) -> None:
        from rich.live import Live

        width = width_of_terminal(self._terminal)
        going = _Going(name, self.progress, self.usual.get(name), began, width)
        live = Live(
            going,
            console=self._console(),
            transient=True,
            refresh_per_second=_PER_SECOND,
            # What others write goes where it always does.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        with self._lock:
            if self._waiting is not current_thread():
                # The step has ended meanwhile.
                return
            self._live = live
            live.start(refresh=True)

    def _say_aside(self, line: str) -> None:
        # Nobody may read it any more.
        with suppress(OSError):
            click.echo(f"  … {line}", file=self._aside)

    def _wipe(self) -> None:
        super()._wipe()
        with self._lock:
            waiting, self._waiting = self._waiting, None
            live, self._live = self._live, None
        if waiting is not None:
            waiting.cancel()
        if live is not None:
            live.stop()
        long, self._long = self._long, None
        if long is not None:
            long.end()

    def _console(self) -> Any:
        from rich.console import Console

        return Console(
            file=self._terminal,
            force_terminal=True,
            width=width_of_terminal(self._terminal),
            highlight=False,
            no_color=not has_colours(),
        )


@contextmanager
def going_on(name: str) -> Iterator[RunScreen]:
    """Show that a command is at something that may take long, and how far it is."""
    with RunScreen() as screen, hold_progress(screen.progress):
        screen.begin(name)
        yield screen


class _Going:
    """The line of a step that goes on; Rich asks for it several times a second."""

    def __init__(
        self,
        name: str,
        progress: StepProgress,
        usual: float | None,
        began: float,
        width: int,
    ) -> None:
        from rich.spinner import Spinner

        self._name, self._progress, self._usual, self._began = name, progress, usual, began
        self._width = width
        self._spinner = Spinner("dots", style="cyan")

    def __rich__(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        now = time.monotonic()
        seconds = now - self._began
        work = self._progress.look()
        words = Text(f"{self._name:<10} ").append(f"{seconds:6.1f} s", style="cyan")
        if said := progress_words(work, now):
            words.append(f"  {said}")
        if seconds_left(work, now) is None:
            words.append(left_of(seconds, self._usual), style="dim")
        words.truncate(max(self._width - 5, 1))
        line = Table.grid(padding=(0, 1, 0, 0))
        line.add_row(Text(" "), self._spinner, words)
        return line


def left_of(seconds: float, usual: float | None) -> str:
    """What to say of the time that is left, by what the step took in earlier runs."""
    if usual is None or usual < _SECONDS_WORTH_TELLING:
        return ""
    left = usual - seconds
    if left < 1:
        return f"  {duration(usual)} in earlier runs"
    return f"  about {duration(left)} left, as in earlier runs"


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
