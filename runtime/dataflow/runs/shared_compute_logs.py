"""What the code of a run prints, for all hosts: copied to the place of the setting `state_store`.

The host that executes a run keeps it in a file as without that setting. Dagster's webserver on
another host, or on this one after a pod is gone, reads it from the shared place.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster._core.storage.cloud_storage_compute_log_manager import CloudStorageComputeLogManager
from dagster._core.storage.compute_log_manager import CapturedLogSubscription, ComputeIOType
from dagster._core.storage.local_compute_log_manager import IO_TYPE_EXTENSION
from dagster._serdes import ConfigurableClass
from dagster._utils import ensure_file

from dataflow.runs.compute_logs import ShownComputeLogs
from dataflow.runs.history import project_of
from dataflow.runs.shared_run import LOGS, state_store
from dataflow.shared.errors import DataflowError
from dataflow.shared.file_store import NotStoredError, StoreError
from dataflow.shared.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dagster._core.storage.compute_log_manager import CapturedLogContext
    from dagster._serdes import ConfigurableClassData

    from dataflow.shared.file_store import FileStore

_SECONDS_BETWEEN_COPIES = 10.0
_SECONDS_BETWEEN_LOOKS = 5.0
# A file is copied whole each time: a longer one comes when its step has ended.
_MOST_BYTES_ON_THE_WAY = 4 << 20

# Standard error last: that it is there says that all is.
_BOTH = (ComputeIOType.STDOUT, ComputeIOType.STDERR)

log = get_logger(__name__)


class SharedComputeLogs(CloudStorageComputeLogManager[Any], ConfigurableClass):
    """Dagster's compute logs, on the disk of the run's host and in the place that hosts share.

    A shared place that cannot be reached is a warning: no run fails for what it printed.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._base = Path(base_dir)
        self._inst_data = inst_data
        self._local = ShownComputeLogs(base_dir)
        self._followed: dict[CapturedLogSubscription, threading.Event] = {}
        self._copied: dict[str, int] = {}
        self._given_up: set[tuple[str, ...]] = set()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """The part of ``dagster.yaml`` that it was made of."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> Any:
        """What ``config`` may hold in ``dagster.yaml``."""
        return {"base_dir": str}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> SharedComputeLogs:
        """Make one of the ``config`` in dagster.yaml."""
        return cls(inst_data=inst_data, **config_value)

    @property
    def local_manager(self) -> ShownComputeLogs:
        """What keeps it on this machine."""
        return self._local

    @property
    def upload_interval(self) -> None:
        """None: Dagster's own thread may still copy a part when the whole has been."""

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Iterator[CapturedLogContext]:
        """Keep, show and copy all that is written to standard output and error inside."""
        try:
            with self._copying(log_key), self._local.capture_logs(log_key) as captured:
                yield captured
        finally:
            # A place that failed on the way may be back.
            self._given_up.discard(tuple(log_key))
            for io_type in _BOTH:
                self.upload_to_cloud_storage(log_key, io_type)

    def upload_to_cloud_storage(
        self, log_key: Sequence[str], io_type: ComputeIOType, partial: bool = False
    ) -> None:
        """Copy what this machine has to the shared place, if there is more than before.

        A place that does not answer takes a minute to say so: a run waits for that once, not for
        each file.
        """
        if tuple(log_key) in self._given_up:
            return
        path, name = self._path(log_key, io_type), self._name(log_key, io_type, partial=partial)
        with _warned(name):
            ensure_file(str(path))
            size = path.stat().st_size
            if partial and (size == self._copied.get(name, 0) or size > _MOST_BYTES_ON_THE_WAY):
                return
            self._store.put(path, name)
            if partial:
                self._copied[name] = size
            elif self._copied.pop(on_the_way := self._name(log_key, io_type, partial=True), None):
                self._store.delete([on_the_way])
            return
        self._given_up.add(tuple(log_key))

    def download_from_cloud_storage(
        self, log_key: Sequence[str], io_type: ComputeIOType, partial: bool = False
    ) -> None:
        """Copy what the shared place has to this machine."""
        name = self._name(log_key, io_type, partial=partial)
        with _warned(name), suppress(NotStoredError):
            self._store.get(name, self._path(log_key, io_type, partial=partial))

    def cloud_storage_has_logs(
        self, log_key: Sequence[str], io_type: ComputeIOType, partial: bool = False
    ) -> bool:
        """Whether the shared place has all that was printed, or a part of it."""
        name = self._name(log_key, io_type, partial=partial)
        with _warned(name):
            return self._store.size(name) is not None
        return False

    def delete_logs(
        self, log_key: Sequence[str] | None = None, prefix: Sequence[str] | None = None
    ) -> None:
        """Delete what a step or a run has printed, here and in the shared place."""
        self._local.delete_logs(log_key, prefix)
        if log_key:
            names = [self._name(log_key, each, partial=p) for each in _BOTH for p in (False, True)]
            with _warned(names[0]):
                self._store.delete(names)
        elif prefix:
            folder = "/".join((LOGS, *prefix))
            with _warned(folder):
                self._store.delete_folder(folder)

    def download_url_for_type(self, log_key: Sequence[str], io_type: ComputeIOType) -> str:
        """Where a browser gets it from: Dagster's webserver, which has it brought."""
        return str(self._local.get_captured_log_download_url(log_key, io_type))  # type: ignore[no-untyped-call]

    def display_path_for_type(self, log_key: Sequence[str], io_type: ComputeIOType) -> str:
        """Where it is, for people."""
        return str(self._path(log_key, io_type))

    def get_log_keys_for_log_key_prefix(
        self, log_key_prefix: Sequence[str], io_type: ComputeIOType
    ) -> Sequence[list[str]]:
        """What of the daemon's own, such as that of a backfill, this machine has."""
        return self._local.get_log_keys_for_log_key_prefix(log_key_prefix, io_type)

    def subscribe(
        self, log_key: Sequence[str], cursor: str | None = None
    ) -> CapturedLogSubscription:
        """Tell an observer what is printed, each part once."""
        subscription = _Subscription(self, log_key, cursor)
        self.on_subscribe(subscription)
        return subscription

    def on_subscribe(self, subscription: CapturedLogSubscription) -> None:
        """Look from now on for what is new, until there is no more to come."""
        ended = self._followed[subscription] = threading.Event()

        def follow() -> None:
            while not (subscription.is_complete or ended.wait(_SECONDS_BETWEEN_LOOKS)):
                # Asked first: whatever was printed is there then.
                is_whole = self.is_capture_complete(subscription.log_key)
                subscription.fetch()
                if is_whole:
                    subscription.complete()

        threading.Thread(target=follow, name="dataflow-output", daemon=True).start()

    def on_unsubscribe(self, subscription: CapturedLogSubscription) -> None:
        """Look no more."""
        if ended := self._followed.pop(subscription, None):
            ended.set()

    def dispose(self) -> None:
        """End what looks for news."""
        self._local.dispose()
        for subscription in list(self._followed):
            self.on_unsubscribe(subscription)

    @contextmanager
    def _copying(self, log_key: Sequence[str]) -> Iterator[None]:
        """Copy what there is so far now and then."""
        ended = threading.Event()

        def copy() -> None:
            while not ended.wait(_SECONDS_BETWEEN_COPIES):
                for io_type in _BOTH:
                    self.upload_to_cloud_storage(log_key, io_type, partial=True)

        thread = threading.Thread(target=copy, name="dataflow-output", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _path(
        self, log_key: Sequence[str], io_type: ComputeIOType, *, partial: bool = False
    ) -> Path:
        ending = IO_TYPE_EXTENSION[io_type]
        return Path(self._local.get_captured_local_path(log_key, ending, partial=partial))

    def _name(self, log_key: Sequence[str], io_type: ComputeIOType, *, partial: bool) -> str:
        path = self._path(log_key, io_type, partial=partial)
        return f"{LOGS}/{path.relative_to(self._base.resolve()).as_posix()}"

    @cached_property
    def _store(self) -> FileStore:
        store = state_store(project_of(self._base.parent))
        if store is None:
            raise StoreError(
                "The setting state_store has been taken away.", "Start the service anew."
            )
        return store


class _Subscription(CapturedLogSubscription):
    """One look at a time: who subscribes looks at once, and a slow place may still be at it."""

    def __init__(
        self, manager: SharedComputeLogs, log_key: Sequence[str], cursor: str | None
    ) -> None:
        super().__init__(manager, log_key, cursor)
        self._one_look = threading.Lock()

    def fetch(self) -> None:
        """Tell what is new since the last look."""
        with self._one_look:
            super().fetch()


@contextmanager
def _warned(name: str) -> Iterator[None]:
    """Where the shared place fails, a warning; the rest of the block is left out."""
    try:
        yield
    except DataflowError as error:
        log.warning(f"{name} cannot be shared with other machines: {error.reason}")
