"""``dataflow deploy kubernetes``."""

from __future__ import annotations

from pathlib import Path

import click

from dataflow.shared.errors import BadInputError
from dataflow.shared.project import find_project


@click.command()
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("deploy/kubernetes"),
    show_default=True,
    help="The folder to render into.",
)
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="NAME=ID,ID",
    help="Give these workflows a code location of their own; `*` for the rest. Repeatable.",
)
@click.option("--image", help="The images' name up to `-dagster`, `-api`, `-evidence`.")
@click.option("--tag", help="The images' tag; the version of the project if not given.")
@click.option("--namespace", help="The namespace; the project's name if not given.")
@click.option("--host", help="The name by which people open the dashboards.")
@click.option("--login", help="`basic`, or the address of an oauth2-proxy.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@click.option("--force", is_flag=True, help="Overwrite files that somebody has edited.")
def kubernetes(
    output: Path, groups: tuple[str, ...], dry_run: bool, force: bool, **options: str | None
) -> None:
    """Render Helm values and Kustomize manifests for the chosen environment.

    The values are those of Dagster's own chart; the manifests are what that lacks: the REST API,
    the dashboards behind a login, and who may talk to whom. Run again, it shows the difference and
    leaves alone what somebody has edited: then the exit code is 2.

    \b
    Examples:
      dataflow deploy kubernetes --env prod --tag 1.4.0
      dataflow deploy kubernetes --env prod --group finance=ledger,invoices --group rest='*'
    """  # noqa: D301 (click needs the character itself)
    from dataflow_tools.deploy.rendering import render_files
    from dataflow_tools.deploy.target import read_target
    from dataflow_tools.deploy.writing import plan_files, write_files

    project = find_project()
    chosen = {name: value for name, value in options.items() if value is not None}
    target = read_target(project, chosen, _parse(groups))
    folder = output if output.is_absolute() else project.root / output
    plans = plan_files(folder, render_files(target))
    for plan in plans:
        if plan.diff:
            click.echo(plan.diff)
    if not dry_run:
        write_files(folder, plans, force=force)
    kept = [] if force else [plan.name for plan in plans if plan.is_kept]
    for plan in plans:
        word = "kept, since it was edited" if plan.name in kept else plan.change
        click.echo(f"{project.relative(folder / plan.name)}: {word}")
    if kept:
        raise BadInputError(
            f"Not rendered, since somebody has edited them: {', '.join(kept)}.",
            "Take over by hand what the difference above shows, or overwrite them: --force",
        )
    if not dry_run:
        click.echo(f"Next: {project.relative(folder / 'README.md')}")


def _parse(groups: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in groups:
        name, sign, members = text.partition("=")
        if not sign or name in found:
            raise BadInputError(
                f"--group {text} is not NAME=ID,ID with a name of its own.",
                "Such as --group finance=ledger,invoices",
            )
        found[name] = members
    return found
