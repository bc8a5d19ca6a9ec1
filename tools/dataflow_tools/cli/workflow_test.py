"""``dataflow workflow test``."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import click

from dataflow.cli.completion import workflow_names
from dataflow.cli.run_screen import going_on
from dataflow.shared.project import Project, find_project

if TYPE_CHECKING:
    from pathlib import Path


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name", shell_complete=workflow_names)
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--update-sample",
    is_flag=True,
    help="Before, take a masked sample from the source: names, mails and numbers are replaced.",
)
@click.option(
    "--rows",
    type=click.IntRange(1, 1000),
    help="How many rows the sample has; as many as before if not given.",
)
def test(
    name: str, pytest_arguments: tuple[str, ...], update_sample: bool, rows: int | None
) -> None:
    """Run the tests of the workflow NAME.

    They run on the samples in its folder tests/data, in a sandbox with files of its own: no source
    is asked, and no table of the project is written. What follows NAME is pytest's.

    With --update-sample the samples are taken from the source as it is today. Nobody's name and no
    true amount is in them; types, gaps, keys and categories are. Look at them before you commit.

    \b
    Examples:
      dataflow workflow test orders
      dataflow workflow test orders -k end_to_end -x
      dataflow workflow test orders --update-sample --rows 20
    """  # noqa: D301 - click needs the character itself
    from dataflow_tools.fleet.pytest_command import pytest_command
    from dataflow_tools.fleet.template_instance import find_instances

    project = find_project()
    find_instances(project, [name])
    folder = project.workflow_dir(name) / "tests"
    command = pytest_command()
    if update_sample:
        _take_samples(project, name, folder / "data", rows)
    done = subprocess.run([*command, str(folder), *pytest_arguments], cwd=project.root, check=False)
    raise SystemExit(done.returncode)


def _take_samples(project: Project, name: str, folder: Path, rows: int | None) -> None:
    from dataflow.shared.config import workflow_config
    from dataflow.shared.errors import BadInputError
    from dataflow.sources.errors import told_of
    from dataflow_tools.inspection.masking import masked_rows, sample_names, spread
    from dataflow_tools.inspection.own_rows import is_read_by_own_code, own_rows
    from dataflow_tools.inspection.sample import Sample, read_sample
    from dataflow_tools.inspection.source_inspection import inspect_sample

    tables = workflow_config(name, project).tables
    files = sample_names(table.load.table for table in tables)
    for table in tables:
        path = folder / files[table.load.table]
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        given = table.source.model_dump(by_alias=True, exclude_none=True)
        with told_of(table.name), going_on("looking"):
            if is_read_by_own_code(project, name, table):
                sample = Sample(own_rows(project, name, table), whole=True, notes=[])
            else:
                sample = read_sample(given)
            inspection = inspect_sample(sample, given)
        if not sample.table.num_rows:
            raise BadInputError(
                f"The source of {table.load.table} has no rows today; {path.name} stays as it is.",
                "Try again when it has some.",
            )
        chosen = spread(sample.table.to_pylist(), rows or len(before) or 6)
        masked = masked_rows(chosen, inspection)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(masked, indent=2, ensure_ascii=False) + "\n"
        path.write_text(text, encoding="utf-8")
        click.echo(f"{project.relative(path)}: {len(masked)} rows, masked. Look: git diff")
