"""A watch over a project's code: what changed on disk is loaded anew, by itself."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.polling import PollingObserver

from dataflow.shared.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from watchdog.observers.api import BaseObserver

# What jobs, schedules and assets are made from. Runs write none of it.
_SUFFIXES = (".py", ".yaml", ".yml", ".sql", ".toml")
_LEFT_OUT = ("__pycache__", "node_modules", "target", "dbt_packages")
_KINDS = ("created", "modified", "moved", "deleted")
# Editors, `git pull` and `workflow new` write many files: they are waited for.
_SECONDS_OF_QUIET = 1.0
_SECONDS_BETWEEN_LOOKS = 0.3
_SECONDS_BETWEEN_POLLS = 5

log = get_logger(__name__)


class CodeWatch:
    """Tells when code has changed, after the last of several changes.

    Args:
        reload: Loads the code anew; what it raises is logged.
        reloaded_at: When somebody last began to do so (``time.monotonic``), who asked for it
            included: what changed before is seen already.
    """

    def __init__(self, reload: Callable[[], object], reloaded_at: Callable[[], float]) -> None:
        self._reload = reload
        self._reloaded_at = reloaded_at
        self._changed_at = float("-inf")
        self._ends = threading.Event()

    @contextmanager
    def watching(self, folder: Path) -> Iterator[None]:
        """Watch a folder and all below it until the end of the block."""
        observer = _observe(folder, self._note)
        waiter = threading.Thread(target=self._wait, name="code-watch", daemon=True)
        waiter.start()
        try:
            yield
        finally:
            self._ends.set()
            observer.stop()
            waiter.join(1)

    def _note(self) -> None:
        self._changed_at = time.monotonic()

    def _wait(self) -> None:
        while not self._ends.wait(_SECONDS_BETWEEN_LOOKS):
            changed_at = self._changed_at
            is_settled = time.monotonic() - changed_at > _SECONDS_OF_QUIET
            if not is_settled or changed_at <= self._reloaded_at():
                continue
            log.info("code has changed and is loaded anew")
            try:
                self._reload()
            except Exception as error:  # whatever the reload meets, the next change is watched for
                log.error("the code could not be loaded anew", error=str(error))
                time.sleep(_SECONDS_BETWEEN_POLLS)


class _Changes(FileSystemEventHandler):
    def __init__(self, folder: Path, on_change: Callable[[], None]) -> None:
        self._start = len(str(folder))
        self._on_change = on_change

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in _KINDS and any(
            self._is_code(str(path), is_folder=event.is_directory)
            for path in (event.src_path, event.dest_path)
        ):
            self._on_change()

    def _is_code(self, path: str, *, is_folder: bool) -> bool:
        inner = path[self._start :].split("/")
        if any(part in _LEFT_OUT for part in inner):
            return False
        # A folder comes or goes with the files in it, which may not be told of.
        return path.endswith(_SUFFIXES) and not is_folder


def _observe(folder: Path, on_change: Callable[[], None]) -> BaseObserver:
    folder = folder.resolve()
    observer: BaseObserver = Observer()
    handler = _Changes(folder, on_change)
    try:
        observer.schedule(handler, str(folder), recursive=True)
        observer.start()
    except OSError as error:
        # The system watches so many folders and no more.
        log.warning("code is looked at every few seconds instead of watched", reason=str(error))
        observer = PollingObserver(timeout=_SECONDS_BETWEEN_POLLS)
        observer.schedule(handler, str(folder), recursive=True)
        observer.start()
    return observer
