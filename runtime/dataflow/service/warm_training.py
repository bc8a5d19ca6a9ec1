"""Doing once what libraries do on first use, in a process that forks runs.

Half of what a small run takes is not its own: Dagster and dbt write code for their classes, read
their migration scripts and look for the source of every module, when they are first used. All of
it stays with the process, and so with its children.
"""

import inspect
import signal
import tempfile
from contextlib import suppress
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml
from dagster import DagsterInstance, OpExecutionContext, in_process_executor, job, op
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run_iterator

# Of classes whose data dbt holds to a schema that it makes on first use.
_WITH_SCHEMA = (
    "dbt.contracts.project:Project",
    "dbt.contracts.project:ProfileConfig",
    "dbt.contracts.project:PackageConfig",
    "dbt.contracts.project:Configuration",
    "dbt.contracts.project:ProjectFlags",
    "dbt.contracts.selection:SelectorFile",
    "dbt.task.test:TestResultData",
    "dbt.adapters.duckdb:DuckDBCredentials",
)
# Of classes for which code is written on first use.
_WITH_CODE = ("dbt.adapters.", "dbt.artifacts.", "dbt.contracts.", "dbt.task.", "dbt_common.")
# Its part for reading the project that dbt has parsed before.
_NOTHING = b"\x80"
_READS_PARSED = "__mashumaro_from_dict_msgpack__"
_WITH_MACROS = ("dbt.include.global_project", "dbt.include.duckdb")
_MACROS_OF_WORKFLOWS = "src/dataflow/workflows/*/dbt/macros/*.sql"
# Read, and compiled: what the largest projects have is not worth a longer start.
_MOST_FILES, _MOST_TEXTS = 2000, 250
_MACRO_BLOCKS = {"macro", "materialization", "test", "data_test"}
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
_TOY_SETTINGS = {
    "storage": {"custom": {"module": "dataflow.runs.history", "class": "RedactedHistory"}},
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    },
    "telemetry": {"enabled": False},
}


def train_dagster() -> None:
    """Execute a toy job, with a history in a folder of its own."""

    def toy_op(context: OpExecutionContext) -> int:
        """One with words, which Dagster reads."""
        context.log.debug("toy")
        return 1

    def toy_end(value: int) -> None:
        del value

    first, last = op(toy_op), op(toy_end)

    @job(executor_def=in_process_executor)
    def toy() -> None:
        last(first())

    with tempfile.TemporaryDirectory(prefix="dataflow-") as folder:
        settings: dict[str, Any] = {**_TOY_SETTINGS}
        storage = {"custom": {**settings["storage"]["custom"], "config": {"base_dir": folder}}}
        text = yaml.safe_dump({**settings, "storage": storage})
        Path(folder, "dagster.yaml").write_text(text, encoding="utf-8")
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        # Dagster would take the signals of this process for such as mean the toy.
        signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
        try:
            with DagsterInstance.from_config(folder) as instance:
                run = instance.create_run_for_job(job_def=toy, run_config=quiet)
                for _ in execute_run_iterator(InMemoryJob(toy), run, instance):
                    pass
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTS)


def train_dbt() -> None:
    """Have dbt make what it makes for its first project, without a project or a database.

    Raises:
        ImportError: dbt is not installed.
    """
    from dbt.contracts.graph.manifest import Manifest
    from dbt_common.dataclass_schema import dbtClassMixin

    train_dbt_schemas()
    Manifest.from_msgpack(Manifest().to_msgpack())
    for known in _subclasses(dbtClassMixin):
        if known.__module__.startswith(_WITH_CODE):
            # Without data both fail, once the code is there.
            with suppress(Exception):
                known.from_dict({})
            # The first is for what others hold, the second for what is read by itself.
            with suppress(Exception):
                getattr(known, _READS_PARSED)({})
            with suppress(Exception):
                known.from_msgpack(_NOTHING)
            with suppress(Exception):
                object.__new__(known).to_dict()
    _compile_patterns()


def train_dbt_schemas() -> None:
    """Have dbt make what each of its commands makes anew: the schemas of a project's own files.

    Raises:
        ImportError: dbt is not installed.
    """
    for place in _WITH_SCHEMA:
        module, _, name = place.partition(":")
        getattr(import_module(module), name).json_schema()


def train_macros(project: Path | None) -> None:
    """Have dbt compile its macros, and those of a project's workflows; it keeps them by their text.

    So one that is edited later is another one. Compiled is not called: nothing of a project's is
    done here. Those that the template gave to all workflows are one.

    Args:
        project: The folder of a project, if one is served.

    Raises:
        ImportError: dbt is not installed.
    """
    from dbt_common.clients.jinja import extract_toplevel_blocks, template_cache

    packages = [Path(import_module(name).PACKAGE_PATH) for name in _WITH_MACROS]
    paths = [path for package in packages for path in (package / "macros").rglob("*.sql")]
    paths += islice(project.glob(_MACROS_OF_WORKFLOWS), _MOST_FILES) if project else []
    texts = {path.read_text(encoding="utf-8", errors="replace"): None for path in paths}
    for text in islice(texts, _MOST_TEXTS):
        # What dbt cannot read it complains of in the run.
        with suppress(Exception):
            for block in extract_toplevel_blocks(text, _MACRO_BLOCKS, collect_raw_data=False):
                known = SimpleNamespace(name="", macro_sql=block.full_block)
                template_cache.get_node_template(known)


def _compile_patterns() -> None:
    from sqlparse.lexer import Lexer

    Lexer.get_default_instance()  # type: ignore[no-untyped-call]


def _subclasses(known: type[Any]) -> set[type[Any]]:
    found = set(known.__subclasses__())
    return found.union(*map(_subclasses, found))


def end_duckdb() -> None:
    """Close the database in memory that DuckDB's import opens, and so end its threads.

    A child that asks for it, as ``duckdb.sql`` does, gets a new one.
    """
    import duckdb

    duckdb.default_connection().close()


def start_resource_tracker() -> None:
    """Have one process see to the semaphores of all children, as Python has one for each.

    dbt makes locks by which other processes could be kept out.
    """
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()


def train_inspect() -> None:
    """Have Python find the file of every module that is loaded, once for all."""
    inspect.stack()
