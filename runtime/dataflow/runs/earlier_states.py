"""Looking at and bringing back what earlier runs of a workflow had left in its tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from dataflow.runs.context import own_config
from dataflow.runs.lock import workflow_lock
from dataflow.runs.promotion import finish_interrupted_promotion, promote
from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted
from dataflow.stages.enrichment import PROCESSED_AT
from dataflow.warehouse.difference import TableDifference, compare_states
from dataflow.warehouse.kind import AtomicWarehouse, KeptState, visible_warehouse

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.publish.errors import PublishError
    from dataflow.publish.kind import Publication
    from dataflow.shared.project import Project


@dataclass(frozen=True)
class Difference:
    """What changed between two states.

    Args:
        before: The earlier state.
        after: The later one; the present one if nothing has replaced it.
    """

    before: KeptState
    after: KeptState
    tables: list[TableDifference]


def list_states(project: Project, workflow_id: str) -> list[KeptState]:
    """The states of a workflow's tables, newest first; the present one has not been replaced.

    Raises:
        BadInputError: The warehouse is of a kind that keeps none, or no run has succeeded yet.
    """
    warehouse = _atomic(project, workflow_id)
    present = warehouse.present()
    states = [*([present] if present else []), *warehouse.kept()]
    if not states:
        raise BadInputError(
            f"The workflow {workflow_id!r} has no tables yet.",
            f"Run it first: dataflow workflow run {workflow_id}",
        )
    return states


def find_difference(
    project: Project, workflow_id: str, run_id: str = "", *, all_columns: bool = False
) -> Difference:
    """What a run changed in the tables of a workflow.

    Args:
        run_id: The run, or the beginning of its id; the last one if left out.
        all_columns: Also compare columns that the library fills with the time of the run.

    Raises:
        BadInputError: No state before the run's is kept, or not its own.
    """
    states = list_states(project, workflow_id)
    place = states.index(_chosen(states, run_id, workflow_id)) if run_id else 0
    # Restored states are in their place by when they were replaced; what a state replaced is the
    # one that says so, which is the next older one.
    if place + 1 >= len(states):
        raise BadInputError(
            f"No state of {workflow_id} from before "
            f"{f'run {run_id}' if run_id else 'its last run'} is kept.",
            "A state is kept when a run replaces it; the settings kept_states "
            f"({project.settings.kept_states}) and kept_states_gb "
            f"({project.settings.kept_states_gb:g}) say how many.",
        )
    after, before = states[place], states[place + 1]
    ignored = () if all_columns else (PROCESSED_AT,)
    keys = _possible_keys(project, workflow_id)
    warehouse = _atomic(project, workflow_id)
    later = after.run_id if after.replaced_by else ""
    with warehouse.compare(before.run_id, later) as connection:
        found = compare_states(connection, keys, ignored)
    return Difference(before, after, found)


def restore_state(
    project: Project,
    workflow_id: str,
    run_id: str,
    on_wait: Callable[[str], None] | None = None,
    *,
    with_dashboards: bool = True,
) -> KeptState:
    """Bring back what a run had left: tables, models, watermark, and dashboards made of them.

    The present state is kept like one that a run replaces, so this can be undone.

    Args:
        run_id: The run, or the beginning of its id.
        with_dashboards: Also publish from it; else the dashboards go on showing what they show.

    Raises:
        BadInputError: The state is not kept.
        WorkflowBusyError: A run of the workflow did not end in time.
        WarehouseError: Another program writes the warehouse.
        PublishError: The dashboards' queries do not fit the state; nothing was changed.
    """
    from dataflow.publish.errors import PublishError
    from dataflow.publish.folders import dashboard_folder
    from dataflow.publish.kind import PublishRequest, stage

    warehouse = _atomic(project, workflow_id)
    restoring = f"restore-{uuid4()}"
    with workflow_lock(project, workflow_id, on_wait, restoring):
        finish_interrupted_promotion(project, workflow_id)
        chosen = _chosen(warehouse.kept(), run_id, workflow_id)
        own = warehouse.begin(restoring, state=chosen.run_id)
        publications: list[Publication] = []
        if with_dashboards and dashboard_folder(project, workflow_id).is_dir():
            with own.connect(read_only=True) as connection:
                try:
                    _, publications = stage(PublishRequest(project, workflow_id, connection))
                except PublishError as error:
                    raise _restored_without_dashboards(error, workflow_id, chosen) from error
        promote(project, workflow_id, restoring, warehouse, publications)
    return chosen


def _restored_without_dashboards(
    error: PublishError, workflow_id: str, state: KeptState
) -> PublishError:
    """What to do where the queries of today do not fit the tables of another day."""
    return type(error)(
        f"{error.reason} The dashboards are those of the files as they are now, and the state is "
        "an earlier one: nothing was restored.",
        f"Restore the tables alone: dataflow workflow restore {workflow_id} --run {state.run_id} "
        "--no-dashboards. Or bring the workflow's files back to that day first (git log, git "
        "checkout), and restore then.",
    )


def _atomic(project: Project, workflow_id: str) -> AtomicWarehouse:
    if not project.workflow_dir(workflow_id).is_dir():
        from dataflow.workflows.registry import get_workflow

        # Says which workflows there are, and what a slip may have meant.
        get_workflow(workflow_id, project)
    warehouse = visible_warehouse(project, workflow_id)
    if not isinstance(warehouse, AtomicWarehouse):
        raise BadInputError(
            f"The warehouse of this project, at {warehouse.location}, keeps no earlier states.",
            "Use what it has of its own, such as snapshots or backups.",
        )
    return warehouse


def _chosen(states: list[KeptState], run_id: str, workflow_id: str) -> KeptState:
    ids = [state.run_id for state in states if state.run_id]
    found = {run_id} if run_id in ids else {one for one in ids if one.startswith(run_id)}
    if len(found) != 1:
        reason = "is the beginning of several runs' ids" if found else "is not kept"
        raise BadInputError(
            f"The state of run {quoted(run_id)} of {workflow_id} {reason}; there are: "
            f"{', '.join(ids) or 'none'}.",
            f"See them: dataflow workflow restore {workflow_id} --list",
        )
    # One that was brought back is there twice; the first is the present one.
    return next(state for state in states if state.run_id in found)


def _possible_keys(project: Project, workflow_id: str) -> Callable[[str], list[list[str]]]:
    """Which columns may be the key of a table: what config.yaml and dbt say of it, or of others."""
    known: list[tuple[str, list[str]]] = []
    config = own_config(project, workflow_id)
    if config is not None and config.load.primary_key:
        known.append((f"raw.{config.load.table}", list(config.load.primary_key)))
    known += _unique_columns(project, workflow_id)

    def keys(table: str) -> list[list[str]]:
        return [key for _, key in sorted(known, key=lambda entry: entry[0] != table)]

    return keys


def _unique_columns(project: Project, workflow_id: str) -> list[tuple[str, list[str]]]:
    """Tables with columns that dbt tests to be unique, or merges by, as it last parsed them."""
    path = project.state_dir / "dbt" / workflow_id / "target" / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        nodes = manifest["nodes"]
        found = []
        for node in nodes.values():
            if node["resource_type"] == "model" and node["config"].get("unique_key"):
                key = node["config"]["unique_key"]
                columns = [key] if isinstance(key, str) else list(key)
                found.append((f"{node['schema']}.{node['alias']}", columns))
            test = node.get("test_metadata") or {}
            if test.get("name") != "unique" or not node.get("column_name"):
                continue
            for parent in node["depends_on"]["nodes"]:
                table = nodes.get(parent) or manifest["sources"].get(parent)
                name = table.get("alias") or table.get("identifier") or table["name"]
                found.append((f"{table['schema']}.{name}", [node["column_name"].strip('"')]))
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return []
    return found
