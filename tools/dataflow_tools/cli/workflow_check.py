"""``dataflow workflow check``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dataflow.cli.completion import workflow_names
from dataflow.cli.progress import progress_line
from dataflow.cli.screen import Branch, show_tree
from dataflow.shared.project import Project, find_project
from dataflow_tools.cli.verdict_lines import MARKS, verdict_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow_tools.checks.checklist import Report


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=workflow_names)
@click.option("--all", "every", is_flag=True, help="Check every workflow of the project.")
@click.option(
    "--changed-since",
    "ref",
    metavar="REF",
    help="Check what differs from a branch or commit, and the workflows that come after that.",
)
@click.option("--no-tests", is_flag=True, help="Do not run the workflows' tests.")
@click.option(
    "--no-environment",
    is_flag=True,
    help="Do not ask whether the variables are set here, as before a commit.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(
    names: tuple[str, ...],
    every: bool,
    ref: str | None,
    no_tests: bool,
    no_environment: bool,
    as_json: bool,
) -> None:
    """Check workflows against the authoring checklist.

    Each point is met, missing or not applicable; of a missing one it says where and what to do.
    A NAME may also be the path of a file in a workflow, as pre-commit hands them over. No source
    is asked, and no table is written.

    Of a workflow written by hand, not made from the template, what it runs well without (a README,
    tests, type hints) is advice.

    At a terminal, a warm process that runs and checks leave behind has the libraries loaded for the
    next one (see `dataflow workflow run`; DATAFLOW_DAEMON=0 does without).

    The exit code is 0 if nothing is missing, 1 if something is, 2 if the check could not be made.
    """
    project, warm = find_project(), None
    if sys.platform == "linux":
        from dataflow.service.warm_start import WarmStart

        warm = WarmStart(project.root)
        warm.try_warm()
    from dataflow.shared.config_schema import renew_schema
    from dataflow_tools.checks.check import check_workflows
    from dataflow_tools.checks.loaded_libraries import processes_for

    renew_schema(project, whole=True)
    chosen = _choose(project, names, every=every, ref=ref)
    if ref is not None and not as_json:
        click.echo(f"Changed since {ref}: {', '.join(chosen) or 'no workflow'}.")
    # Before a line is shown, which takes a thread.
    processes = processes_for(project, chosen, with_tests=not no_tests)
    passed = True
    reports: list[Report] = []
    with progress_line() as progress:
        found = check_workflows(
            project,
            chosen,
            with_tests=not no_tests,
            with_environment=not no_environment,
            progress=progress,
            processes=processes,
        )
        for report in found:
            passed = passed and report.passed
            reports.append(report)
            if not as_json:
                progress("")
                if not (len(chosen) == 1 and _show(report)):
                    click.echo("\n".join(_lines(report, in_full=len(chosen) == 1)))
    if as_json:
        result = {"passed": passed, "workflows": [report.as_json() for report in reports]}
        click.echo(json.dumps(result, indent=2, ensure_ascii=False))
    elif len(reports) > 1:
        click.echo(_in_all(reports))
    if warm is not None:
        warm.start_for_next()
    if not passed:
        raise SystemExit(1)


def _choose(project: Project, names: tuple[str, ...], *, every: bool, ref: str | None) -> list[str]:
    from dataflow_tools.checks.changed import changed_workflows
    from dataflow_tools.fleet.template_instance import find_instances

    if sum((every, bool(names), ref is not None)) > 1:
        raise click.UsageError("Give names, --all or --changed-since REF, not two of them.")
    if ref is not None:
        return changed_workflows(project, ref)
    if not every and not names:
        raise click.UsageError("Name a workflow, or give --all or --changed-since REF.")
    chosen = dict.fromkeys(_workflow_of(project, name) for name in names)
    return [instance.name for instance in find_instances(project, list(chosen))]


def _workflow_of(project: Project, name: str) -> str:
    """The workflow that a path lies in; anything else is a name already."""
    if "/" not in name and "\\" not in name:
        return name
    try:
        inner = Path(name).absolute().relative_to(project.workflows_dir.absolute())
    except ValueError:
        return name
    return inner.parts[0] if inner.parts else name


def _show(report: Report) -> bool:
    """Show the checklist as a tree, if somebody looks."""
    top = Branch(f"{report.workflow_id}: {_summary(report)}.", is_heading=True)
    for point in report.points:
        if not top.below or top.below[-1].words != point.group:
            top.below.append(Branch(point.group, is_heading=True))
        verdict = point.verdict
        detail = f" ({verdict.detail})" if verdict.detail else ""
        found = [
            Branch(
                f"{finding.place}: {finding.statement}" if finding.place else finding.statement,
                below=[Branch(finding.remedy)],
            )
            for finding in verdict.findings
        ]
        mark = click.unstyle(MARKS[verdict.status.value])
        top.below[-1].below.append(Branch(f"{point.title}{detail}", mark, below=found))
    return show_tree(top)


def _summary(report: Report) -> str:
    from dataflow_tools.checks.protocol import Status

    missing = report.count(Status.MISSING)
    summary = (
        f"{report.count(Status.MET)} met, {missing} missing, "
        f"{report.count(Status.NOT_APPLICABLE)} not applicable"
    )
    if advised := report.count(Status.ADVISED):
        summary = f"{'' if missing else 'valid, '}{summary}, {advised} advised"
    return summary


def _in_all(reports: list[Report]) -> str:
    """How many there are, and of which something is missing: that may stand far above."""
    missing = [report.workflow_id for report in reports if not report.passed]
    count = f"{len(reports)} workflows"
    if not missing:
        return f"{count}, all valid."
    return f"{count}, {len(missing)} of them with something missing: {', '.join(missing)}."


def _lines(report: Report, *, in_full: bool) -> Iterator[str]:
    from dataflow_tools.checks.protocol import Status

    summary, missing = _summary(report), report.count(Status.MISSING)
    mark = MARKS["missing" if missing else "met"]
    if not in_full:
        yield f"{mark} {click.style(report.workflow_id, bold=True)}: {summary}"
    group = ""
    for point in report.points:
        if not in_full and point.verdict.status is not Status.MISSING:
            continue
        if in_full and point.group != group:
            group = point.group
            yield click.style(group, bold=True)
        detail = f" ({point.verdict.detail})" if point.verdict.detail else ""
        yield from verdict_lines(f"{point.key:<16} {point.title}{detail}", point.verdict)
    if in_full:
        yield f"{report.workflow_id}: {summary}."
