"""What the code of a run prints is kept in a file, and shown."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dataflow.runs.compute_logs import ShownComputeLogs, _copy

PRINTING = """
import os, subprocess, sys
import psutil
from dataflow.runs.compute_logs import ShownComputeLogs
logs = ShownComputeLogs(sys.argv[1])
with logs.capture_logs(["run", "key"]):
    print("printed", len(psutil.Process().children()), flush=True)
    input()
    print("told", file=sys.stderr)
    subprocess.run(["echo", "by a child"])
    os.write(1, b"x" * 300_000 + b"\\n")
    print("last")
print("after")
"""


def printing(folder: Path, out: int) -> subprocess.Popen[str]:
    """A process that captures what it prints, and goes on when it is told to."""
    command = [sys.executable, "-c", PRINTING, str(folder)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, text=True, stdin=pipe, stdout=out, stderr=pipe)


def kept(folder: Path) -> str:
    """What is kept of standard output."""
    data = ShownComputeLogs(str(folder)).get_log_data(["run", "key"]).stdout
    assert data is not None
    return data.decode()


def test_all_that_is_printed_is_shown_and_kept(tmp_path: Path) -> None:
    """While the run goes on, to the last line, what other programs print as well."""
    process = printing(tmp_path, subprocess.PIPE)
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first == "printed 0\n", "no process is started for it"
    out, told = process.communicate("\n", timeout=60)
    assert out.splitlines()[-1] == "after"
    lines = {"by a child", "x" * 300_000, "last"}
    assert set(out.splitlines()[:-1]) == lines
    assert told == "told\n"
    assert set(kept(tmp_path).splitlines()) == lines | {first.strip()}
    assert ShownComputeLogs(str(tmp_path)).is_capture_complete(["run", "key"])


@pytest.mark.slow
def test_where_nobody_reads_all_is_kept(tmp_path: Path) -> None:
    """As with `| head`: the run goes on, and its output is in the file."""
    reads, writes = os.pipe()
    process = printing(tmp_path, writes)
    os.close(writes)
    os.read(reads, 1)
    os.close(reads)
    process.communicate("\n", timeout=60)
    assert kept(tmp_path).splitlines()[-1] == "last"


def test_a_stream_without_a_descriptor_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is printed to one that a program has put there is that program's."""
    own = io.StringIO()
    monkeypatch.setattr(sys, "stdout", own)
    logs = ShownComputeLogs(str(tmp_path))
    with logs.capture_logs(["run", "key"]):
        sys.stdout.write("for the program\n")
    assert own.getvalue() == "for the program\n"
    assert kept(tmp_path) == ""
    assert logs.is_capture_complete(["run", "key"])


def test_a_reader_that_is_slow_gets_all_of_it(tmp_path: Path) -> None:
    """Also through a pipe that does not block: it is waited for."""
    text = b"0123456789" * 30_000
    (tmp_path / "printed").write_bytes(text)
    source = os.open(tmp_path / "printed", os.O_RDONLY)
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    found: list[bytes] = []

    def read() -> None:
        while part := os.read(reads, 1 << 16):
            found.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    _copy(source, writes)
    os.close(writes)
    reader.join(30)
    os.close(source)
    os.close(reads)
    assert b"".join(found) == text
