"""``dataflow workflow watermark``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from dataflow.cli.completion import workflow_names
from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project, find_project
from dataflow.shared.shown import quoted

if TYPE_CHECKING:
    from dataflow.shared.named_source import SourceTable


@click.command()
@click.argument("name", shell_complete=workflow_names)
@click.option("--source", metavar="SOURCE", help="Of several sources: the name of one.")
@click.option("--set", "value", metavar="VALUE", help="Let the next run begin here.")
@click.option("--clear", is_flag=True, help="Let the next run begin at the source's start.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def watermark(name: str, source: str | None, value: str | None, clear: bool, as_json: bool) -> None:
    """Show how far the source of the workflow NAME was read, or set it.

    The next run of an incremental source begins there, that value included: rows that were read
    already are known and left out. After --set all rows from the value on come again, and under
    `append` take the place of the table's. To read a part again once, see `dataflow workflow run
    --since`. Of a source that your own code reads, it is what `extract_data` is told in
    `params["last_value"]`.
    """
    if value is not None and clear:
        raise BadInputError("--set and --clear exclude each other.", "Leave out one of the two.")
    if value is not None and not value.strip():
        raise BadInputError("--set has no value.", "Give one, or use --clear.")
    from dataflow.runs.last_value import shown_value
    from dataflow.shared.config import workflow_config

    project = find_project()
    chosen = _chosen(workflow_config(name, project).tables, name, source)
    table = chosen.load.table
    if value is not None or clear:
        _change(project, name, chosen, value)
    saved = shown_value(_read(project, name, table))
    if as_json:
        click.echo(json.dumps({"workflow_id": name, "table": table, "last_value": saved}))
    elif saved is None:
        click.echo(f"raw.{table}: nothing was read yet; the next run begins at the source's start.")
    else:
        click.echo(f"raw.{table}: read up to {saved}.")


def _chosen(tables: list[SourceTable], name: str, source: str | None) -> SourceTable:
    if not tables:
        raise BadInputError(
            f"{name} has no source: it reads the tables of other workflows.",
            "See which: `workflow.after` in its config.yaml.",
        )
    found = [table for table in tables if source in (None, table.name)]
    if len(found) != 1:
        known = ", ".join(table.name for table in tables if table.name)
        raise BadInputError(
            f"{name} has {f'the sources {known}' if known else 'one source, which has no name'}.",
            "Name one with --source." if known else "Leave out --source.",
        )
    if found[0].load.write_disposition == "replace":
        raise BadInputError(
            f"Every run of {name} reads all of its source, and puts it in the table's place.",
            "Set `load.write_disposition` to append or merge, and name the column or field to go "
            "by in `ingestion.source.incremental` of config.yaml.",
        )
    return found[0]


def _read(project: Project, name: str, table: str) -> Any:
    from dataflow.warehouse.kind import open_warehouse

    warehouse = open_warehouse(project, name)
    return warehouse.read_watermark(table) if warehouse.exists() else None


def _change(project: Project, name: str, chosen: SourceTable, value: str | None) -> None:
    from dataflow.runs.last_value import shown_value, value_like
    from dataflow.runs.lock import workflow_lock
    from dataflow.runs.reading import check_bound
    from dataflow.sources.incremental import set_by_hand
    from dataflow.sources.kind import kind_names
    from dataflow.sources.window import typed_value
    from dataflow.warehouse.kind import open_warehouse
    from dataflow.warehouse.load_log import forget_watermark, save_watermark

    def say(holder: str) -> None:
        click.echo(f"  waiting for {holder} …", err=True)

    table, source = chosen.load.table, chosen.source
    is_ours = getattr(source, "type", "") in kind_names() and hasattr(source, "incremental")
    with workflow_lock(project, name, say):
        before = _read(project, name, table)
        if is_ours and value is not None:
            check_bound(chosen, "--set", value, before)
        saved: Any = None
        if is_ours:
            # Cleared, the next run reads what the table has; it must not be there twice.
            saved = set_by_hand(None if value is None else typed_value(value))
        elif value is not None:
            try:
                saved = value_like(value, before)
            except ValueError:
                raise BadInputError(
                    f"{quoted(value)} is not written as the value before it, "
                    f"{quoted(shown_value(before))}.",
                    "Give a value of the same kind, or use --clear.",
                ) from None
        with open_warehouse(project, name).connect() as connection:
            if saved is None:
                forget_watermark(connection, table)
            else:
                save_watermark(connection, table, saved)
