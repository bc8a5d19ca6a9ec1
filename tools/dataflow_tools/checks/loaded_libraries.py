"""What the processes of a check import, each of them or one for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.service.warm_terminal import is_warm_child
from dataflow_tools.checks.python_processes import PythonProcesses
from dataflow_tools.checks.workflow_source import WorkflowSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataflow.shared.project import Project

_OF_CODE = ("dagster", "dataflow.authoring", "dataflow_tools.checks.loading")
# DuckDB looks for the values of pandas among those that it is given.
_OF_DRY_RUNS = ("duckdb", "pandas", "dataflow_tools.checks.dry_run")
_OF_DBT = (
    "dbt.cli.main",
    "dbt.adapters.__about__",
    "dbt.adapters.duckdb",
    "dbt.adapters.duckdb.__version__",
    "dbt.adapters.duckdb.environments.local",
    "dbt.adapters.sql",
    "dbt.parser.sql",
    "dbt.task.build",
    "dbt_common.clients.agate_helper",
    "babel.dates",
    "sqlparse",
    "daff",
    "google.protobuf.descriptor_pb2",
    "multiprocessing.dummy",
    "multiprocessing.pool",
)
# Not dataflow.testing: a plug-in of pytest's, which pytest itself wants to be the first to load.
_OF_TESTS = (
    "pytest",
    "_pytest.assertion.rewrite",
    "_pytest.junitxml",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._grpc.impl",
    "dataflow.modelling.build",
    "dataflow.publish.parquet",
    "dataflow.runs.executor",
    "dataflow.runs.run",
    "dataflow.runs.steps",
    "dataflow.sources.read",
    "dataflow.stages.apply",
    "dataflow.warehouse.load",
    "pyarrow.compute",
    "pyarrow.parquet",
)
# From so many workflows on, what libraries do on first use is done once for all.
_SEVERAL = 4


def processes_for(
    project: Project, workflow_ids: Sequence[str], *, with_tests: bool
) -> PythonProcesses:
    """What starts the processes in which these workflows are tried out.

    Args:
        with_tests: Whether their tests are run.
    """
    workflows = [WorkflowSource(project, name) for name in workflow_ids]
    has_dbt = any(workflow.has("dbt") for workflow in workflows)
    is_tried = has_dbt or any(workflow.has("evidence") for workflow in workflows)
    modules = [
        *_OF_CODE,
        *(_OF_DRY_RUNS if is_tried or with_tests else ()),
        *(_OF_DBT if has_dbt else ()),
        *(_OF_TESTS if with_tests else ()),
    ]
    if not workflows or not (is_tried or with_tests):
        # One process alone.
        modules = []
    train = with_tests and len(workflows) >= _SEVERAL
    return PythonProcesses(modules, train=train, fork=is_warm_child())
