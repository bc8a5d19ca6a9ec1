"""Options that the commands of a campaign share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dataflow_tools.campaign.report import entry_lines

if TYPE_CHECKING:
    from dataflow_tools.campaign.ledger import Entry

folder_option = click.option(
    "--in",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("campaign"),
    show_default=True,
    help="The campaign's folder.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def paint(text: str, colour: str) -> str:
    """A text in a colour; an empty one is none."""
    return click.style(text, fg=colour) if colour else text


def tell(entry: Entry) -> None:
    """Say what became of one repository, on standard error, as it happens."""
    for line in entry_lines(entry, 24, "", paint):
        click.echo(line, err=True)
