"""``dataflow explain``."""

from __future__ import annotations

import json
import textwrap

import click

from dataflow.cli.error_catalogue import ErrorCatalogue, ErrorEntry
from dataflow.cli.screen import show_table

_WIDTH = 88
# Kinds that are raised in hundreds of places say nothing by all that they say.
_MOST_MESSAGES = 12


@click.command()
@click.argument("code", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def explain(code: str | None, as_json: bool) -> None:
    """Say what an error means, why it happens and what to do; without CODE, list all.

    CODE is what an error ends with at a terminal, and `code` in an answer of the REST API. The
    same text is a page of the documentation; no network is needed.

    \b
    Examples:
      dataflow explain workflow-busy
      dataflow explain | grep warehouse
    """  # noqa: D301 - click needs the character itself
    catalogue = ErrorCatalogue()
    if code is None:
        _list(catalogue, as_json=as_json)
        return
    entry = _find(catalogue, code)
    if as_json:
        click.echo(json.dumps(_as_json(entry), indent=2))
        return
    click.echo(f"{click.style(entry.code, bold=True)} ({entry.name})\n")
    for part in (entry.meaning, *entry.details):
        click.echo(textwrap.fill(part, _WIDTH, break_long_words=False) + "\n")
    if entry.messages:
        click.echo("What it says, and what to do:\n")
    for reason, instruction in entry.messages[:_MOST_MESSAGES]:
        click.echo(textwrap.indent(reason, "  "))
        click.echo(textwrap.indent(instruction, "    ") + "\n")
    if len(entry.messages) > _MOST_MESSAGES:
        click.echo(f"  and {len(entry.messages) - _MOST_MESSAGES} more.\n")
    click.echo(f"Exit code {entry.exit_code}; the REST API answers {entry.http_status}.")


def _find(catalogue: ErrorCatalogue, typed: str) -> ErrorEntry:
    """The error that somebody means.

    Raises:
        BadInputError: There is none of that name.
    """
    from dataflow.shared.errors import BadInputError, code_of_name
    from dataflow.shared.shown import quoted
    from dataflow.shared.suggestion import as_sentence, did_you_mean

    code = code_of_name(typed) if not typed.islower() else typed
    if code not in catalogue.entries:
        meant = as_sentence(did_you_mean(code, catalogue.entries))
        raise BadInputError(
            f"There is no error {quoted(typed)}.",
            f"{meant} `dataflow explain` lists all.".strip(),
        )
    return catalogue.with_messages(code)[0]


def _list(catalogue: ErrorCatalogue, *, as_json: bool) -> None:
    entries = catalogue.entries.values()
    if as_json:
        listed = [{"code": each.code, "meaning": each.meaning} for each in entries]
        click.echo(json.dumps(listed, indent=2))
        return
    if show_table(("code", "meaning"), [(each.code, each.meaning) for each in entries]):
        return
    widest = max(len(each.code) for each in entries)
    for each in entries:
        click.echo(f"{each.code:<{widest}}  {each.meaning}")


def _as_json(entry: ErrorEntry) -> dict[str, object]:
    return {
        "code": entry.code,
        "name": entry.name,
        "meaning": entry.meaning,
        "details": entry.details,
        "exit_code": entry.exit_code,
        "http_status": entry.http_status,
        "messages": [
            {"reason": reason, "instruction": instruction} for reason, instruction in entry.messages
        ],
    }
