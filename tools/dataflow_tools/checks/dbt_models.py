"""Implementation and documentation of the dbt models, as dbt itself reads them."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dataflow.modelling.artefacts import WRITES_NONE
from dataflow.modelling.missing_node import told_missing_node
from dataflow.publish.descriptions import is_description
from dataflow.shared.finding import Finding
from dataflow.warehouse.duckdb_file import DATABASE_VARIABLE
from dataflow_tools.checks.protocol import Group, Status, Verdict, check, judged, not_applicable
from dataflow_tools.checks.tried_workflow import Model, Models

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow_tools.checks.tried_workflow import DryRun, TriedWorkflow

_MARTS = "marts"
_NO_DBT = Finding("dbt is not installed.", "Install dbt: pip install 'dataflow-runtime[dbt]'")
_PROJECT_FILE = "dbt_project.yml"
_LONGEST_REASON = 500


def build_empty_models(
    source: Path, state: Path, database: Path, *, build: bool, profile: Path | None = None
) -> Models:
    """Have dbt parse a project, and build all but its tests.

    Args:
        source: The dbt project.
        state: Where dbt keeps its artefacts.
        database: The DuckDB file to build in.
        profile: The folder of the profile to use; None for the project's own.
    """
    try:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner
    except ImportError:
        return Models(is_installed=False)
    os.environ[DATABASE_VARIABLE] = str(database)
    # Nobody reads artefacts of a dry run, and dbt writes them by slow code, for each command twice.
    options = ["--quiet", "--log-level", "none", "--no-use-colors", WRITES_NONE]
    places = ["--project-dir", str(source), "--profiles-dir", str(profile or source)]
    places += ["--target-path", str(state / "target"), "--log-path", str(state / "logs")]
    try:
        parsed = dbtRunner().invoke([*options, "parse", *places])
        if parsed.exception is not None or not parsed.success:
            return Models(findings=[_parse_finding(source, parsed.exception)])
        manifest: Any = parsed.result
        found = _read_manifest(manifest)
        if build and found.models:
            skip = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
            built = dbtRunner(manifest=manifest).invoke([*options, "build", *skip, *places])
            found.findings = _build_findings(built)
        return found
    finally:
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


@check(
    Group.IMPLEMENTATION,
    "the dbt project parses and its models can be built",
    position=7,
    waits=True,
)
def check_models(workflow: TriedWorkflow) -> Verdict:
    """What dbt refuses, or why it could not be asked."""
    if not workflow.has("dbt"):
        return not_applicable("there is no folder dbt")
    lost, models = workflow.dry_run.lost, workflow.dry_run.models
    if lost or models is None:
        return judged([replace(lost, file=workflow.shown("dbt"))] if lost else [])
    if not models.is_installed:
        return judged([replace(_NO_DBT, file=workflow.shown("dbt"))])
    findings = [
        replace(finding, file=workflow.shown("dbt", finding.file)) for finding in models.findings
    ]
    built = " and built" if workflow.dry_run.raw else ""
    return judged(findings, "" if findings else f"{len(models.models)} models, parsed{built}")


@check(
    Group.IMPLEMENTATION, "a dbt source is the table that the load writes", position=8, waits=True
)
def check_models_source(workflow: TriedWorkflow) -> Verdict:
    """Look for the loaded table among the sources."""
    models = _parsed_models(workflow)
    if isinstance(models, Verdict):
        return models
    if workflow.reads_others_alone:
        return not_applicable("it reads the tables of other workflows")
    wanted = {f"raw.{source.table}": source for source in workflow.sources}
    others = ", ".join(sorted(models.sources)) or "none"
    file = next(iter(models.sources.values()), "models")
    findings = []
    for shown, source in wanted.items():
        if shown not in models.sources:
            reason = f"The load writes {shown}; the dbt project's sources are: {others}."
            key = ".".join((*source.path, "load.table")) if source.name else "load.table"
            told = f"Name {source.table!r} as a table of the source `raw`, or change {key}."
            findings.append(workflow.finding(reason, told, f"dbt/{file}"))
    return judged(findings, ", ".join(wanted))


@check(
    Group.DOCUMENTATION, "every mart and every column of it is described", position=4, waits=True
)
def check_columns(workflow: TriedWorkflow) -> Verdict:
    """Compare what is described with the columns that the marts have.

    What a column means only people know, so that it is advised.
    """
    models = _parsed_models(workflow)
    if isinstance(models, Verdict):
        return models
    marts = [model for model in models.models if model.table.startswith(f"{_MARTS}.")]
    if not marts:
        return not_applicable("dbt has no model in the schema marts")
    findings: list[Finding] = []
    advised: list[Finding] = []
    unknown: list[str] = []
    for mart in marts:
        file = f"dbt/{mart.file}"
        if not mart.description.strip():
            reason = f"{mart.table} has no description."
            findings.append(workflow.finding(reason, "Add `description:` to it.", file))
        columns = _real_columns(mart, workflow.dry_run)
        if columns is None:
            unknown.append(mart.table)
        described = {name.lower() for name, text in mart.columns.items() if is_description(text)}
        bare = [c for c in columns or mart.columns if c.lower() not in described]
        if bare:
            reason = f"{mart.table} has columns without a description: {', '.join(bare)}."
            told = "List each under `columns:` with a `description:`."
            advised.append(workflow.finding(reason, told, file))
        if gone := _gone_columns(mart, workflow.dry_run):
            reason = f"{mart.table} has no {', '.join(gone)} any more, which {_is(gone)} described."
            told = f"Take {'it' if len(gone) == 1 else 'them'} out of `columns:`, with the tests."
            advised.append(workflow.finding(reason, told, file))
    if advised and not findings:
        return Verdict(Status.ADVISED, findings=tuple(advised))
    if unknown and not findings:
        why = f"the columns of {', '.join(unknown)} are not known before the first run"
        return not_applicable(why)
    return judged([*findings, *advised], ", ".join(mart.table for mart in marts))


def _parsed_models(workflow: TriedWorkflow) -> Models | Verdict:
    """What dbt read, or why nothing can be said."""
    if not workflow.has("dbt"):
        return not_applicable("there is no folder dbt")
    models = workflow.dry_run.models
    if models is None:
        return not_applicable("dbt ended early")
    if not models.is_installed:
        return not_applicable("dbt is not installed")
    if models.findings and not models.models:
        return not_applicable("dbt cannot parse the project")
    return models


def _real_columns(mart: Model, dry_run: DryRun) -> list[str] | None:
    """The columns that a mart has, as far as that is known."""
    planned, built = dry_run.columns.get(mart.table), dry_run.built.get(mart.table)
    if built is not None:
        # A column that the model does not make any more will be gone after the next run.
        return [c for c in built if planned is None or c in planned]
    # Where no column is listed, the tests' sample is not known to have those of the source.
    return planned if mart.columns and dry_run.raw else None


def _gone_columns(mart: Model, dry_run: DryRun) -> list[str]:
    """The columns that are described and that the model does not make, as far as that is known."""
    planned = dry_run.columns.get(mart.table)
    if planned is None or dry_run.raw != "warehouse":
        # A tests' sample is not known to have all columns of the source.
        return []
    known = {column.lower() for column in planned}
    return [name for name in mart.columns if name.lower() not in known]


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _read_manifest(manifest: Any) -> Models:
    sources = {
        f"{source.schema}.{source.identifier}": source.original_file_path
        for source in manifest.sources.values()
    }
    models = [
        Model(
            f"{node.schema}.{node.alias}",
            (node.patch_path or node.original_file_path).partition("://")[2]
            or node.original_file_path,
            node.description,
            {name: column.description for name, column in node.columns.items()},
        )
        for node in manifest.nodes.values()
        if node.resource_type == "model"
    ]
    return Models(sources=sources, models=models)


def _parse_finding(source: Path, error: BaseException | None) -> Finding:
    text = " ".join(str(error or "dbt cannot parse the project").split())
    names = {path.name: path for path in source.rglob("*") if path.suffix in (".sql", ".yml")}
    named = next((path for name, path in names.items() if name in text), None)
    file = str(named.relative_to(source)) if named else _PROJECT_FILE
    text = text.replace(f"{source}{os.sep}", "")
    return _finding(told_missing_node(text, source), file)


def _build_findings(built: Any) -> list[Finding]:
    nodes = [n for n in getattr(built.result, "results", None) or [] if n.status == "error"]
    findings = [
        _finding(
            f"{node.node.name}: {node.message or 'it cannot be built'}",
            node.node.original_file_path,
        )
        for node in nodes
    ]
    if built.exception is not None and not findings:
        return [_finding(str(built.exception), _PROJECT_FILE)]
    return findings


def _finding(text: str, file: str) -> Finding:
    return Finding(" ".join(text.split())[:_LONGEST_REASON], "Fix it.", file)
