"""What a terminal shows of work that goes on."""

from __future__ import annotations

import io
import os
import pty
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import pytest

from dataflow.cli.progress import SecondsLine


@contextmanager
def terminal() -> Iterator[int]:
    """A real terminal in the place of standard output; what it shows can be read from this end."""
    shown, written = pty.openpty()
    with os.fdopen(written, "w", encoding="utf-8") as stdout, redirect_stdout(stdout):
        yield shown
    os.close(shown)


def read_until(shown: int, text: str) -> str:
    seen = b""
    while text.encode() not in seen:
        seen += os.read(shown, 1000)
    return seen.decode()


@pytest.mark.slow
def test_the_seconds_go_on_while_a_step_does() -> None:
    """What takes long is seen to be alive, on one line, while others have standard output."""
    with terminal() as shown, SecondsLine() as line, redirect_stdout(io.StringIO()):
        line.count("extract")
        seen = read_until(shown, "1 s")
    assert "extract      0 s" in seen
    assert "\n" not in seen


def test_a_line_takes_the_place_of_what_was_counted() -> None:
    """It stands alone and in full, and nothing is written behind it."""
    with terminal() as shown, SecondsLine() as line:
        line.count("extract")
        read_until(shown, "0 s")
        line.say("extracted")
        assert read_until(shown, "\n") == "\r\x1b[Kextracted\r\n"


def test_the_line_is_gone_at_the_end_whatever_happened() -> None:
    """What is printed next begins on an empty line."""
    with terminal() as shown:
        with pytest.raises(KeyboardInterrupt), SecondsLine() as line:  # noqa: PT012
            line.count("extract")
            read_until(shown, "0 s")
            raise KeyboardInterrupt
        sys.stdout.write("the end")
        sys.stdout.flush()
        assert read_until(shown, "the end") == "\r\x1b[Kthe end"


def test_only_whole_lines_are_printed_where_nobody_watches(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A log file is not filled with seconds."""
    with SecondsLine() as line:
        line.count("extract")
        line.say("extracted")
    assert capsys.readouterr().out == "extracted\n"


def test_lines_go_where_standard_output_went_when_nobody_watches(tmp_path: Path) -> None:
    """Whoever takes over standard output in the meantime, as Dagster does, gets none of them."""
    with (
        (tmp_path / "out").open("w") as stdout,
        (tmp_path / "captured").open("w") as captured,
        redirect_stdout(stdout),
        SecondsLine() as line,
    ):
        os.dup2(captured.fileno(), stdout.fileno())
        line.say("extracted")
    assert (tmp_path / "out").read_text() == "extracted\n"
    assert (tmp_path / "captured").read_text() == ""
