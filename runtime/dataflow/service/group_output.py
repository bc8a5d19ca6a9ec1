"""Where a group of services prints: a reader that is slow, stopped or gone holds up nothing."""

from __future__ import annotations

import os
import queue
import re
import threading
from typing import TYPE_CHECKING

from honcho.printer import Message, Printer

if TYPE_CHECKING:
    from typing import TextIO

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_MOST_LINES = 10_000
_SECONDS_FOR_THE_LAST = 2.0


class GroupPrinter(Printer):  # type: ignore[misc]
    """honcho's printer, which leaves the services' colours to terminals and never waits."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(_PatientOutput(stream))

    def write(self, message: Message) -> None:
        """Print a line."""
        data = message.data
        if isinstance(data, bytes):
            data = data.decode("utf-8", "replace")
        if not self._colours_supported:
            data = _COLOURS.sub("", data)
        super().write(message._replace(data=data))

    def finish(self) -> None:
        """Give the reader a moment for the last lines."""
        self.output.finish()


class _PatientOutput:
    """A stream written by a thread of its own; lines that find no reader are left out.

    Written past Python's own buffer, whose lock a thread that waits would keep for ever; by way of
    a queue into which a signal's handler can put a line while the same thread is putting one.
    """

    def __init__(self, stream: TextIO) -> None:
        self._is_terminal = stream.isatty()
        self._file = stream.fileno()
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        stream.flush()
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def isatty(self) -> bool:
        return self._is_terminal

    def write(self, text: str) -> None:
        if self._lines.qsize() < _MOST_LINES:
            self._lines.put(text.encode("utf-8", "replace"))

    def flush(self) -> None:
        """Nothing waits in a buffer."""

    def finish(self) -> None:
        self._lines.put(None)
        self._writer.join(_SECONDS_FOR_THE_LAST)

    def _write(self) -> None:
        has_reader = True
        while (line := self._lines.get()) is not None:
            while has_reader and line:
                try:
                    line = line[os.write(self._file, line) :]
                except OSError:
                    has_reader = False
