"""Commands of other distributions, and of dataflow-tools where that is not installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.plugin_fixtures import install_plugin

from dataflow.cli.commands import commands_of
from dataflow.cli.lazy import LazyGroup
from dataflow.shared import plugins
from dataflow.shared.errors import MissingDependencyError
from dataflow.shared.plugins import PluginError

if TYPE_CHECKING:
    from tests.plugin_fixtures import InstallPlugin

__all__ = ["install_plugin"]

HELLO = """
    import click

    @click.command()
    def hello():
        "Greet."
        click.echo("hello from a plug-in")
"""


def group(name: str = "") -> LazyGroup:
    return LazyGroup(name=name or "dataflow", lazy_commands=commands_of(name))


def test_a_command_of_another_distribution_is_listed_and_runs(
    install_plugin: InstallPlugin,
) -> None:
    """`"workflow hello"` is a command of the group, named with where it comes from."""
    install_plugin("hello-plugin", HELLO, commands="workflow hello = hello_plugin:hello")
    shown = CliRunner().invoke(group("workflow"), ["--help"])
    assert "From hello-plugin." in shown.output
    assert "hello from a plug-in" in CliRunner().invoke(group("workflow"), ["hello"]).output
    assert "hello" not in commands_of()


def test_built_in_commands_cannot_be_taken(install_plugin: InstallPlugin) -> None:
    """A distribution that names one of ours changes nothing."""
    install_plugin("bad-plugin", HELLO, commands="workflow run = bad_plugin:hello")
    assert commands_of("workflow")["run"].target == "dataflow.cli.workflow_run:run"


def test_a_broken_command_is_named(install_plugin: InstallPlugin) -> None:
    """It is listed, and using it says which distribution to fix."""
    install_plugin("odd-plugin", "import nothing_like_it", commands="odd = odd_plugin:odd")
    assert "odd" in CliRunner().invoke(group(), ["--help"]).output
    result = CliRunner().invoke(group(), ["odd"])
    assert isinstance(result.exception, PluginError)
    assert "Fix or uninstall odd-plugin" in result.exception.instruction


def test_without_the_tools_their_commands_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The names are listed, and one line says which package they come with."""
    found = plugins.installed("commands")
    mine = {name: point for name, point in found.items() if not point.value.startswith("dataflow_")}
    monkeypatch.setattr("dataflow.cli.commands.installed", lambda _: mine)
    assert "new" in commands_of("workflow")
    result = CliRunner().invoke(group("workflow"), ["new", "--help"])
    assert isinstance(result.exception, MissingDependencyError)
    assert "comes with dataflow-tools" in result.exception.reason
    assert result.exception.instruction == "Install it: pip install dataflow-tools"
