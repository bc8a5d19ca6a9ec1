"""The questions that `dataflow workflow new` asks a person who has named nothing yet.

The data is looked at first, and what was found is the default of each later answer. ``<`` goes back
to the question before. At the end stands what would be made, and the command that says the same.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.schedule_rule import check_cron, check_timezone
from dataflow.shared.shown import counted, shortened
from dataflow.workflows.identifiers import check_workflow_id, suggest_workflow_id
from dataflow_tools.scaffold.upstream_answers import upstream_answers, workflows_to_read

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataflow.shared.project import Project

    Look = Callable[[Project, str, tuple[str, ...], str | None, dict[str, Any]], dict[str, Any]]

BACK = "<"
# Before the names of workflows whose tables are read, instead of a place of data.
AFTER = "after "
# Of more columns the first ones are shown.
_MOST_COLUMNS = 20
_LOGINS = ("none", "bearer_token", "basic", "api_key", "oauth2_client_credentials")
_DEFAULT_SCHEDULE = "0 6 * * *"


class GoBackError(Exception):
    """The person wants the question before."""


@dataclass
class Wish:
    """What a person wants to have made.

    Args:
        source: Where the data is; empty for the template's sample.
        table: The table of a database.
        after: Workflows whose tables are read, with commas between them, instead of a source.
        told: What the person answered other than what was found.
        found: What a look at the data has answered.
    """

    name: str = ""
    source: str = ""
    table: str | None = None
    after: str = ""
    told: dict[str, Any] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def command(self) -> str:
        """The command that makes the same without a question."""
        words = ["dataflow", "workflow", "new", self.name]
        words += ["--source", self.source] if self.source else []
        words += ["--table", self.table] if self.table else []
        words += ["--after", self.after] if self.after else []
        for key, value in self.told.items():
            shown = f"[{', '.join(value)}]" if isinstance(value, list) else str(value)
            words += ["-d", f"{key}={shown.lower() if isinstance(value, bool) else shown}"]
        return shlex.join([*words, "--defaults"])


def ask_for_wish(project: Project, look: Look) -> Wish:
    """Ask one question after another, until the person wants it made.

    Args:
        look: What looks at data: project, name, locations, table and answers give answers.

    Raises:
        click.Abort: The person wants nothing made.
    """
    click.echo(f"Answer with Enter to take what stands in brackets, with {BACK} to go back.")
    wish, at = Wish(), 0
    questions = (_ask_data, _ask_key, _ask_disposition, _ask_schedule, _ask_parts, _ask_to_make)
    while at < len(questions):
        try:
            questions[at](project, wish, look)
        except GoBackError:
            at = max(at - 1, 0)
        else:
            at += 1
    return wish


def _ask_data(project: Project, wish: Wish, look: Look) -> None:
    there = workflows_to_read(project)
    others = f", or {AFTER}{','.join(there[:2])} for tables of other workflows" if there else ""
    while True:
        where = _asked(
            "Where is the data? A file, a folder, a pattern, the address of an API or a database"
            f"{others}; nothing for a sample",
            f"{AFTER}{wish.after}" if wish.after else wish.source,
        )
        is_after = bool(there) and where.startswith(AFTER)
        before = (wish.source, wish.after)
        wish.after = _without_spaces(where.removeprefix(AFTER)) if is_after else ""
        wish.source = "" if is_after else _as_the_shell_reads(where, project)
        if (wish.source, wish.after) != before:
            # What was said of other data does not hold for these.
            wish.name, wish.table, wish.found, wish.told = "", None, {}, {}
        wish.name = _ask_name(project, wish)
        if not wish.source and not wish.after:
            wish.found, wish.told = {}, {}
            return
        try:
            if wish.after:
                wish.found, wish.table = upstream_answers(project, wish.name, wish.after), None
            else:
                wish.found = look(project, wish.name, (wish.source,), wish.table, dict(wish.told))
        except DataflowError as error:
            click.echo(f"{error.reason}\n{error.instruction}")
            _ask_what_is_missing(wish)
        else:
            return


def _ask_name(project: Project, wish: Wish) -> str:
    def usable(text: str) -> str:
        check_workflow_id(text)
        if project.workflow_dir(text).exists():
            raise BadInputError(f"There is a workflow {text!r} already.", "Choose another name.")
        return text

    stem = wish.source.rstrip("/*").rpartition("/")[2].partition("?")[0].partition(".")[0]
    unnamed = "report" if wish.after else "my_workflow"
    suggested = stem_id = wish.name or suggest_workflow_id(stem or unnamed)
    number = 2
    while project.workflow_dir(suggested).exists():
        suggested, number = f"{stem_id}_{number}", number + 1
    return _asked("What is it called", suggested, usable)


def _ask_what_is_missing(wish: Wish) -> None:
    """Of what could not be read: how it is logged in to, or which table is meant."""
    if wish.source.startswith(("http://", "https://")):
        login = _asked(
            f"How does the API know you? {', '.join(_LOGINS)}",
            wish.told.get("auth_type", "none"),
            _one_of(_LOGINS),
        )
        wish.told.pop("auth_type", None)
        if login != "none":
            wish.told["auth_type"] = login
    elif "://" in wish.source or wish.source.endswith((".db", ".duckdb", ".sqlite")):
        wish.table = _asked("Which table", wish.table or "") or None


def _ask_key(_: Project, wish: Wish, __: Look) -> None:
    columns = [each["name"] for each in wish.found.get("columns", [])]
    if not columns or wish.found.get("more_tables"):
        return
    for each in wish.found["columns"][:_MOST_COLUMNS]:
        role = each.get("role", "")
        click.echo(f"  {shortened(each['name'], 40):<24} {each['type']:<16} {role}")
    if len(columns) > _MOST_COLUMNS:
        click.echo(f"  and {counted(len(columns) - _MOST_COLUMNS, 'column')} more")

    def among_them(text: str) -> str:
        wrong = [name for name in _names(text) if name not in columns]
        if wrong:
            raise BadInputError(f"There is no column {wrong[0]!r}.", "Name some of those above.")
        return text

    before = wish.told.get("primary_key", wish.found.get("primary_key", []))
    text = _asked("Which columns identify a row? - for none", ", ".join(before) or "-", among_them)
    wish.told.pop("primary_key", None)
    if _names(text) != wish.found.get("primary_key", []):
        wish.told["primary_key"] = _names(text)


def _ask_disposition(_: Project, wish: Wish, __: Look) -> None:
    if not wish.source:
        return
    has_key = bool(wish.told.get("primary_key", wish.found.get("primary_key")))
    choices = ("replace", "append", "merge") if has_key else ("replace", "append")
    told = _asked(
        f"What happens to rows that are there when new ones come? {', '.join(choices)}",
        wish.told.get("write_disposition", "replace"),
        _one_of(choices),
    )
    wish.told.pop("write_disposition", None)
    if told != "replace":
        wish.told["write_disposition"] = told


def _ask_schedule(_: Project, wish: Wish, __: Look) -> None:
    def cron(text: str) -> str:
        if text != "-" and (reason := check_cron(text)):
            raise BadInputError(f"{text!r} is no schedule: {reason}", "Such as 0 6 * * 1-5.")
        return text

    def zone(text: str) -> str:
        if reason := check_timezone(text):
            raise BadInputError(f"{text!r} is no time zone: {reason}", "Such as Europe/Berlin.")
        return text

    usual = _usual_schedule(wish)
    before = wish.told.get("schedule", usual) or "-"
    never = "for after each run of those" if wish.after else "for never"
    told = _asked(f"When does it run? Minute, hour, day, month, weekday; - {never}", before, cron)
    wish.told.pop("schedule", None)
    if told != (usual or "-"):
        wish.told["schedule"] = "" if told == "-" else told
    where = _asked("In which time zone", wish.told.get("timezone", "UTC"), zone)
    wish.told.pop("timezone", None)
    if where != "UTC":
        wish.told["timezone"] = where


def _usual_schedule(wish: Wish) -> str:
    """When the template lets it run if nobody says anything."""
    return "" if wish.after else _DEFAULT_SCHEDULE


def _ask_parts(_: Project, wish: Wish, __: Look) -> None:
    models = () if wish.after else (("use_dbt", "Models with dbt"),)
    for key, question in (*models, ("use_evidence", "A dashboard")):
        before = "yes" if wish.told.get(key, True) else "no"
        told = _asked(f"{question}? yes, no", before, _one_of(("yes", "no")))
        wish.told.pop(key, None)
        if told == "no":
            wish.told[key] = False


def _ask_to_make(project: Project, wish: Wish, _: Look) -> None:
    answers = {**wish.found, **wish.told}
    folder = project.relative(project.workflow_dir(wish.name))
    tables = [answers.get("table") or wish.name]
    tables += [each["table"] for each in answers.get("more_tables", [])]
    stages = [] if wish.after else ["ingestion.py", "transform.py"]
    parts = ["config.yaml", *stages, "dagster_job.py", "tests/"]
    parts += [] if answers.get("use_dbt") is False else ["dbt/"]
    parts += [] if answers.get("use_evidence") is False else ["evidence/"]
    click.echo(f"\n{folder}/ with {', '.join(parts)}")
    if wish.after:
        click.echo(f"  from      the tables of {', '.join(answers['after'])}")
        click.echo("  into      a mart of its own")
    else:
        click.echo(f"  from      {wish.source or 'a sample of its own'}")
        click.echo(f"  into      {', '.join(f'raw.{table}' for table in tables)}")
        click.echo(f"  key       {', '.join(answers.get('primary_key') or []) or 'none'}")
        click.echo(f"  new rows  {answers.get('write_disposition', 'replace')}")
    unscheduled = "after each run of those" if wish.after else "when it is told to"
    schedule = answers.get("schedule", _usual_schedule(wish)) or unscheduled
    click.echo(f"  runs      {schedule} {answers.get('timezone', 'UTC')}")
    click.echo(f"The same without questions:\n  {wish.command}")
    if _asked("Make it? yes, no", "yes", _one_of(("yes", "no"))) == "no":
        raise click.Abort


def _asked(question: str, default: str, check: Callable[[str], str] = str) -> str:
    """An answer that is good, or the one that is offered; what is wrong with others is told."""
    while True:
        text: str = click.prompt(
            click.style(question, bold=True), default=default, show_default=bool(default)
        )
        text = text.strip()
        if text == BACK:
            raise GoBackError
        try:
            return check(text)
        except BadInputError as error:
            click.echo(f"{error.reason} {error.instruction}")


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def check(text: str) -> str:
        found = [choice for choice in choices if text and choice.startswith(text.lower())]
        if len(found) != 1:
            raise BadInputError(f"{text!r} is none of them.", f"Choose of {', '.join(choices)}.")
        return found[0]

    return check


def _as_the_shell_reads(where: str, project: Project) -> str:
    """A place without the quotes and backslashes of a path that was dropped into the terminal."""
    try:
        words = shlex.split(where)
    except ValueError:
        return where
    if len(words) != 1 or (project.root / where).exists():
        return where
    is_quoted = where[0] in "'\"" and where[-1] == where[0]
    return words[0] if is_quoted or (project.root / words[0]).exists() else where


def _without_spaces(names: str) -> str:
    return ",".join(name.strip() for name in names.split(",") if name.strip())


def _names(text: str) -> list[str]:
    return [] if text.strip() == "-" else [name.strip() for name in text.split(",") if name.strip()]
