"""What a terminal shows of a run's steps."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TextIO

import pytest
from tests.conftest import BIN
from tests.runtime.cli.test_progress import read_until, terminal
from tests.runtime.cli.test_screen import seen_at_terminal

from dataflow.cli.run_screen import RunScreen, left_of, rate_of
from dataflow.runs.model import Step

HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"


@contextmanager
def pipes() -> Iterator[tuple[TextIO, TextIO]]:
    """Pipes in the place of standard output and standard error, to be read from."""
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    with (
        os.fdopen(out, encoding="utf-8") as read_out,
        os.fdopen(err, encoding="utf-8") as read_err,
        os.fdopen(out_end, "w", encoding="utf-8") as stdout,
        os.fdopen(err_end, "w", encoding="utf-8") as stderr,
        redirect_stdout(stdout),
        redirect_stderr(stderr),
    ):
        yield read_out, read_err


EXTRACTED = Step("extract", "succeeded", 2.0, "336,776 rows from a.csv", 336_776)


def test_a_step_has_its_seconds_rows_and_rate() -> None:
    """While it goes on, one line is written anew; at its end a line stays with the cursor below."""
    with terminal() as shown, RunScreen(unseen=0) as screen:
        screen.begin("extract")
        screen.progress.begin(total_size=960_000_000)
        screen.progress.count(rows=1_200_000, size=310_000_000)
        going = read_until(shown, "1.2 M rows · 310 of 960 MB")
        assert screen.end(EXTRACTED)
        ended = read_until(shown, "rows/s")
    assert HIDDEN in going
    assert "\n" not in going
    assert ended.index(SHOWN) < ended.index("336,776 rows from a.csv")
    assert "170,000 rows/s" in ended


def test_of_a_short_step_only_its_end_is_shown() -> None:
    """Nothing flickers by; the line of a step that ended never comes."""
    with terminal() as shown, RunScreen(unseen=3_600) as screen:
        screen.begin("extract")
        assert screen.end(EXTRACTED)
        seen = read_until(shown, "rows/s")
    assert HIDDEN not in seen
    assert seen.count("extract") == 1


def test_a_line_fits_into_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that it goes to, whatever standard output is by then."""
    monkeypatch.delenv("COLUMNS", raising=False)
    with terminal() as shown:
        fcntl.ioctl(shown, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 60, 0, 0))
        with RunScreen(unseen=0) as screen:
            screen.begin("extract")
            screen.progress.begin("looking at lines", total_size=960_000_000)
            screen.progress.count(rows=1_200_000, size=310_000_000)
            seen = read_until(shown, "1.2 M rows")
            assert screen.end(EXTRACTED)
            seen += read_until(shown, "rows/s")
    assert "of 960 MB" not in seen
    assert "336,776 rows from a.csv" in seen


def test_where_nobody_looks_a_long_step_is_told_of() -> None:
    """On standard error, so that a build is seen to live, and what is read by programs stays."""
    with pipes() as (out, err):
        with RunScreen(untold=0.01) as screen:
            screen.begin("extract")
            screen.progress.count(rows=7)
            lines = [err.readline() for _ in range(3)]
            screen.say("done")
        assert out.readline() == "done\n"
    assert lines[-1].startswith("  … extract goes on for 0 s: 7 rows")


def test_no_colour_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR leaves the marks and the seconds."""
    monkeypatch.setenv("NO_COLOR", "1")
    with terminal() as shown, RunScreen() as screen:
        assert screen.end(EXTRACTED)
        seen = read_until(shown, "a.csv")
    assert "✓ extract" in seen
    assert "\x1b[3" not in seen


def test_the_cursor_is_back_whatever_happened() -> None:
    """Ctrl-C leaves a terminal that can be worked at, with nothing of the line."""
    with terminal() as shown:
        with pytest.raises(KeyboardInterrupt), RunScreen(unseen=0) as screen:  # noqa: PT012
            screen.begin("extract")
            read_until(shown, "0.0 s")
            raise KeyboardInterrupt
        sys.stdout.write("the end")
        sys.stdout.flush()
        seen = read_until(shown, "the end")
    assert seen.rindex(SHOWN) > seen.rfind(HIDDEN)
    assert "extract" not in seen[seen.rindex("\x1b[2K") :]


def test_the_time_left_is_that_of_earlier_runs() -> None:
    """Nothing is said of short steps, nor of those that have not run yet."""
    assert left_of(2, None) == left_of(0, 1) == ""
    assert left_of(10, 60) == "  about 50 s left, as in earlier runs"
    assert left_of(70, 60) == "  60 s in earlier runs"


def test_a_rate_is_told_where_it_says_something() -> None:
    """Not of few rows, nor of a blink."""
    assert rate_of(Step("load", "succeeded", 10, rows=2_000)) == "200 rows/s"
    assert rate_of(Step("load", "succeeded", 0.01, rows=2_000)) == ""
    assert rate_of(Step("load", "succeeded", 10, rows=20)) == ""


def test_rich_is_imported_for_a_terminal_only() -> None:
    """A run in a pipe, a job or the service pays nothing for what it does not show."""
    code = (
        "import sys\n"
        "from dataflow.cli.run_screen import RunScreen\n"
        "with RunScreen() as screen:\n"
        "    screen.begin('extract')\n"
        "    assert not screen.end(None)\n"
        "print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.slow
def test_a_failure_is_read_beneath_the_steps(project_folder: Path, workflow_folder: Path) -> None:
    """Nothing is drawn over the message, and the cursor is back."""
    (workflow_folder / "ingestion.py").write_text(
        "def extract_data(params):\n    raise ValueError('the till is closed')\n", encoding="utf-8"
    )
    command = (BIN / "dataflow", "workflow", "run", "sales", "--no-daemon")
    seen = seen_at_terminal(*command, cwd=project_folder, NO_COLOR="1")
    step, message = seen.rindex("✗ extract"), seen.index("the till is closed")
    assert step < message
    assert "\x1b" not in seen[message:]
    # Of a step that takes less than a second there is no line that hides the cursor.
    assert seen.rfind(HIDDEN) <= seen.rfind(SHOWN) < message


@pytest.mark.slow
def test_an_environment_is_tried_at_a_terminal(project_folder: Path) -> None:
    """Each part has its line, and the spinner is gone."""
    seen = seen_at_terminal(BIN / "dataflow", "env", "check", cwd=project_folder, NO_COLOR="1")
    assert "✓ warehouse" in seen
    assert "trying" not in seen[max(seen.rfind("\x1b[2K"), 0) :]
