"""Implementation and documentation of the dbt models, as dbt itself reads them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataflow.warehouse.duckdb_file import DATABASE_VARIABLE
from dataflow_tools.checks.checklist import Finding, Point, judged, missing, not_applicable

if TYPE_CHECKING:
    from pathlib import Path

    from dataflow_tools.checks.dry_run import DryRun
    from dataflow_tools.checks.workflow_source import WorkflowSource

_MARTS = "marts"
_INSTALL = "Install dbt: pip install 'dataflow-runtime[dbt]'"


@dataclass(frozen=True)
class ModelFault:
    """What dbt refuses.

    Args:
        file: The file in the folder ``dbt``; empty if dbt names none.
        reason: What dbt says.
    """

    file: str
    reason: str


@dataclass(frozen=True)
class Model:
    """One model.

    Args:
        table: ``schema.table``.
        file: Where it is described, or else defined, in the folder ``dbt``.
        description: What it is.
        columns: The description of each column that is listed.
    """

    table: str
    file: str
    description: str
    columns: dict[str, str]


@dataclass
class Models:
    """What dbt said about a project.

    Args:
        is_installed: Whether there is a dbt to ask.
        faults: What it refuses.
        sources: ``schema.table`` of each source, with the file that names it.
        models: Its models.
    """

    is_installed: bool = True
    faults: list[ModelFault] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    models: list[Model] = field(default_factory=list)


def build_empty_models(source: Path, state: Path, database: Path, *, build: bool) -> Models:
    """Have dbt parse a project, and build all but its tests.

    Args:
        source: The dbt project.
        state: Where dbt keeps its artefacts.
        database: The DuckDB file to build in.
        build: Whether to build after parsing.
    """
    try:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner
    except ImportError:
        return Models(is_installed=False)
    os.environ[DATABASE_VARIABLE] = str(database)
    options = ["--quiet", "--log-level", "none", "--no-use-colors"]
    places = ["--project-dir", str(source), "--profiles-dir", str(source)]
    places += ["--target-path", str(state / "target"), "--log-path", str(state / "logs")]
    try:
        parsed = dbtRunner().invoke([*options, "parse", *places])
        if parsed.exception is not None or not parsed.success:
            return Models(faults=[_parse_fault(source, parsed.exception)])
        manifest: Any = parsed.result
        found = _read_manifest(manifest)
        if build and found.models:
            skip = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
            built = dbtRunner(manifest=manifest).invoke([*options, "build", *skip, *places])
            found.faults = _build_faults(built)
        return found
    finally:
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


def check_models(workflow: WorkflowSource, dry_run: DryRun | None) -> list[Point]:
    """Judge the dbt project, its source and the descriptions of its marts.

    Args:
        workflow: The workflow.
        dry_run: What dbt said; ``None`` if the process that asked it was lost.
    """
    if not workflow.has("dbt"):
        why = "there is no folder dbt"
        return [not_applicable(key, why) for key in ("dbt", "dbt-source", "columns")]
    models = dry_run.models if dry_run else None
    if models is None or dry_run is None:
        return [not_applicable(key, "dbt ended early") for key in ("dbt-source", "columns")]
    if not models.is_installed:
        lacking = Finding(workflow.shown("dbt"), "dbt is not installed.", _INSTALL)
        later = "dbt is not installed"
        return [
            missing("dbt", lacking),
            *(not_applicable(key, later) for key in ("dbt-source", "columns")),
        ]
    findings = [
        Finding(workflow.shown("dbt", fault.file), fault.reason, "Mend it.")
        for fault in models.faults
    ]
    if findings and not models.models:
        why = "dbt cannot parse the project"
        return [
            missing("dbt", *findings),
            *(not_applicable(key, why) for key in ("dbt-source", "columns")),
        ]
    how = f"{len(models.models)} models, parsed" + (" and built" if dry_run.raw else "")
    return [
        judged("dbt", findings, how),
        _source(workflow, models),
        _columns(workflow, models, dry_run),
    ]


def _source(workflow: WorkflowSource, models: Models) -> Point:
    table = workflow.setting("load", "table")
    wanted = f"raw.{table}"
    if wanted in models.sources:
        return judged("dbt-source", (), wanted)
    others = ", ".join(sorted(models.sources)) or "none"
    file = next(iter(models.sources.values()), "models")
    return missing(
        "dbt-source",
        Finding(
            workflow.shown("dbt", file),
            f"The load writes {wanted}; the dbt project's sources are: {others}.",
            f"Name {table!r} as a table of the source `raw`, or change load.table in config.yaml.",
        ),
    )


def _columns(workflow: WorkflowSource, models: Models, dry_run: DryRun) -> Point:
    marts = [model for model in models.models if model.table.startswith(f"{_MARTS}.")]
    if not marts:
        return not_applicable("columns", "dbt has no model in the schema marts")
    findings: list[Finding] = []
    unknown: list[str] = []
    for mart in marts:
        file = workflow.shown("dbt", mart.file)
        if not mart.description.strip():
            findings.append(
                Finding(file, f"{mart.table} has no description.", "Add `description:` to it.")
            )
        columns = _real_columns(mart, dry_run)
        if columns is None:
            unknown.append(mart.table)
        described = {name.lower() for name, text in mart.columns.items() if text.strip()}
        bare = [c for c in columns or mart.columns if c.lower() not in described]
        if bare:
            findings.append(
                Finding(
                    file,
                    f"{mart.table} has columns without a description: {', '.join(bare)}.",
                    "List each under `columns:` with a `description:`.",
                )
            )
    if unknown and not findings:
        why = f"the columns of {', '.join(unknown)} are not known before the first run"
        return not_applicable("columns", why)
    return judged("columns", findings, ", ".join(mart.table for mart in marts))


def _real_columns(mart: Model, dry_run: DryRun) -> list[str] | None:
    """The columns that a mart has, as far as that is known."""
    rehearsed, built = dry_run.columns.get(mart.table), dry_run.built.get(mart.table)
    if built is not None:
        # A column that the model does not make any more will be gone after the next run.
        return [c for c in built if rehearsed is None or c in rehearsed]
    # Where no column is listed, the tests' sample is not known to have those of the source.
    return rehearsed if mart.columns and dry_run.raw else None


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


def _parse_fault(source: Path, error: BaseException | None) -> ModelFault:
    text = " ".join(str(error or "dbt cannot parse the project").split())
    names = {path.name: path for path in source.rglob("*") if path.suffix in (".sql", ".yml")}
    named = next((path for name, path in names.items() if name in text), None)
    file = str(named.relative_to(source)) if named else "dbt_project.yml"
    return ModelFault(file, text.replace(f"{source}{os.sep}", "")[:500])


def _build_faults(built: Any) -> list[ModelFault]:
    nodes = [n for n in getattr(built.result, "results", None) or [] if n.status == "error"]
    faults = [
        ModelFault(
            node.node.original_file_path,
            f"{node.node.name}: {' '.join((node.message or 'it cannot be built').split())}"[:500],
        )
        for node in nodes
    ]
    if built.exception is not None and not faults:
        faults = [ModelFault("dbt_project.yml", " ".join(str(built.exception).split())[:500])]
    return faults
