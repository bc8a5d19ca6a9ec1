"""Implementation: the files a workflow consists of, and its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.shared.config import CONFIG_FILE
from dataflow_tools.checks.protocol import Group, Verdict, check, judged, not_applicable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.shared.finding import Finding
    from dataflow_tools.checks.workflow_source import WorkflowSource

# By folder: what has to be in it if the folder is there at all.
_FILES = {
    "": {
        "README.md": "Write one: what the workflow is for, and how the data flows.",
        "__init__.py": "Add it; a docstring of one line is enough.",
        CONFIG_FILE: "Restore it from git, or write one.",
        "ingestion.py": "Define extract_data(params) in it.",
        "transform.py": "Define transform_data(data) in it.",
        "dagster_job.py": "Define the job in it and end it with register_workflow(...).",
        "tests": "Add tests of the ingestion, the transformation and a run from end to end.",
    },
    "dbt": {
        "dbt/dbt_project.yml": "Restore it from git, or take the folder dbt away.",
        "dbt/profiles.yml": "Restore it from git; it names the warehouse file.",
        "dbt/models": "Add the models, or take the folder dbt away.",
    },
    "evidence": {
        "evidence/pages/index.md": (
            "Write the workflow's first page, or take the folder evidence away."
        ),
        "evidence/sources": "Add one SELECT for each table that the pages read.",
    },
}
# What a workflow that reads nothing but others' tables does without.
_OF_SOURCE = ("ingestion.py", "transform.py")


@check(Group.IMPLEMENTATION, "the folder is complete", position=1)
def check_folder(workflow: WorkflowSource) -> Iterator[Finding]:
    """Whether all files are there, and none that hides others."""
    for folder, files in _FILES.items():
        for name, instruction in files.items() if workflow.has(folder) else ():
            if name in _OF_SOURCE and workflow.reads_others_alone:
                continue
            path = workflow.folder / name
            is_there = path.is_file() if path.suffix else path.is_dir() and any(path.iterdir())
            if not is_there:
                yield workflow.finding(f"There is no {name}.", instruction, name)
    # Python would then look for code there, and dbt's folders take the names of modules.
    for path in sorted(workflow.folder.glob("dbt/**/__init__.py")):
        yield workflow.finding("dbt/ is no Python package.", "Delete this file.", path)


@check(Group.IMPLEMENTATION, "config.yaml is valid", position=2)
def check_config(workflow: WorkflowSource) -> Verdict:
    """What reading it finds."""
    if workflow.does_without_config:
        return not_applicable("it has none")
    return judged(workflow.config_findings)
