"""What an author may write, with types: mypy accepts every line of it, and warns of none.

A change that breaks a line here breaks programs of others. It does not land in a minor version.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_type

from dagster import JobDefinition, job, op

from dataflow.authoring import (
    BadInputError,
    BuildResult,
    DataflowError,
    LoadResult,
    Sandbox,
    Steps,
    StoredTable,
    apply_stages,
    read_source,
)
from dataflow.shared.config import ConfigError, load_config
from dataflow.shared.logging import get_logger
from dataflow.workflows.registry import Workflow, register_workflow

log = get_logger(__name__)
steps = Steps("orders")


def extract_data(params: dict[str, Any]) -> dict[str, Any]:
    """Fetch the rows."""
    try:
        config = assert_type(load_config("orders"), dict[str, Any])
    except ConfigError as error:
        log.error("the configuration is wrong", faults=len(error.findings))
        raise
    source, parameters = config["ingestion"]["source"], config["ingestion"]["parameters"]
    result = read_source(source, {**parameters, **params})
    log.info("read", rows=result["metadata"]["record_count"])
    return assert_type(result, dict[str, Any])


def transform_data(data: dict[str, Any]) -> dict[str, Any]:
    """Clean the rows."""
    stages = [{"name": "cleaning", "options": {"remove_duplicates": True}}]
    return assert_type(apply_stages(data, stages), dict[str, Any])


@op
def fetch() -> None:
    """Do it all, the short way."""
    try:
        transform_data(extract_data({}))
    except BadInputError as error:
        assert_type(error.reason, str)
        raise
    except DataflowError as error:
        assert_type(error.exit_code, int)
        raise


@job
def orders_job() -> None:
    """One plain job."""
    fetch()


assert_type(orders_job, JobDefinition)
workflow = assert_type(
    register_workflow(workflow_id="orders", job=orders_job, description="Orders per day"), Workflow
)


def say(stored: StoredTable, loaded: LoadResult, built: BuildResult) -> str:
    """What the steps of a job hand to each other."""
    assert_type(loaded.rows_loaded, int)
    return f"{stored} {loaded.table} {built}"


def in_a_test(sandbox: Sandbox) -> Path:
    """A workflow's own tests run in a project of their own."""
    return sandbox.project.root
