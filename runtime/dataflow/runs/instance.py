"""The project's persistent Dagster instance: one run history for every way of running."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml
from filelock import FileLock

from dataflow.runs.launcher_kind import DAGSTER_SETTINGS as _SETTINGS
from dataflow.runs.launcher_kind import chosen_launcher
from dataflow.runs.postgres_history import (
    HistoryError,
    connect,
    history_address,
    postgres_fault,
)
from dataflow.shared.environments import chosen_environment
from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.importing import importing
from dataflow.shared.plain_yaml import dump_yaml, load_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dagster import DagsterInstance

    from dataflow.shared.project import Project

_HEADER = """\
# Made from the dagster.yaml in the project's folder: change that one.
"""
# The keys by which Dagster's settings name where the history is kept.
_STORAGES = ("storage", "run_storage", "event_log_storage", "schedule_storage")
# Its keys by which a project says how runs are started, if it wants that otherwise.
_LAUNCHER, _COORDINATOR, _QUEUE = "run_launcher", "run_coordinator", "run_queue"
_WARM = {"module": "dataflow.service.warm_launcher", "class": "WarmRunLauncher"}
_PROMPT = {"module": "dataflow.service.prompt_coordinator", "class": "PromptRunCoordinator"}
_SHOWN = {"module": "dataflow.runs.compute_logs", "class": "ShownComputeLogs"}
_SHARED = {"module": "dataflow.runs.shared_compute_logs", "class": "SharedComputeLogs"}
_REDACTED = {"module": "dataflow.runs.history", "class": "RedactedHistory"}
# A run that leaves the queue while the code server is started again goes back into it.
_RETRIES = {"max_user_code_failure_retries": 10, "user_code_failure_retry_delay": 3}
# In bytes. With less, it is the disk and not the store that needs fixing.
_LEAST_ROOM = 1 << 20


__all__ = ["HistoryError", "open_instance", "prepare_dagster_home"]


def prepare_dagster_home(project: Project) -> Path:
    """Make the folder of Dagster's state, with the settings that Dagster reads there.

    They are those of the project's ``dagster.yaml``, a storage that keeps secrets out of the
    history, around the one that the file names, if it names one, our launcher of runs, and what
    keeps the output of runs. The tracked file stays in the project's root, so that the state can
    be deleted without losing it. Each environment has a folder of its own: a service of one must
    not read what a command made for another.

    Raises:
        HistoryError: ``dagster.yaml`` cannot be read.
        BadInputError: The setting ``history`` or ``launcher`` is wrong.
    """
    home = settings_home(project)
    home.mkdir(parents=True, exist_ok=True)
    own, read_by_dagster = project.root / _SETTINGS, home / _SETTINGS
    if own.exists() or not read_by_dagster.exists():
        try:
            settings = load_yaml(own.read_text(encoding="utf-8")) if own.exists() else {}
            settings = _with_launcher(_with_redaction(settings or {}, project), project)
            settings = _with_output(settings, project)
            text = _HEADER + dump_yaml(settings)
        except (yaml.YAMLError, AttributeError, UnicodeDecodeError) as error:
            raise _history_fault(project, error) from error
        # Version 0.1 had a link here.
        if read_by_dagster.is_symlink() or not _has_text(read_by_dagster, text):
            new = home / f"{_SETTINGS}.{os.getpid()}"
            new.write_text(text, encoding="utf-8")
            new.replace(read_by_dagster)
    return home


def settings_home(project: Project) -> Path:
    """Dagster's home in the chosen environment: where its settings are, and what runs hand over."""
    name = chosen_environment()
    if name == project.environment_apart:
        return project.dagster_home
    return project.dagster_home / "environments" / name if name else project.dagster_home


