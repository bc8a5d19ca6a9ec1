"""Trying each part of an environment: what it needs is there, and can be used as runs use it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.runs.launcher_kind import chosen_launcher
from dataflow.runs.place import check_apart, check_reach, local_parts
from dataflow.runs.postgres_history import connect, history_address
from dataflow.shared.config import CONFIG_FILE, is_asked
from dataflow.shared.config_kinds import chosen_kind
from dataflow.shared.environment import resolve
from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.postgres_address import shown_address
from dataflow.shared.redaction import redact
from dataflow.shared.setting_values import setting_value
from dataflow.shared.store_address import open_store
from dataflow.shared.store_trial import try_store
from dataflow.shared.yaml_document import parse_yaml
from dataflow.warehouse.data_folder import check_data_folder, has_tables, missing_folders
from dataflow.warehouse.kind import visible_warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dataflow.shared.project import Project

# Stands for a workflow in what is made and taken away again.
_TRIAL = "dataflow_env_check"
_SCHEMA = "env_check"
_REFERRING = ("history", "state_store", "publish_target", "warehouse", "launcher", "publishers")


@dataclass(frozen=True)
class PartCheck:
    """What came of trying one part.

    Args:
        said: What was found, or what is wrong.
        instruction: What to do; empty if all is well.
    """

    part: str
    ok: bool
    said: str
    instruction: str = ""


def check_environment(project: Project) -> Iterator[PartCheck]:
    """Try each part of the environment that this process runs in, one after another."""
    parts: dict[str, Callable[[Project], str]] = {
        "variables": _variables,
        "apart": _apart,
        "warehouse": _warehouse,
        "history": _history,
        "locks": _locks,
        "state_store": lambda each: _store(each, "state_store"),
        "publish_target": lambda each: _store(each, "publish_target"),
        "launcher": _launcher,
        "hosts": _hosts,
    }
    for name, attempt in parts.items():
        try:
            yield PartCheck(name, True, redact(attempt(project)))
        except DataflowError as error:
            yield PartCheck(name, False, redact(error.reason), redact(error.instruction))
        except Exception as error:  # libraries of stores and drivers raise what they like
            said = " ".join(str(error).split())[:300]
            text = f"{type(error).__name__}: {said}".rstrip(": ")
            yield PartCheck(name, False, redact(text), f"Correct {name} of the environment.")


def _variables(project: Project) -> str:
    """The values that the workflows' configurations and the settings refer to."""
    missing: dict[str, str] = {}
    used = set()
    for name in project.settings.variables:
        used.add(name)
        if name not in project.values:
            missing[f"variables.{name}"] = project.values.why_missing(name)
    written = {name: getattr(project.settings, name) for name in _REFERRING}
    for fault in resolve(written, project.values)[1]:
        missing[".".join(map(str, fault.path))] = fault.reason
    for path in sorted(project.workflows_dir.glob(f"*/{CONFIG_FILE}")):
        values = parse_yaml(path.read_bytes()).values
        for fault in resolve(values, project.values)[1]:
            if is_asked(fault.path):
                missing[f"{path.parent.name}: {'.'.join(map(str, fault.path))}"] = fault.reason
    if missing:
        raise BadInputError(
            "; ".join(f"{where}: {reason}" for where, reason in missing.items()) + ".",
            "Set each in the environment, as a file in the folder of secrets (secrets_dir), or in "
            "`variables` of the environment.",
        )
    found = [f"{name} ({project.values.origin(name)})" for name in sorted(used)]
    return f"all are set{': ' if found else ''}{', '.join(found)}"


def _apart(project: Project) -> str:
    """Whether the environment's tables, and so its dashboards, history and locks, are its own."""
    check_apart(project)
    if project.environment_apart:
        return f"tables of its own, and so {project.relative(project.state_dir)}"
    return "tables, dashboards and locks are those of the project"


