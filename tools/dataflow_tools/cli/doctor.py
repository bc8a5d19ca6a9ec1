"""``dataflow doctor``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow_tools.checks.diagnosis import Diagnosis

_MARKS = {
    "met": click.style("✓", fg="green"),
    "problem": click.style("✗", fg="red"),
    "not applicable": "-",
}


@click.command()
@click.option("--offline", is_flag=True, help="Do not ask templates, which may be remote.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(offline: bool, as_json: bool) -> None:
    """Look for what keeps workflows from running on this machine, and say what to do.

    Inside a project it is looked at too: settings, ports, disk, permissions, stores, versions.

    The exit code is 0 if there is no problem, 1 if there is one.
    """
    from dataflow_tools.checks.diagnosis import Health
    from dataflow_tools.checks.doctor import examine

    root, groups = examine(offline=offline)
    problems = [d for found in groups.values() for d in found if d.health is Health.PROBLEM]
    if as_json:
        result = {
            "healthy": not problems,
            "project": str(root) if root else None,
            "checks": {
                group.lower(): [diagnosis.as_json() for diagnosis in found]
                for group, found in groups.items()
            },
        }
        click.echo(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        for group, found in groups.items():
            click.echo(click.style(group, bold=True))
            click.echo("\n".join(line for diagnosis in found for line in _lines(diagnosis)))
        click.echo(_summary(len(problems)))
    if problems:
        raise SystemExit(1)


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    yield f"  {_MARKS[diagnosis.health.value]} {diagnosis.name:<18} {diagnosis.detail}".rstrip()
    for problem in diagnosis.problems:
        yield f"      {problem.reason}"
        yield f"        {problem.instruction}"


def _summary(count: int) -> str:
    return "All is well." if not count else f"{count} problem{'' if count == 1 else 's'}."
