"""What the code of a run prints: kept in a file, and shown where it would have gone.

Dagster's own way starts two ``tail`` and two Python processes for each run, and ends them at once
with the run, so that the last lines may never be shown:
https://github.com/dagster-io/dagster/issues/23336
"""

from __future__ import annotations

import io
import os
import select
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from dagster._core.execution.compute_logs import redirect_to_file
from dagster._core.storage.compute_log_manager import CapturedLogContext, ComputeIOType
from dagster._core.storage.local_compute_log_manager import (
    IO_TYPE_EXTENSION,
    LocalComputeLogManager,
)
from dagster._utils import ensure_file, touch_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dagster._serdes import ConfigurableClassData

_SECONDS_BETWEEN_LOOKS = 0.1
_MOST_BYTES = 1 << 16


class ShownComputeLogs(LocalComputeLogManager):
    """Dagster's compute logs on disk, shown by a thread of the run itself."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> ShownComputeLogs:
        """Make one of the ``config`` in dagster.yaml."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Iterator[CapturedLogContext]:
        """Keep and show all that is written to standard output and error inside."""
        out, error = (
            str(self.get_captured_local_path(log_key, IO_TYPE_EXTENSION[kind]))
            for kind in (ComputeIOType.STDOUT, ComputeIOType.STDERR)
        )
        with _kept(sys.stdout, out), _kept(sys.stderr, error):
            yield CapturedLogContext(log_key)
        touch_file(self.complete_artifact_path(log_key))  # type: ignore[no-untyped-call]


@contextmanager
def _kept(stream: TextIO, path: str) -> Iterator[None]:
    ensure_file(path)
    try:
        shown = os.dup(stream.fileno())
    except (io.UnsupportedOperation, AttributeError, OSError):
        # Such as one that a test has put there: what is printed to it is not for a file.
        yield
        return
    with _following(path, shown), redirect_to_file(stream, path):
        yield


@contextmanager
def _following(path: str, shown: int) -> Iterator[None]:
    """Write what is added to a file to a descriptor, all of it once left; closes the descriptor."""
    added = os.open(path, os.O_RDONLY)
    os.lseek(added, 0, os.SEEK_END)
    ended = threading.Event()

    def follow() -> None:
        # Where nobody reads any more, the file has it all the same.
        with suppress(OSError):
            while not ended.wait(_SECONDS_BETWEEN_LOOKS):
                _copy(added, shown)
            _copy(added, shown)

    thread = threading.Thread(target=follow, name="dataflow-output", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        os.close(added)
        os.close(shown)


def _copy(source: int, target: int) -> None:
    while found := os.read(source, _MOST_BYTES):
        while found:
            try:
                found = found[os.write(target, found) :]
            except BlockingIOError:
                select.select([], [target], [])