def _with_redaction(settings: dict[str, Any], project: Project) -> dict[str, Any]:
    named = {key: settings[key] for key in _STORAGES if settings.get(key)}
    kept = {key: value for key, value in settings.items() if key not in _STORAGES}
    config: dict[str, Any] = {"base_dir": str(project.dagster_home)}
    custom = named.get("storage", {}).get("custom", {})
    has_own = bool(named) and custom.get("class") != _REDACTED["class"]
    if has_own and project.settings.history:
        raise BadInputError(
            f"{_SETTINGS} names a storage of its own, and the setting history another one.",
            f"Take {', '.join(named)} out of {_SETTINGS}, or the setting history away.",
        )
    if has_own:
        config["settings"] = str(project.root)
    if project.settings.history:
        config["postgres"] = True
    if "run_coordinator" not in kept:
        kept["run_queue"] = _RETRIES | (kept.get("run_queue") or {})
    return {**kept, "storage": {"custom": {**_REDACTED, "config": config}}}


def _with_launcher(settings: dict[str, Any], project: Project) -> dict[str, Any]:
    """With the launcher of the environment, or ours, and our queue; the project's own ones win.

    Ours do as Dagster's own where no `dataflow up` has a warm process.
    """
    if settings.get(_LAUNCHER):
        return settings
    chosen = chosen_launcher(project)
    launcher = chosen[0].config(chosen[1]) if chosen else _WARM
    changed = {**settings, _LAUNCHER: launcher}
    if not settings.get(_COORDINATOR):
        changed[_COORDINATOR] = {**_PROMPT, "config": changed.pop(_QUEUE, None) or {}}
    return changed


def _with_output(settings: dict[str, Any], project: Project) -> dict[str, Any]:
    """With our keeper of what runs print, in Dagster's own place, unless the project names one."""
    if settings.get("compute_logs"):
        return settings
    keeper = _SHARED if project.settings.state_store else _SHOWN
    base = str(project.dagster_home / "storage")
    return {**settings, "compute_logs": {**keeper, "config": {"base_dir": base}}}


def _has_text(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


@contextmanager
def open_instance(project: Project) -> Iterator[DagsterInstance]:
    """Open the project's Dagster instance.

    Raises:
        HistoryError: The store or ``dagster.yaml`` cannot be read, or the store cannot be written
            while it is open.
    """
    from dagster import DagsterInstance
    from sqlalchemy.exc import SQLAlchemyError

    address = history_address(project)
    if address:
        # Once and soon, where Dagster would try for a while and then tell of its tries.
        connect(address).close()
    project.dagster_home.mkdir(parents=True, exist_ok=True)
    # Two processes that meet a fresh home at once can leave half-made tables behind for good.
    with FileLock(project.dagster_home / "initialise.lock"):
        home = prepare_dagster_home(project)
        try:
            # Dagster imports its storage here.
            with importing():
                instance = DagsterInstance.from_config(str(home))
                instance.get_runs_count()
        except DataflowError:
            raise
        except Exception as error:
            raise _history_fault(project, error) from error
    try:
        with instance:
            yield instance
    except SQLAlchemyError as error:
        # What the author's own code raises is Dagster's to catch: this is about the store.
        raise _history_fault(project, error) from error


def _history_fault(project: Project, error: Exception) -> HistoryError:
    if project.settings.history:
        return postgres_fault(history_address(project), error)
    home = project.relative(project.dagster_home)
    # The driver's own words, without the statement and its parameters.
    text = str(getattr(error, "orig", None) or error)
    # SQLite calls a full disk an I/O error where it is its shared memory that finds no room.
    is_full = shutil.disk_usage(project.dagster_home).free < _LEAST_ROOM
    if is_full or "full" in text or "No space left" in text:
        instruction = "Free disk space and run again."
    elif "readonly" in text or "unable to open" in text:
        instruction = f"Make {home} writable for whoever runs the workflow."
    else:
        instruction = (
            f"Fix dagster.yaml, or move {home} away: it is made anew, and only the history of "
            "runs is lost."
        )
    return HistoryError(f"Dagster's run history in {home} cannot be used: {text}", instruction)
