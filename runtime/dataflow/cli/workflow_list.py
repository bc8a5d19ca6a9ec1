"""``dataflow workflow list``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from dataflow.cli.screen import show_table
from dataflow.shared.project import find_project
from dataflow.workflows.registry import list_workflow_ids

if TYPE_CHECKING:
    from pathlib import Path


@click.command("list")
@click.option(
    "--check",
    is_flag=True,
    help="Also import each workflow and its plug-ins; say what is broken.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(check: bool, as_json: bool) -> None:
    """List the project's workflows.

    Imports nothing, unless --check is given; then the exit code is 1 if any is broken.
    """
    project = find_project()
    reasons: dict[str, str] = {}
    if check:
        from dataflow.shared.broken_kinds import broken_kinds
        from dataflow.shared.output_redaction import guard_output
        from dataflow.workflows.registry import load_workflows

        # The authors' code runs now, and may write and raise what it likes.
        guard_output()
        reasons = {found.workflow_id: found.reason for found in load_workflows(project)[1]}
        for workflow_id in list_workflow_ids(project):
            if found := broken_kinds(project.workflow_dir(workflow_id)):
                reasons.setdefault(workflow_id, " ".join(found))
    rows: list[dict[str, Any]] = [
        {
            "workflow_id": workflow_id,
            "path": project.relative(project.workflow_dir(workflow_id)),
            **({"status": "broken" if workflow_id in reasons else "ok"} if check else {}),
            **({"reason": reasons[workflow_id]} if workflow_id in reasons else {}),
            **({"after": after} if (after := _after(project.workflow_dir(workflow_id))) else {}),
        }
        for workflow_id in list_workflow_ids(project)
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif not rows:
        click.echo("No workflow yet. Make one: dataflow workflow new my_workflow")
    elif not _show(rows, check=check):
        width = max(len(row["workflow_id"]) for row in rows)
        for row in rows:
            status = f"  {row['status']}" if check else ""
            others = f"  after {', '.join(row['after'])}" if "after" in row else ""
            click.echo(f"{row['workflow_id']:<{width}}{status}  {row['path']}{others}")
            if "reason" in row:
                click.echo(f"  {row['reason']}", err=True)
    from dataflow.shared.config_schema import renew_schema

    renew_schema(project)
    if reasons:
        raise SystemExit(1)


def _show(rows: list[dict[str, Any]], *, check: bool) -> bool:
    """Show a table, if somebody looks; columns that say nothing are left out."""
    heads = {"workflow_id": "workflow", "path": "folder"}
    heads = {"workflow_id": "workflow", "status": "status", "path": "folder"} if check else heads
    heads |= {key: key for key in ("after", "reason") if any(key in row for row in rows)}
    cells = [
        [
            ", ".join(row["after"]) if key == "after" and key in row else row.get(key, "")
            for key in heads
        ]
        for row in rows
    ]
    return show_table(list(heads.values()), cells)


def _after(folder: Path) -> list[str]:
    """After which others a workflow runs; pydantic is imported only where one says so."""
    config = folder / "config.yaml"
    try:
        if b"after:" not in config.read_bytes():
            return []
    except OSError:
        return []
    from dataflow.shared.upstream import named_in

    return list(named_in(config))
