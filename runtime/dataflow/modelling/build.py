"""Building and testing a workflow's dbt project, in this process."""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import contextmanager
from contextvars import copy_context
from threading import Lock
from typing import TYPE_CHECKING, Any

from dataflow.modelling.artefacts import WRITES_NONE, BuiltProject, write_artefacts
from dataflow.modelling.engine_build import build_by_engine
from dataflow.modelling.kept_parse import known_to_dbt, with_real_paths
from dataflow.modelling.known_graph import keep_graph, known_graph
from dataflow.modelling.missing_column import advice_on_columns
from dataflow.modelling.missing_node import told_missing_node
from dataflow.modelling.model_graph import ModelGraph
from dataflow.modelling.outcomes import BuildResult, built_tables, outcomes_of_tests
from dataflow.modelling.packages import install_packages
from dataflow.modelling.placing import build_elsewhere
from dataflow.modelling.profile import profile_folder
from dataflow.modelling.upstream_sources import tell_of_upstreams
from dataflow.modelling.warnings_of_tests import told_warnings, values_of_failures
from dataflow.shared.errors import DataflowError, MissingDependencyError
from dataflow.shared.importing import importing
from dataflow.shared.shown import counted
from dataflow.shared.step_progress import step_progress
from dataflow.warehouse.capabilities import PlacesTables
from dataflow.warehouse.dbt_engine import HasDbtEngine
from dataflow.warehouse.kind import PlacesModels, dbt_output_of, is_about, shown_location
from dataflow.warehouse.run_warehouse import RunWarehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dataflow.modelling.outcomes import TestOutcome
    from dataflow.shared.project import Project
    from dataflow.warehouse.kind import HeldTables, Warehouse

_FAILED = ("error", "fail", "runtime error")
# What DuckDB says when another process has the file open.
_HELD = "Could not set lock"
NO_UNIT_TESTS = ("--exclude-resource-type", "unit_test")
# The dots by which dbt aligns its lines.
_LEADER = re.compile(r" \.{2,} ")


class ModelError(DataflowError):
    """A dbt model does not build, or a dbt test fails.

    ``outcomes`` tells of the tests that were made.

    Why: dbt builds the models on the tables that the run has loaded, then tests them. A column
    has gone, a value does not fit its type, or a test that is an error found rows. Tables and
    dashboards are those of the last good run.

    What to do: `dataflow workflow run NAME --only models` builds again on what has been loaded.
    A test that should only warn has `severity: warn` in `dbt/models`.
    """

    outcomes: Sequence[TestOutcome] = ()


