"""``dataflow evidence vendor``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def vendor(folder: Path) -> None:
    """Put the dashboards' packages into FOLDER, for machines of this kind without a registry.

    There: dataflow evidence build --packages FOLDER, or the variable DATAFLOW_EVIDENCE_PACKAGES.
    """
    from dataflow_tools.site.node import find_node
    from dataflow_tools.site.vendored import vendor_packages

    click.echo("Fetching the packages (a minute or two) ...")
    count = vendor_packages(folder, find_node(), lambda line: click.echo(f"  {line}"))
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    click.echo(f"{count} packages, {size:.0f} MB, in {folder}.")
    click.echo(f"Use them: dataflow evidence build --packages {folder}")
