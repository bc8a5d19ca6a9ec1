"""What a process that forks runs has loaded, and what it must not have: threads."""

from __future__ import annotations

import gc
import os
import threading
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import TYPE_CHECKING

from dataflow.shared.errors import DataflowError
from dataflow.shared.importing import importing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# All that a run may use of this library.
_PACKAGES = ("shared", "sources", "stages", "warehouse", "modelling", "publish", "runs")
_THEIRS = (
    "babel.dates",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._grpc.impl",
    "encodings.utf_8_sig",
    "pandas",
    "pyarrow.compute",
    "pyarrow.dataset",
    "pyarrow.parquet",
)
# Not installed everywhere.
_OF_DBT = (
    "dbt.adapters.__about__",
    "dbt.adapters.duckdb",
    "dbt.adapters.duckdb.__version__",
    "dbt.adapters.duckdb.environments.local",
    "dbt.adapters.sql",
    "dbt.cli.main",
    "dbt.parser.sql",
    "dbt.task.build",
    "dbt_common.clients.agate_helper",
    "daff",
    "google.protobuf.descriptor_pb2",
    "multiprocessing.dummy",
    "multiprocessing.pool",
    "sqlparse",
)
# Kept by a library that starts it again in a child.
_HARMLESS = frozenset({"jemalloc_bg_thd"})


class WarmingError(DataflowError):
    """This process cannot become one that forks runs."""


def load_libraries(further: Iterable[str] = (), project: Path | None = None) -> None:
    """Import what runs need, so that a forked child finds it.

    Args:
        further: Modules beside those of runs, such as the command line.
        project: The folder of the project that is served, if there is one.

    Raises:
        WarmingError: A thread runs in this process afterwards: a child would lack it, and could
            wait for ever for what it holds.
    """
    with importing():
        for name in (*_own_modules(), *further, *_THEIRS, *_OF_DBT):
            with suppress(ImportError):
                import_module(name)
        from dataflow.service import warm_training as training

        for train in (
            training.train_dagster,
            training.train_dbt,
            partial(training.train_macros, project),
            training.start_resource_tracker,
            training.train_inspect,
        ):
            # It only saves time: a run meets what is the matter itself, and says so.
            with suppress(Exception):
                train()
        training.end_duckdb()
    gc.collect()
    gc.freeze()
    check_threads()


def _own_modules() -> Iterator[str]:
    yield from ("dataflow.authoring", "dataflow.service.warm_run")
    yield "dataflow.service.prompt_coordinator"
    for name in _PACKAGES:
        package = import_module(f"dataflow.{name}")
        for module in walk_packages(package.__path__, f"dataflow.{name}."):
            yield module.name


def check_threads() -> None:
    """See that this process can be forked.

    Raises:
        WarmingError: A thread runs in it, by Python or by itself.
    """
    # Some libraries have threads that they end before a fork and start again when needed.
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    found = [thread.name for thread in threading.enumerate()[1:]]
    tasks = Path("/proc/self/task")
    if not found and tasks.is_dir():
        names = [(task / "comm").read_text().strip() for task in tasks.iterdir()]
        found = [name for name in names if name not in _HARMLESS][1:]
    if found:
        raise WarmingError(
            f"Threads run after the libraries were loaded: {', '.join(found)}.",
            "Runs are started by Dagster itself, which takes longer.",
        )