def build_models(
    project: Project,
    workflow_id: str,
    warehouse: Warehouse,
    report: Callable[[str], None] | None = None,
    upstream: Mapping[str, HeldTables] | None = None,
    only: Sequence[str] = (),
) -> BuildResult:
    """Run ``dbt build`` on a workflow's dbt project against its warehouse.

    Unit tests are not made: they say something of the code, not of the data (`unit_tests`).
    dbt's artefacts and its log lie in ``.dataflow/dbt/<workflow_id>``, where a second build finds
    the parsed project again.

    Args:
        workflow_id: The workflow; its dbt project is its folder ``dbt``.
        warehouse: Where the tables are; nothing may have it open.
        report: Called with one line for each model and test that ends.
        upstream: The tables of other workflows that models may read as sources, by their ids.
        only: The names of the models, seeds and snapshots to build, with their tests; if empty all.

    Raises:
        MissingDependencyError: dbt is not installed.
        UpstreamError: A model reads tables of another workflow that has made none.
        PackageError: A package that ``packages.yml`` names cannot be installed.
        ModelError: The project cannot be parsed, a model does not build, or a test fails; all
            of them are named.
        WarehouseError: The warehouse is held by another process, or cannot be used.
    """
    try:
        with importing():
            from dbt.cli.main import dbtRunner
    except ImportError as error:
        raise MissingDependencyError(
            f"The workflow {workflow_id!r} has dbt models, and dbt is not installed.",
            "Install it: pip install 'dataflow-runtime[dbt]'",
        ) from error
    started = time.monotonic()
    folder = project.workflow_dir(workflow_id) / "dbt"
    state = project.state_dir / "dbt" / workflow_id
    state.mkdir(parents=True, exist_ok=True)
    quiet = ["--quiet", "--log-level", "none", "--log-level-file", "debug"]
    quiet += ["--no-use-colors", "--no-send-anonymous-usage-stats"]
    output, held = dbt_output_of(warehouse), upstream or {}
    profile = profile_folder(folder, state, output, {})
    places = ["--project-dir", str(folder), "--profiles-dir", str(profile)]
    logs = ["--log-path", str(state / "logs")]

    def invoke(command: list[str]) -> Any:
        with found_by_dbt(warehouse, state / "target"):
            return dbtRunner().invoke([*quiet, *logs, *command, *places])

    install_packages(folder, state, invoke, project.relative(folder))
    graph = known_graph(project, workflow_id) if upstream else ModelGraph()
    own = warehouse.on_its_own() if isinstance(warehouse, RunWarehouse) else warehouse
    has_engine = isinstance(own, HasDbtEngine)
    tell_of_upstreams(folder, held, graph, names_databases=not has_engine)
    profile = profile_folder(folder, state, output, held)
    places = ["--project-dir", str(folder), "--profiles-dir", str(profile)]
    target = state / "target"
    arguments = [*quiet, "build", *places, "--target-path", str(target), *logs]
    arguments += [WRITES_NONE, *NO_UNIT_TESTS]
    built = BuiltProject()
    callbacks: list[Callable[[Any], None]] = [built, _counter()]
    callbacks += [_reporter(report)] if report else []
    if only and isinstance(own, PlacesTables):
        # Views that the chosen models read are not there yet in the places of this run.
        only = [f"+{name}" for name in only]
    arguments += ["--select", *only] if only else []
    with found_by_dbt(warehouse, target):
        if isinstance(own, HasDbtEngine):
            outcome = build_by_engine(own, held, callbacks, arguments)
        elif isinstance(own, PlacesModels):
            outcome = build_elsewhere(own, callbacks, arguments)
        else:
            outcome = dbtRunner(callbacks=callbacks).invoke(arguments)
    if _HELD in _about_warehouse(outcome, warehouse):
        # dbt does not wait for a program that has the file open, and blames a model for it.
        with warehouse.connect():
            pass
        with found_by_dbt(warehouse, target):
            outcome = dbtRunner(callbacks=callbacks).invoke(arguments)
    nodes = _nodes(outcome)
    manifest = write_artefacts(built.manifest, outcome.result, target) if nodes else None
    outcomes = outcomes_of_tests(manifest, nodes) if manifest else []
    failed = [node for node in nodes if node.status in _FAILED]
    if outcome.exception is not None or failed or not outcome.success:
        # A disk that is full or a file that is damaged is no fault of the models that met it.
        said = _about_warehouse(outcome, warehouse)
        if said:
            raise warehouse.fault(first_lines(said))
        found = values_of_failures(warehouse, failed)
        faults = [_fault(project, folder, node, found) for node in failed]
        if outcome.exception is not None:
            said = first_lines(str(outcome.exception))
            faults.append(told_missing_node(said, folder, project.relative(folder)))
        advice = advice_on_columns(workflow_id, failed, manifest, warehouse)
        log = f"The full log is {project.relative(state / 'logs' / 'dbt.log')}."
        fault = ModelError(
            "\n".join(faults) or "dbt build failed.",
            "\n".join(filter(None, (advice, f"{log} {_what_is_seen(project, warehouse)}"))),
        )
        fault.outcomes = outcomes
        raise fault
    if manifest:
        keep_graph(project, workflow_id, manifest)
    return BuildResult(
        models=[
            f"{node.node.schema}.{node.node.alias}"
            for node in nodes
            if node.node.resource_type == "model"
        ],
        tests=sum(node.node.resource_type == "test" for node in nodes),
        warnings=told_warnings(warehouse, nodes),
        seconds=time.monotonic() - started,
        tables=built_tables(manifest, nodes) if manifest else [],
        outcomes=outcomes,
    )


