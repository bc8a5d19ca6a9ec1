"""``dataflow workflow propose``."""

from __future__ import annotations

import sys

import click

from dataflow.cli.progress import progress_line
from dataflow.shared.project import find_project


@click.command()
@click.option("--branch", default="template-update", show_default=True, help="The branch to use.")
@click.option("--remote", default="origin", show_default=True, help="Where to push it to.")
@click.option(
    "--forge",
    type=click.Choice(["auto", "github", "gitlab", "none"]),
    default="auto",
    show_default=True,
    help="Who opens the pull request: `gh` for GitHub, the push itself for GitLab, or nobody.",
)
def propose(branch: str, remote: str, forge: str) -> None:
    """Propose the update of the project and all workflows as a pull request.

    The project's CI runs this each week. On a branch of its own it updates the project's files,
    installs the library that they ask for then, updates and checks all workflows, and pushes that.
    Nothing is pushed if nothing is new. Commits of people on the branch are never overwritten: the
    update goes on from them. What the remote does not take, such as files of GitHub's Actions, is
    left out and stands in the pull request as a patch.

    The exit code is 0 if all is well or a pull request shows what is not.
    """
    # What follows is slow to import.
    from dataflow_tools.fleet.forge import Forge, detect_forge
    from dataflow_tools.fleet.proposal import propose_update

    chosen = detect_forge() if forge == "auto" else Forge(forge)
    with progress_line() as progress:
        proposal = propose_update(find_project(), branch, chosen, remote, progress)
    for line in proposal.lines:
        click.echo(line)
    sys.exit(1 if proposal.failed else 0)
