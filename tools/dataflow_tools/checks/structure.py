"""Implementation: the files a workflow consists of, and its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.config import CONFIG_FILE
from dataflow_tools.checks.checklist import Finding, Point, judged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow_tools.checks.workflow_source import WorkflowSource

_FILES = {
    "README.md": "Write one: what the workflow is for, and how the data flows.",
    "__init__.py": "Add it; a docstring of one line is enough.",
    CONFIG_FILE: "Restore it from git, or write one.",
    "ingestion.py": "Define extract_data(params) in it.",
    "transform.py": "Define transform_data(data) in it.",
    "dagster_job.py": "Define the job in it and end it with register_workflow(...).",
    "tests": "Add tests of the ingestion, the transformation and the whole way.",
}
_DBT_FILES = {
    "dbt/dbt_project.yml": "Restore it from git, or take the folder dbt away.",
    "dbt/profiles.yml": "Restore it from git; it names the warehouse file.",
    "dbt/models": "Add the models, or take the folder dbt away.",
}
_EVIDENCE_FILES = {
    "evidence/pages/index.md": "Write the workflow's first page, or take the folder evidence away.",
    "evidence/sources": "Add one SELECT for each table that the pages read.",
}


def check_structure(workflow: WorkflowSource) -> list[Point]:
    """Judge whether the folder is complete and ``config.yaml`` valid."""
    return [judged("folder", _folder(workflow)), _config(workflow)]


def _folder(workflow: WorkflowSource) -> Iterator[Finding]:
    wanted = dict(_FILES)
    if workflow.has("dbt"):
        wanted |= _DBT_FILES
    if workflow.has("evidence"):
        wanted |= _EVIDENCE_FILES
    for name, instruction in wanted.items():
        path = workflow.folder / name
        is_there = path.is_file() if path.suffix else path.is_dir() and any(path.iterdir())
        if not is_there:
            yield Finding(workflow.shown(name), f"There is no {name}.", instruction)
    # Python would then look for code there, and dbt's folders take the names of modules.
    for path in sorted(workflow.folder.glob("dbt/**/__init__.py")):
        shown = workflow.project.relative(path)
        yield Finding(shown, "dbt/ is no Python package.", "Delete this file.")


def _config(workflow: WorkflowSource) -> Point:
    findings = [
        Finding(
            fault.file,
            ": ".join(
                part for part in (fault.key_path, f"{fault.value} {fault.reason}".strip()) if part
            ),
            "; ".join(
                part
                for part in (f"Allowed: {fault.allowed}" if fault.allowed else "", fault.instruction)
                if part
            )
            or "Put it right.",
            fault.line,
        )
        for fault in workflow.config_faults
    ]
    return judged("config", findings)
