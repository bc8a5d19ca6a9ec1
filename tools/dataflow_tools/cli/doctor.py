"""``dataflow doctor``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from dataflow_tools.cli.verdict_lines import verdict_lines

if TYPE_CHECKING:
    from dataflow_tools.checks.protocol import Verdict


@click.command()
@click.option("--offline", is_flag=True, help="Do not ask templates, which may be remote.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(offline: bool, as_json: bool) -> None:
    """Look for what keeps workflows from running on this machine, and say what to do.

    Inside a project it is looked at too: settings, ports, disk, permissions, stores, versions.

    The exit code is 0 if there is no problem, 1 if there is one.
    """
    from dataflow_tools.checks.diagnosis import examine

    root, groups = examine(offline=offline)
    count = sum(bool(verdict.findings) for found in groups.values() for verdict in found.values())
    if as_json:
        result = {
            "healthy": not count,
            "project": str(root) if root else None,
            "checks": {
                group.lower(): [_as_json(name, verdict) for name, verdict in found.items()]
                for group, found in groups.items()
            },
        }
        click.echo(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        for group, found in groups.items():
            click.echo(click.style(group, bold=True))
            for name, verdict in found.items():
                click.echo("\n".join(verdict_lines(f"{name:<18} {verdict.detail}", verdict)))
        click.echo(f"{count} problem{'' if count == 1 else 's'}." if count else "All is well.")
    if count:
        raise SystemExit(1)


def _as_json(name: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "name": name,
        "status": "problem" if verdict.findings else verdict.status.value,
        "detail": verdict.detail,
        "problems": [
            {"reason": finding.reason, "instruction": finding.instruction}
            for finding in verdict.findings
        ],
    }