def _what_is_seen(project: Project, warehouse: Warehouse) -> str:
    if not isinstance(warehouse, RunWarehouse):
        return "The dashboards keep showing the last good data."
    return (
        "Tables and dashboards are those of the last good run; what this one built is in "
        f"{shown_location(project, warehouse)} until the next run."
    )


def _nodes(outcome: Any) -> list[Any]:
    return list(getattr(outcome.result, "results", None) or [])


def _about_warehouse(outcome: Any, warehouse: Warehouse) -> str:
    """What went wrong with the warehouse, not with a model or a test; empty if nothing."""
    said = [node.message or "" for node in _nodes(outcome) if node.status in _FAILED]
    said.append(str(outcome.exception or ""))
    said = [with_real_paths(text) for text in said]
    return next((text for text in said if text and is_about(warehouse, text)), "")


@contextmanager
def found_by_dbt(warehouse: Warehouse, target: Path) -> Iterator[None]:
    """Point dbt's profile at a warehouse, and make dbt let go of it at the end.

    The one thing that goes through the environment inside a process: the ``profiles.yml`` of every
    rendered workflow asks it for the file, and dbt reads the environment of the whole process
    (its ``--vars`` would be another profile, and cost a parse of all models with each new value).

    Args:
        target: The folder of dbt's artefacts.
    """
    from dbt.adapters.factory import cleanup_connections

    with known_to_dbt(warehouse.dbt_variables(), target) as variables:
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        try:
            yield
        finally:
            cleanup_connections()  # type: ignore[no-untyped-call]
            _close_duckdb()
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def _close_duckdb() -> None:
    """Close the DuckDB file, which the adapter keeps open beyond its connections."""
    adapter = sys.modules.get("dbt.adapters.duckdb.connections")
    if adapter is not None:
        adapter.DuckDBConnectionManager.close_all_connections()


def _reporter(report: Callable[[str], None]) -> Callable[[Any], None]:
    # dbt calls from threads of its own, which know nothing of the run that the lines belong to.
    context = copy_context()

    def on_event(event: Any) -> None:
        if event.info.name in ("LogModelResult", "LogTestResult", "LogSeedResult"):
            context.copy().run(report, _LEADER.sub(" ", event.info.msg))

    return on_event


def _counter() -> Callable[[Any], None]:
    """Counts the models and tests that have ended, and names the one that takes longest."""
    # dbt calls from threads of its own.
    progress, lock = step_progress(), Lock()
    going: dict[str, str] = {}
    ended: set[str] = set()

    def on_event(event: Any) -> None:
        if event.info.name not in ("LogStartLine", "NodeFinished"):
            return
        node = event.data.node_info
        with lock:
            if event.info.name == "LogStartLine":
                going[node.unique_id] = node.node_name
                progress.count(total_parts=event.data.total, of="models and tests")
            else:
                going.pop(node.unique_id, None)
                ended.add(node.unique_id)
            progress.count(parts=len(ended), at=next(iter(going.values()), ""))

    progress.begin()
    return on_event


def _fault(project: Project, folder: Path, node: Any, found: Mapping[str, str]) -> str:
    kind, name = node.node.resource_type, node.node.name
    where = project.relative(folder / node.node.original_file_path)
    compiled = getattr(node, "failures", None)
    rows = f" ({counted(compiled, 'row')})" if compiled else ""
    said = f"dbt {kind} {name} in {where}{rows}: {first_lines(node.message or 'failed')}"
    if node.node.unique_id not in found:
        return said
    query = getattr(node.node, "compiled_path", None)
    # What dbt asked the database: it finds all of them.
    where = f"\n  The query: {project.relative(project.root / query)}" if query else ""
    return f"{said}\n  {found[node.node.unique_id]}{where}"


def first_lines(message: str, most: int = 6) -> str:
    """What dbt says, without where it is and what comes after so many lines."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    # dbt begins with where it is, which stands before this text already.
    if len(lines) > 1 and " Error in " in lines[0]:
        del lines[0]
    return "\n  ".join(lines[:most])
