"""``dataflow workflow list``."""

from __future__ import annotations

import json

import click

from dataflow.shared.project import find_project
from dataflow.workflows.registry import list_workflow_ids


@click.command("list")
@click.option("--check", is_flag=True, help="Also import each workflow and say which are broken.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(check: bool, as_json: bool) -> None:
    """List the project's workflows.

    Reads folder names only, unless --check is given; then the exit code is 1 if any is broken.
    """
    project = find_project()
    reasons: dict[str, str] = {}
    if check:
        from dataflow.shared.output_redaction import guard_output
        from dataflow.workflows.registry import load_workflows

        # The authors' code runs now, and may write and raise what it likes.
        guard_output()
        reasons = {found.workflow_id: found.reason for found in load_workflows(project)[1]}
    rows = [
        {
            "workflow_id": workflow_id,
            "path": project.relative(project.workflow_dir(workflow_id)),
            **({"status": "broken" if workflow_id in reasons else "ok"} if check else {}),
            **({"reason": reasons[workflow_id]} if workflow_id in reasons else {}),
        }
        for workflow_id in list_workflow_ids(project)
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif not rows:
        click.echo("No workflow yet. Make one: dataflow workflow new my_workflow")
    else:
        width = max(len(row["workflow_id"]) for row in rows)
        for row in rows:
            status = f"  {row['status']}" if check else ""
            click.echo(f"{row['workflow_id']:<{width}}{status}  {row['path']}")
            if "reason" in row:
                click.echo(f"  {row['reason']}", err=True)
    if reasons:
        raise SystemExit(1)
