"""``dataflow token create``, ``list`` and ``revoke``."""

from __future__ import annotations

import getpass

import click

from dataflow.cli.screen import show_table
from dataflow.shared.project import find_project

_ROLES = ("read", "run", "admin")


@click.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(_ROLES),
    default="run",
    show_default=True,
    help="read: look at workflows, runs and logs. run: also start and cancel runs. admin: all.",
)
def create(name: str, role: str) -> None:
    """Make a token of the REST API called NAME and print it, this once.

    Only its hash is kept, in .dataflow/api_tokens.json. From the first token on every call needs
    one; a running server knows it at once.
    """
    from dataflow.service.audit_log import note_change
    from dataflow.service.named_tokens import ROLES, NamedTokens

    project = find_project()
    token = NamedTokens(project).create(name, ROLES[_ROLES.index(role)])
    note_change(project, _user(), "token create", name, role=role)
    click.echo("The token, which is shown this once:", err=True)
    click.echo(token)


@click.command("list")
def list_() -> None:
    """List the tokens, without themselves, and those that were revoked."""
    from dataflow.service.named_tokens import NamedTokens

    tokens = NamedTokens(find_project()).all()
    if not tokens:
        click.echo("There is none. Make one: dataflow token create NAME --role run")
        return
    rows = [(token.name, token.role, token.created, token.revoked or "") for token in tokens]
    if show_table(("token", "role", "created", "revoked"), rows):
        return
    width = max((len(token.name) for token in tokens), default=0)
    for token in tokens:
        until = f"  revoked {token.revoked}" if token.revoked else ""
        click.echo(f"{token.name:{width}}  {token.role:5}  created {token.created}{until}")


@click.command()
@click.argument("name")
def revoke(name: str) -> None:
    """Let the token called NAME open nothing any more, also on a running server."""
    from dataflow.service.audit_log import note_change
    from dataflow.service.named_tokens import NamedTokens

    project = find_project()
    NamedTokens(project).revoke(name)
    note_change(project, _user(), "token revoke", name)
    click.echo(f"The token {name} opens nothing any more.")


def _user() -> str:
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):
        # A container's user may have a number only.
        return "command line"
