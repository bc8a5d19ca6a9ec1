"""``dataflow workflow inspect``."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from dataflow.cli.completion import workflow_names
from dataflow.cli.run_screen import going_on
from dataflow.shared.project import Project, find_project
from dataflow.shared.shown import for_workflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.shared.named_source import SourceTable
    from dataflow_tools.inspection.contract_change import ContractChange
    from dataflow_tools.inspection.contract_edits import TypeEdit


@click.command()
@click.argument("name", shell_complete=workflow_names)
@click.option("--accept", is_flag=True, help="Agree: change contract, models, tests and page.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def inspect(name: str, accept: bool, as_json: bool) -> None:
    """Look at the source of the workflow NAME again, and compare it with the contract.

    The contract, `ingestion.columns` in config.yaml, is what was agreed about each column: its
    name, its type, how it is written; of several sources each has one. With --accept it becomes
    what the source has today, and models, tests and page follow, merged with what you wrote, as by
    `dataflow workflow update`. A workflow without a contract gets one. Where ingestion.py reads the
    source itself, `extract_data` is called as by a first run, and its rows are looked at.

    A type that you changed in the contract yourself is told of as well: --accept lets models, tests
    and page follow it. Values that `on_change.bad_value` puts aside, or reads as none, are no
    change.

    The exit code is 0 if the source is as agreed, or the change was accepted, and 1 if it differs,
    or a type of the contract has not reached the models.

    \b
    Examples:
      dataflow workflow inspect daily_sales
      dataflow workflow inspect daily_sales --accept
    """  # noqa: D301 (click needs the character itself)
    from dataflow.shared.config import workflow_config
    from dataflow.shared.config_schema import renew_schema
    from dataflow.shared.errors import BadInputError, told_for
    from dataflow.sources.errors import told_of
    from dataflow_tools.inspection.contract_change import contract_change
    from dataflow_tools.inspection.own_rows import is_read_by_own_code, own_rows

    project = find_project()
    renew_schema(project)
    config = workflow_config(name, project)
    if not config.tables:
        upstreams = ", ".join(config.workflow.upstreams)
        raise BadInputError(
            f"{name} has no source to look at: it reads the tables of {upstreams}.",
            f"What has changed in those is found by: dataflow workflow check {name}",
        )
    changes: dict[str, ContractChange] = {}
    for table in config.tables:
        # What JSON is printed for is no person, whatever it goes to.
        looking = nullcontext() if as_json else going_on(f"looking {table.name}".rstrip())
        with told_for(name), told_of(table.name), looking:
            own = is_read_by_own_code(project, name, table)
            rows = own_rows(project, name, table) if own else None
            changes[table.name] = contract_change(table, config.ingestion.parameters, rows)
    by_table = {table.load.table: changes[table.name] for table in config.tables}
    edits = _edits(project, name, by_table)
    if as_json:
        told = {t.name: _as_json(changes[t.name], edits[t.load.table]) for t in config.tables}
        click.echo(json.dumps(told.get("", told), indent=2, ensure_ascii=False))
    else:
        for table in config.tables:
            if table.name:
                click.secho(f"{table.name}:", bold=True)
            for line in _lines(table, changes[table.name], edits[table.load.table]):
                click.echo(for_workflow(line, name))
    if not any(changes.values()) and not any(edits.values()):
        if accept and not as_json:
            click.echo("Nothing to accept: nothing was changed.")
        return
    if accept:
        sys.exit(_accept(project, name, by_table))
    if not as_json:
        first = "commit config.yaml, then " if any(edits.values()) else ""
        click.echo(f"To agree: {first}dataflow workflow inspect {name} --accept")
    sys.exit(1)


def _edits(
    project: Project, name: str, changes: dict[str, ContractChange]
) -> dict[str, list[TypeEdit]]:
    """By table, the types of the contract that the template's models do not have."""
    from dataflow_tools.fleet.template_instance import find_instances
    from dataflow_tools.inspection.agreement import edits_of

    (instance,) = find_instances(project, [name])
    return edits_of(instance.answers().values if instance.is_managed else {}, changes)


def _as_json(change: ContractChange, edits: list[TypeEdit]) -> dict[str, Any]:
    told: dict[str, Any] = {"new": change.new, "lost": change.lost, "bad": change.bad}
    return {**told, "edited": [edit.name for edit in edits], "notes": change.notes}


def _lines(table: SourceTable, change: ContractChange, edits: list[TypeEdit]) -> Iterator[str]:
    inspection = change.inspection
    yield inspection.summary()
    found = {column.profile.name: column.contract for column in inspection.columns}
    columns = table.contract.columns if table.contract else {}
    if not columns:
        yield "There is no contract yet. What was found:"
    elif not change:
        yield f"The source is as its contract says: {len(columns)} columns."
    for column in change.new:
        yield click.style(f"  + {column}: {_written(found.get(column, {}))}", fg="green")
    for column in change.lost:
        yield click.style(f"  - {column}: the source no longer has it", fg="red")
    for column in change.bad:
        agreed = columns[column]
        now = _written(found.get(agreed.source or column, {}))
        yield click.style(f"  ~ {column}: agreed as {agreed.told}, now {now}", fg="yellow")
    for edit in edits:
        yield click.style(f"  * {edit.told}", fg="yellow")
    for note in change.notes:
        yield f"  note: {note}"


def _written(contract: dict[str, Any]) -> str:
    others = ", ".join(f"{key} {value!r}" for key, value in contract.items() if key != "type")
    return f"{contract.get('type', 'gone')}{f' ({others})' if others else ''}"


def _accept(project: Project, name: str, changes: dict[str, ContractChange]) -> int:
    """Let the template render the changes, and merge them with what people wrote."""
    from dataflow_tools.cli.workflow_update import paint
    from dataflow_tools.fleet.report import report_lines
    from dataflow_tools.fleet.template_instance import find_instances
    from dataflow_tools.fleet.update import Request, update_workflows
    from dataflow_tools.inspection.agreement import agreed_answers, settled_answers

    (instance,) = find_instances(project, [name])
    answers = instance.answers()
    settled = settled_answers(answers.values, changes)
    given = agreed_answers({**answers.values, **settled}, changes)
    request = Request(names=[name], reference=answers.commit, given=given, settled=settled)
    report = update_workflows(project, request)
    for line in report_lines(report, paint):
        click.echo(line)
    return report.exit_code