def _warehouse(project: Project) -> str:
    check_data_folder(project)
    missing = missing_folders(project.data_dir) if has_tables(project) else []
    try:
        said = _tried_warehouse(project)
    finally:
        for folder in missing:
            # What looking has made is taken away again: the name may be a slip.
            with suppress(OSError):
                folder.rmdir()
    if not missing:
        return said
    shown = project.relative(project.data_dir)
    return f"{said}; the folder {shown} (data_dir) does not exist yet: the first run makes it"


def _tried_warehouse(project: Project) -> str:
    kind, settings = chosen_kind("warehouses", project.settings.warehouse, project.values)
    if kind.check is not None:
        return str(kind.check(settings, project))
    warehouse = visible_warehouse(project, _TRIAL)
    existed = warehouse.exists()
    try:
        with warehouse.connect() as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
            connection.execute(f"CREATE OR REPLACE TABLE {_SCHEMA}.trial AS SELECT 1 AS one")
            connection.execute(f"SELECT one FROM {_SCHEMA}.trial").fetchall()  # noqa: S608
            connection.execute(f"DROP SCHEMA {_SCHEMA} CASCADE")
    finally:
        path = getattr(warehouse, "path", None)
        if path is not None and not existed:
            path.unlink(missing_ok=True)
    return f"a table was made, read and dropped in {warehouse.location}"


def _history(project: Project) -> str:
    address = history_address(project)
    if not address:
        return f"SQLite files in {project.relative(project.dagster_home)}"
    connection = connect(address)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            [version] = cursor.fetchone() or ("?",)
            cursor.execute("SELECT to_regclass('runs'), to_regclass('alembic_version')")
            tables = cursor.fetchone() or (None, None)
            cursor.execute("SELECT has_schema_privilege(current_schema(), 'CREATE')")
            [may_create] = cursor.fetchone() or (False,)
    finally:
        connection.close()
    where = f"Postgres {version} at {shown_address(address)}"
    if not may_create:
        raise BadInputError(
            f"{where}: the user may not make tables in its schema.",
            "GRANT CREATE ON SCHEMA public TO that user, or make the user the database's owner.",
        )
    if None in tables:
        return f"{where}; its tables are made by the first run"
    found, head = _revisions(address)
    if found != head:
        raise BadInputError(
            f"{where}: its tables are of revision {found}, and this Dagster's of {head}.",
            "Stop all services, then: DAGSTER_HOME=.dagster dagster instance migrate",
        )
    return f"{where}, migrations up to date"


def _revisions(address: str) -> tuple[str | None, str | None]:
    """The revision of the tables, and the one that the installed Dagster wants."""
    import dagster_postgres
    from alembic.script import ScriptDirectory
    from dagster_postgres.utils import pg_alembic_config

    connection = connect(address)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT version_num FROM alembic_version")
            row = cursor.fetchone()
    finally:
        connection.close()
    config = pg_alembic_config(f"{dagster_postgres.__path__[0]}/run_storage/run_storage.py")
    return (row[0] if row else None), ScriptDirectory.from_config(config).get_current_head()


def _locks(project: Project) -> str:
    if not project.settings.history:
        return f"files in {project.relative(project.state_dir / 'locks')}, for one machine"
    from dataflow.runs.postgres_lock import SharedLock

    lock = SharedLock(project, _TRIAL)
    if not lock.acquire(0):
        return f"held by {lock.holder()}, who tries them as well"
    try:
        lock.confirm()
    finally:
        lock.release()
    return "taken and given back in the history's Postgres"


def _store(project: Project, name: str) -> str:
    address = setting_value(project, name)
    if not address:
        return f"{project.relative(project.state_dir)} of this machine"
    return try_store(open_store(address, name, project.root))


def _launcher(project: Project) -> str:
    chosen = chosen_launcher(project)
    if chosen is None:
        return "runs are processes of the service's machine"
    kind, settings = chosen
    kind.config(settings)
    return kind.check(settings) if kind.check else "is installed"


def _hosts(project: Project) -> str:
    """Whether runs may be on other hosts, where the environment has them be."""
    check_reach(project)
    parts = local_parts(project)
    if not parts:
        return "runs may be on any host"
    return f"runs stay on one machine, which alone has {'; '.join(parts)}"
