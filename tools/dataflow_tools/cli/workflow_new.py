"""``dataflow workflow new``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dataflow.cli.run_screen import going_on
from dataflow.shared.project import Project, find_project
from dataflow.shared.shown import for_workflow, shortened
from dataflow.warehouse.kind import shown_location, visible_warehouse
from dataflow_tools.cli.answer_options import asks, data_option, defaults_option, parse_answers

# Settings as somebody might give them to each type of source.
_EXAMPLES = {
    "file": "encoding: cp1252",
    "api": "data_path: result.items",
    "database": "schema: sales",
}


@click.command()
@click.argument("name", required=False)
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="[NAME=]LOCATION",
    help="Start from this data: a file, a folder, a pattern, an API's URL or a database's URL. "
    "Given several times, each with a name, it makes a table of each.",
)
@click.option("--table", metavar="TABLE", help="With a database: the table to read.")
@click.option(
    "--after",
    metavar="NAME,...",
    help="Read the tables of these workflows, and no source: SQL only. It runs after them.",
)
@data_option
@defaults_option
def new(
    name: str | None,
    sources: tuple[str, ...],
    table: str | None,
    after: str | None,
    data: tuple[str, ...],
    defaults: bool,
) -> None:
    """Make the workflow NAME from the template.

    Without NAME, at a terminal, it asks: where the data is and, having looked at it, what to make
    of it. NAME is its id and its folder: lower-case words joined by underscores. With --source the
    data is looked at first, and its columns, types, key, dates and measures become the answers. An
    API's credentials are read from the variables that the workflow will use, such as ITEMS_TOKEN.
    Several sources are loaded in one run into one warehouse; files of different shape in one folder
    become a table for each shape. With --after there is no source: its models join what other
    workflows have made.

    \b
    Examples:
      dataflow workflow new
      dataflow workflow new daily_sales
      dataflow workflow new trips --source data/in/trips.parquet
      dataflow workflow new orders --source orders.xlsx -d source_settings='{sheet: Orders}'
      dataflow workflow new shop --source people=people.csv --source orders=shop.db
      dataflow workflow new notes -d source_type=folder -d source_settings='{path: data/in}'
      dataflow workflow new items --source https://api.test/items -d auth_type=bearer_token
      dataflow workflow new report --after orders,customers
      dataflow workflow new trips -d schedule='0 6 * * *' -d timezone=Europe/Berlin
    """  # noqa: D301 - click needs the character itself
    from dataflow.service.nudge import nudge_service
    from dataflow.shared.config_schema import place_schema
    from dataflow_tools.scaffold.create import create_workflow
    from dataflow_tools.scaffold.source_answers import with_kind
    from dataflow_tools.scaffold.upstream_answers import upstream_answers

    project = find_project()
    told = with_kind(parse_answers(data, "workflow new"))
    answers = dict(told)
    if after is not None:
        if name is None or sources or table:
            raise click.UsageError("--after goes with NAME, and without --source and --table.")
        answers = {**upstream_answers(project, name, after), **told}
        defaults = True
    elif name is None:
        name, sources, told, answers = _asked_for(project, sources, told, defaults=defaults)
        defaults = True
    elif "source_kind" in answers:
        answers = _seen_by_plugin(project, name, sources, answers)
        defaults = True
    elif sources:
        answers = _looked_at(project, name, sources, table, answers)
    _check_schedule(answers)
    ask = asks(defaults=defaults or bool(sources))
    folder = create_workflow(project, name, answers, ask=ask, told=told)
    place_schema(project)
    click.echo(f"Made the workflow {name} in {project.relative(folder)}.")
    if sources:
        click.echo("What was found is in its config.yaml and its models, to be corrected there.")
    if (tables := visible_warehouse(project, name)).exists():
        where = shown_location(project, tables)
        click.echo(
            f"Tables of an earlier workflow {name} are in {where}, with how far "
            "its sources were read; runs go on from there. To begin anew, move it away first."
        )
    if nudge_service(project):
        click.echo("The running service has been told and shows it in a moment.")
    click.echo("Next:")
    click.echo(f"  dataflow workflow run {name}")
    click.echo(f"  pytest {project.relative(folder)}")


def _asked_for(
    project: Project, sources: tuple[str, ...], told: dict[str, Any], *, defaults: bool
) -> tuple[str, tuple[str, ...], dict[str, Any], dict[str, Any]]:
    """Name, sources, and answers told and in all, as a person at the terminal gives them."""
    from dataflow_tools.cli.new_wizard import ask_for_wish

    if sources or told or not asks(defaults=defaults):
        raise click.UsageError("Missing argument 'NAME'. At a terminal, give nothing to be asked.")
    wish = ask_for_wish(project, _looked_at)
    found = (wish.source,) if wish.source else ()
    answers = {**wish.found, **wish.told}
    if "primary_key" in wish.told:
        # A key that a person names is one that a person is sure of.
        answers["confirmed"] = wish.told["primary_key"]
    return wish.name, found, wish.told, answers


def _looked_at(
    project: Project,
    name: str,
    sources: tuple[str, ...],
    table: str | None,
    given: dict[str, Any],
) -> dict[str, Any]:
    """Look at one source or at several, and answer what a workflow of them asks."""
    from dataflow_tools.inspection.file_groups import file_groups
    from dataflow_tools.scaffold.source_answers import configured_source, named_sources

    if len(sources) == 1 and not given.get("source_settings"):
        groups = file_groups(sources[0])
        if len(groups) > 1:
            click.echo(f"The files have different columns and are {len(groups)} tables:")
            for group in groups:
                click.echo(f"  {group.told}")
            sources = tuple(f"{group.name}={group.location}" for group in groups)
        elif groups and Path(sources[0]).is_dir():
            sources = (groups[0].location,)
    named = named_sources(sources, given)
    if len(named) == 1:
        ((only, location),) = named.items()
        found = _look(project, name, location, table, given)
        # Those that were given are among those that were found.
        settings = {key: found[key] for key in ("source_settings",) if key in found}
        return {**({"table": only} if only else {}), **found, **given, **settings}
    answers: dict[str, Any] = {}
    more: list[dict[str, Any]] = []
    for each, location in named.items():
        # A database is asked for the table of that name.
        wanted = (
            each if "://" in location or location.endswith((".db", ".duckdb", ".sqlite")) else None
        )
        found = _look(project, name, location, table or wanted, given, each)
        if not answers:
            answers = {**found, **given, "table": each, "confirmed": []}
            continue
        more.append(
            {
                "table": each,
                "source": configured_source({**found, **given}),
                "columns": found["columns"],
                "primary_key": found["primary_key"],
                "confirmed": [],
            }
        )
    _refuse_merge_without_keys(
        {answers["table"]: answers["primary_key"]}
        | {each["table"]: each["primary_key"] for each in more},
        given,
    )
    return {**answers, "more_tables": more}


def _refuse_merge_without_keys(keys: dict[str, list[str]], given: dict[str, Any]) -> None:
    from dataflow.shared.errors import BadInputError

    lacking = [table for table, key in keys.items() if not key]
    if given.get("write_disposition") == "merge" and lacking:
        raise BadInputError(
            f"No columns were found that identify a row of {', '.join(lacking)}, as a merge needs.",
            "Leave out write_disposition=merge, and set it below `load` of each source that has a "
            "key, in the config.yaml that is made.",
        )


def _seen_by_plugin(
    project: Project, name: str, sources: tuple[str, ...], given: dict[str, Any]
) -> dict[str, Any]:
    """Look at a source that a plug-in reads, with that plug-in's reader."""
    from dataclasses import replace

    from dataflow.shared.errors import BadInputError
    from dataflow.sources.errors import SourceSettingError
    from dataflow.sources.kind import source_kind
    from dataflow.sources.validation import checked_settings
    from dataflow.workflows.identifiers import check_workflow_id
    from dataflow_tools.inspection.source_inspection import inspect_source
    from dataflow_tools.scaffold.source_answers import resolved

    kind, settings = str(given["source_kind"]), given.get("source_settings") or {}
    if sources or not isinstance(settings, dict):
        raise BadInputError(
            f"A source of type {kind} is described by its keys, not by a location.",
            f"Leave out --source, and write -d source_type={kind} "
            "-d source_settings='{key: value}'.",
        )
    check_workflow_id(name)
    click.echo(f"Looking at the source of type {kind} …")
    source = {"type": kind, **resolved(settings, project.values)}
    try:
        checked_settings(source_kind(kind).settings, source)
    except SourceSettingError as error:
        # There is no config.yaml yet that could be corrected.
        raise SourceSettingError(
            error.reason.replace("ingestion.source", "source_settings"),
            "Correct it in -d source_settings='{key: value}'.",
        ) from None
    with going_on("looking"):
        inspection = inspect_source(source)
    click.echo(f"  {inspection.summary()}")
    for note in inspection.notes:
        click.echo(f"  note: {note}")
    # What the template asks about a location, no plug-in's source has.
    found = replace(inspection, source={"type": kind, "url": ""}).answers()
    for answer in ("source_type", "source_url"):
        found.pop(answer, None)
    # A key that a person names is one that a person is sure of.
    return {**found, **given, "confirmed": given.get("primary_key", [])}


