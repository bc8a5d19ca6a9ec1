"""``dataflow workflow watermark``."""

from __future__ import annotations

import json
from typing import Any

import click

from dataflow.shared.errors import BadInputError
from dataflow.shared.project import Project, find_project


@click.command()
@click.argument("name")
@click.option("--set", "value", metavar="VALUE", help="Let the next run begin here.")
@click.option("--clear", is_flag=True, help="Let the next run begin at the source's start.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def watermark(name: str, value: str | None, clear: bool, as_json: bool) -> None:
    """Show how far the source of the workflow NAME was read, or set it.

    The next run of an incremental source begins there, that value included: rows that were read
    already are known and left out. After --set none is known, so choose `merge` or a value beyond
    the rows that are loaded; no row is read or deleted by it. To read a part again, see
    `dataflow workflow run --since`.
    """
    if value is not None and clear:
        raise BadInputError("--set and --clear exclude each other.", "Leave out one of the two.")
    if value is not None and not value.strip():
        raise BadInputError("--set has no value.", "Give one, or use --clear.")
    project = find_project()
    table = _table(project, name)
    if value is not None or clear:
        _change(project, name, table, value)
    saved = _read(project, name, table)
    if as_json:
        click.echo(json.dumps({"workflow_id": name, "table": table, "last_value": saved}))
    elif saved is None:
        click.echo(f"raw.{table}: nothing was read yet; the next run begins at the source's start.")
    else:
        click.echo(f"raw.{table}: read up to {saved}.")


def _table(project: Project, name: str) -> str:
    from dataflow.shared.config import workflow_config

    settings = workflow_config(name, project)
    if not getattr(settings.ingestion.source, "incremental", None):
        raise BadInputError(
            f"The source of {name} is not read incrementally: every run reads all of it.",
            "Name the column or field to go by in `ingestion.source.incremental` of config.yaml.",
        )
    return settings.load.table


def _read(project: Project, name: str, table: str) -> Any:
    from dataflow.warehouse.kind import open_warehouse

    warehouse = open_warehouse(project, name)
    saved = warehouse.read_watermark(table) if warehouse.exists() else None
    return saved.get("value") if isinstance(saved, dict) else saved


def _change(project: Project, name: str, table: str, value: str | None) -> None:
    from dataflow.runs.lock import workflow_lock
    from dataflow.sources.window import typed_value
    from dataflow.warehouse.kind import open_warehouse
    from dataflow.warehouse.load_log import forget_watermark, save_watermark

    def say(holder: str) -> None:
        click.echo(f"  waiting for {holder} …", err=True)

    with workflow_lock(project, name, say), open_warehouse(project, name).connect() as connection:
        if value is None:
            forget_watermark(connection, table)
        else:
            save_watermark(connection, table, typed_value(value))
