"""A click group that imports a command's module only when that command is used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from dataflow.shared.environments import ENVIRONMENT_VARIABLE
from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.plugins import load
from dataflow.shared.suggestion import nearest

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def choose_environment(_: click.Context, __: click.Parameter, value: str | None) -> None:
    """Let this process, and what it starts, run in an environment of the project."""
    if value:
        os.environ[ENVIRONMENT_VARIABLE] = value


def environment_option() -> click.Option:
    """``--env``, which every command has: before anything else is looked at."""
    return click.Option(
        ["--env"],
        metavar="NAME",
        expose_value=False,
        is_eager=True,
        callback=choose_environment,
        help="The project's environment to run in; default: DATAFLOW_ENV, else none.",
    )


class LazyCommand(NamedTuple):
    """Where a command is, and the line about it in the list of commands.

    Args:
        target: ``module:attribute`` of this distribution; empty for one of another.
        help: What the command does, in one line, so that listing it imports nothing.
        plugin: The entry point of another distribution's command; empty if it is not installed.
    """

    target: str
    help: str
    plugin: str = ""


class LazyGroup(click.Group):
    """A group whose commands are named by where they are, in the order that ``--help`` lists."""

    def __init__(
        self, *args: Any, lazy_commands: Mapping[str, LazyCommand] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = dict(lazy_commands or {})

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Name the commands, in the order given."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command.

        Raises:
            MissingDependencyError: It is one of dataflow-tools', which is not installed.
            PluginError: The distribution that it comes from cannot be imported.
        """
        found = self._lazy.get(cmd_name)
        if found is None:
            return None
        if found.plugin:
            plugin: click.Command = load("commands", found.plugin)
            return plugin if isinstance(plugin, click.Group) else _with_environment(plugin)
        if not found.target:
            path = " ".join([*ctx.command_path.split()[1:], cmd_name])
            raise MissingDependencyError(
                f"`dataflow {path}` comes with dataflow-tools, which is not installed.",
                "Install it: pip install dataflow-tools",
            )
        module, _, attribute = found.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command if isinstance(command, click.Group) else _with_environment(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant; a misspelt one is answered with the nearest."""
        near = nearest(args[0], self._lazy) if args and args[0] not in self._lazy else None
        if near and not ctx.resilient_parsing:
            raise click.UsageError(f"No such command {args[0]!r}. Did you mean {near!r}?", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the commands without importing them, also those of tools that are not there."""
        from click.shell_completion import CompletionItem

        begun = [
            CompletionItem(name, help=command.help)
            for name, command in self._lazy.items()
            if name.startswith(incomplete)
        ]
        return begun + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        if self._lazy:
            with formatter.section("Commands"):
                formatter.write_dl([(name, command.help) for name, command in self._lazy.items()])


def _with_environment(command: click.Command) -> click.Command:
    if not any("--env" in parameter.opts for parameter in command.params):
        command.params.append(environment_option())
    return command