def _look(
    project: Project,
    name: str,
    location: str,
    table: str | None,
    given: dict[str, Any],
    source: str = "",
) -> dict[str, Any]:
    """Look at the data that a workflow shall start from, and say what was seen."""
    from dataflow.shared.redaction import redact
    from dataflow.sources.errors import AccessRefusedError, SourceError, SourceSettingError
    from dataflow.workflows.identifiers import check_workflow_id
    from dataflow_tools.inspection.address import source_from_location
    from dataflow_tools.inspection.source_inspection import inspect_source
    from dataflow_tools.scaffold.source_answers import (
        described_source,
        how_to_log_in,
        plugin_kinds,
        resolved,
    )

    check_workflow_id(name)
    click.echo(f"Looking at {shortened(redact(location), 80)} …")
    place = resolved(location, project.values) if "://" in location else location
    where = source_from_location(project, place, table, given.get("source_settings"))
    try:
        described = described_source(name, where, given, project.values, source)
        with going_on("looking"):
            inspection = inspect_source(described)
    except AccessRefusedError as error:
        raise AccessRefusedError(error.reason, how_to_log_in(name, where, given)) from error
    except (SourceError, SourceSettingError) as error:
        told = error.instruction
        if where["type"] == "file" and (kinds := plugin_kinds()):
            told = error.instruction = (
                f"{told} What a plug-in reads is given by -d source_type={kinds[0]} "
                f"-d source_settings='{{key: value}}'; installed: {', '.join(kinds)}."
            )
            error.args = (error.reason, told)
        if "ingestion.source" not in told or "ingestion.source.url" in told:
            raise
        # There is no config.yaml yet that the instruction could be followed in.
        example = _EXAMPLES.get(where["type"], _EXAMPLES["file"])
        here = f"Here, settings are given with -d, as in: -d source_settings='{{{example}}}'."
        raise type(error)(error.reason, f"{error.instruction} {here}") from error
    click.echo(f"  {inspection.summary()}")
    for note in inspection.notes:
        click.echo(f"  note: {for_workflow(note, name)}")
    written = inspection.answers().get("source_url", where["url"])
    if written != where["url"] and "${" not in location:
        click.echo(
            f"  note: Secrets in the location are written as variables, to be set: {written}"
        )
    if where["type"] == "file" and "://" not in place and Path(str(where["url"])).is_absolute():
        click.echo("  note: The file is outside the project, so config.yaml has its absolute path.")
    found = inspection.answers()
    # A key that a person names is one that a person is sure of.
    found["confirmed"] = given.get("primary_key", [])
    if given.get("source_settings"):
        # Variables in them stay variables; what was found out beside them is added.
        settings = found.setdefault("source_settings", {})
        for name, value in given["source_settings"].items():
            both = isinstance(value, dict) and isinstance(settings.get(name), dict)
            settings[name] = {**settings[name], **value} if both else value
    if "${" in location and "://" in location:
        found["source_url"] = location
    return found


def _check_schedule(answers: dict[str, Any]) -> None:
    from dataflow.shared.errors import BadInputError
    from dataflow.shared.schedule_rule import check_cron, check_timezone

    schedule, timezone = answers.get("schedule"), answers.get("timezone")
    if schedule and (reason := check_cron(str(schedule))):
        raise BadInputError(
            f"The schedule {schedule!r} is not a cron expression: {reason}",
            "Write five fields (minute, hour, day, month, weekday), such as '0 6 * * *'.",
        )
    if timezone and (reason := check_timezone(str(timezone))):
        raise BadInputError(
            f"The time zone {timezone!r} is not known: {reason}",
            "Take a name from the tz database, such as Europe/Berlin.",
        )
