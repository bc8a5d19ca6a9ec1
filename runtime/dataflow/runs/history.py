"""The store of Dagster's run history, which keeps secrets out and syncs less often.

Dagster writes down what an author's code raises, word by word. Its own setting
``DAGSTER_REDACT_USER_CODE_ERRORS`` hides every word of it; people need to know what failed. Its
seam is the storage class that ``dagster.yaml`` names: every process that writes history makes one.
"""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster import Field, StringSource
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log import EventLogStorage, SqliteEventLogStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage
from dagster._serdes import (
    ConfigurableClass,
    ConfigurableClassData,
    deserialize_value,
    serialize_value,
)
from sqlalchemy import event
from sqlalchemy.dialects import plugins
from sqlalchemy.engine import URL, CreateEnginePlugin, Engine

from dataflow.runs.kept_cancellation import keeping_cancellation
from dataflow.runs.postgres_history import postgres_storage
from dataflow.runs.sqlite_history import OpenedOnceStorage
from dataflow.shared.output_redaction import register_environment
from dataflow.shared.project import Project, find_project
from dataflow.shared.project_file import PROJECT_FILE
from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable

# What of a record are words, at whatever depth. A password may be spelt like the name of a step,
# and names have to stay.
_WORDS = frozenset(
    ("data", "description", "md_str", "message", "path", "stack", "text", "url", "user_message")
)
_PLUGIN = "dataflow_history"


class RedactedHistory(DagsterStorage[Any], ConfigurableClass):
    """A storage in which no text is kept before the secrets in it are masked.

    Its configuration in ``dagster.yaml``:

    - ``base_dir``: where SQLite files lie; default: Dagster's home.
    - ``postgres``: whether the Postgres of the project's setting ``history`` is used instead.
    - ``settings``: a folder with a ``dagster.yaml`` whose storage, such as Postgres, is used
      instead of SQLite files.
    """

    def __init__(self, inner: DagsterStorage[Any], inst_data: ConfigurableClassData | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        register_environment(os.environ)
        self._inner = inner
        self._inst_data = inst_data
        self._runs = inner.run_storage
        self._events = inner.event_log_storage
        self._ticks = inner.schedule_storage
        _replace(self._events, "store_event", _redacting)
        if type(self._events).store_event_batch is not EventLogStorage.store_event_batch:
            _replace(self._events, "store_event_batch", _redacting_all)
        _replace(
            self._runs, "update_backfill", lambda update: keeping_cancellation(self._runs, update)
        )
        _replace(self._ticks, "create_tick", _redacting)
        _replace(self._ticks, "update_tick", _redacting)
        _sync_less_often(self._runs, self._events, self._ticks)

    @classmethod
    def config_type(cls) -> Any:
        """What ``config`` may hold in ``dagster.yaml``."""
        optional = Field(StringSource, is_required=False)
        return {
            "base_dir": optional,
            "settings": optional,
            "postgres": Field(bool, is_required=False),
        }

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> RedactedHistory:
        """Make the storage that ``dagster.yaml`` describes."""
        home = config_value.get("base_dir") or os.environ.get("DAGSTER_HOME")
        home = home or str(find_project().dagster_home)
        settings = config_value.get("settings")
        if config_value.get("postgres"):
            return cls(postgres_storage(project_of(Path(home))), inst_data)
        inner = InstanceRef.from_dir(home, config_dir=settings).storage if settings else None
        return cls(inner or OpenedOnceStorage.from_local(home), inst_data)

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """The part of ``dagster.yaml`` that it was made of."""
        return self._inst_data

    @property
    def event_log_storage(self) -> Any:
        """Where events are kept."""
        return self._events

    @property
    def run_storage(self) -> Any:
        """Where runs are kept."""
        return self._runs

    @property
    def schedule_storage(self) -> Any:
        """Where the ticks of schedules and sensors are kept."""
        return self._ticks

    def register_instance(self, instance: Any) -> None:
        """Say whose storage it is."""
        super().register_instance(instance)
        self._inner.register_instance(instance)


def project_of(home: Path) -> Project:
    """The project that a folder of Dagster's state is of; on another machine, the one there."""
    # An environment with tables of its own has a folder within the project's.
    named = (folder for folder in home.parents[:3] if (folder / PROJECT_FILE).is_file())
    root = next(named, None)
    return Project(root) if root is not None else find_project()


def _replace(owner: object, name: str, wrap: Callable[[Any], Any]) -> None:
    """Wrap a method of one object, whatever its class."""
    setattr(owner, name, wrap(getattr(owner, name)))


def _redacting(store: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda record: store(_redacted(record))


def _redacting_all(store: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda records: store([_redacted(record) for record in records])


def _redacted(record: Any) -> Any:
    """A record of Dagster's without secrets; the same one if it has none."""
    text = serialize_value(record)
    if redact(text) == text:
        return record
    # Not in the text itself: a secret that looks like a number would leave broken JSON behind.
    cleaned = json.dumps(_redacted_words(json.loads(text), is_words=False))
    return deserialize_value(cleaned, type(record))


def _redacted_words(value: Any, *, is_words: bool) -> Any:
    if isinstance(value, str):
        return redact(value) if is_words else value
    if isinstance(value, list):
        return [_redacted_words(item, is_words=is_words) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _redacted_words(item, is_words=key in _WORDS) for key, item in value.items()}


def _sync_less_often(runs: Any, events: Any, ticks: Any) -> None:
    """Let SQLite sync the history at checkpoints instead of at each event.

    A run writes a few hundred events, each in its own transaction. In WAL mode ``NORMAL`` stays
    consistent through a crash; a power cut can cost the last events of a run that it ended
    anyway (https://sqlite.org/pragma.html#pragma_synchronous).
    """
    # Dagster makes an engine for each connection: SQLAlchemy's plug-in is what reaches them all.
    plugins.register(_PLUGIN, __name__, SyncAtCheckpoints.__name__)
    if isinstance(runs, SqliteRunStorage):
        runs._conn_string += f"?plugin={_PLUGIN}"
    if isinstance(ticks, SqliteScheduleStorage):
        ticks._conn_string += f"?plugin={_PLUGIN}"
    if isinstance(events, SqliteEventLogStorage):
        _replace(
            events,
            "conn_string_for_shard",
            lambda connection_string: lambda shard: f"{connection_string(shard)}?plugin={_PLUGIN}",
        )


class SyncAtCheckpoints(CreateEnginePlugin):
    """Sets the pragma on the engines of this history, and on no other."""

    def update_url(self, url: URL) -> URL:
        """Leave the address as it is."""
        return url

    def engine_created(self, engine: Engine) -> None:
        """Listen to the connections of one engine."""
        event.listen(engine, "connect", _relax)


def _relax(connection: object, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=NORMAL")
