"""``dataflow template check``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dataflow.cli.progress import progress_line

if TYPE_CHECKING:
    from dataflow_tools.templates.findings import Step, TemplateFinding

# So many findings of one step are shown; `--json` has them all.
_MOST_SHOWN = 10


@click.command()
@click.option(
    "--template",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="The template's repository, if it is not the current folder.",
)
@click.option("--quick", is_flag=True, help="A few sets of answers, one run, the last release.")
@click.option(
    "--runs",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    metavar="N",
    help="Run N of the rendered workflows on their sample.",
)
@click.option("--only", multiple=True, metavar="SET", help="Only this set of answers; repeatable.")
@click.option(
    "--from", "tags", multiple=True, metavar="TAG", help="Update from this release; repeatable."
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Leave the rendered project in this folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(
    folder: Path,
    quick: bool,
    runs: int,
    only: tuple[str, ...],
    tags: tuple[str, ...],
    keep: Path | None,
    as_json: bool,
) -> None:
    """Check a template: what it renders, and what becomes of older instances.

    The working tree is checked as it lies there, also what is not committed. Sets of answers are
    found from the questions in copier.yml: every two choices come together once; texts worth
    a trial stand in template-check.yml. Each set is rendered, formatted, linted and held against
    the authoring checklist; some run; and instances of each release are updated to it: they have
    to equal fresh ones, and to keep what people wrote.

    The exit code is 0 if all is well, 1 if something was found, 2 if the check could not be made.

    \b
    Examples:
      dataflow template check --quick
      dataflow template check
      dataflow template check --only pair_3 --keep /tmp/rendered
    """  # noqa: D301 (click needs the character itself)
    from dataflow_tools.templates.check import CheckRequest, check_template

    request = CheckRequest(only, tags, runs, quick, keep)
    with progress_line() as progress:

        def done(step: Step) -> None:
            if not as_json:
                progress("")
                click.echo("\n".join(_lines(step)))

        report = check_template(folder, request, progress, done)
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        number = sum(len(step.findings) for step in report.steps)
        found = f"{number} finding{'' if number == 1 else 's'}."
        verdict = "The template is well." if report.passed else found
        sets = len(report.sets)
        click.echo(f"{sets} set{'' if sets == 1 else 's'} of answers. {verdict}")
        if report.passed:
            click.echo("Next: dataflow template release --patch --dry-run")
    sys.exit(0 if report.passed else 1)


def _lines(step: Step) -> Iterator[str]:
    mark = click.style("x", fg="red") if step.findings else click.style("+", fg="green")
    counted = f" ({step.counted})" if step.counted else ""
    yield f"{mark} {step.name:<9} {step.title}{counted}  {step.seconds:.1f} s"
    for note in step.notes:
        yield f"    {note}"
    for finding in step.findings[:_MOST_SHOWN]:
        yield from _finding_lines(finding)
    if len(step.findings) > _MOST_SHOWN:
        yield f"    and {len(step.findings) - _MOST_SHOWN} more: --json lists them"


def _finding_lines(finding: TemplateFinding) -> Iterator[str]:
    place = f" {finding.file}" if finding.file else ""
    first, *others = finding.reason.splitlines()
    yield f"    {finding.name}{place}: {first}"
    yield from (f"        {line}" for line in others)
    if finding.answers:
        yield f"        answers: {json.dumps(dict(finding.answers), ensure_ascii=False)[:300]}"
    yield f"        again:   {finding.reproduce}"
