"""The ``dataflow`` command: its groups, and what becomes of every error."""

from __future__ import annotations

import os
import sys
import traceback
from importlib.metadata import version

import click

from dataflow.cli.lazy import LazyCommand, LazyGroup
from dataflow.shared.errors import DataflowError

__all__ = ["main"]

# What a shell reports for a program that Ctrl-C ended.
_STOPPED = 130

_WORKFLOW_COMMANDS = {
    "new": LazyCommand("dataflow.cli.workflow_new:new", "Make a workflow from the template."),
    "list": LazyCommand("dataflow.cli.workflow_list:list_", "List the project's workflows."),
    "run": LazyCommand("dataflow.cli.workflow_run:run", "Run a workflow here and now."),
    "check": LazyCommand(
        "dataflow.cli.workflow_check:check", "Go through the authoring checklist."
    ),
    "status": LazyCommand(
        "dataflow.cli.workflow_status:status", "Compare workflows with their template."
    ),
    "update": LazyCommand(
        "dataflow.cli.workflow_update:update", "Bring workflows to a newer template."
    ),
}
_EVIDENCE_COMMANDS = {
    "build": LazyCommand("dataflow.cli.evidence:build", "Build the dashboards."),
    "serve": LazyCommand("dataflow.cli.evidence:serve", "Serve the built dashboards."),
    "dev": LazyCommand("dataflow.cli.evidence:dev", "Edit dashboards with hot reload."),
}


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    lazy_commands={
        "init": LazyCommand("dataflow.cli.init:init", "Make a project."),
        "workflow": LazyCommand(
            "dataflow.cli.main:workflow", "Make, run, check and update workflows."
        ),
        "up": LazyCommand("dataflow.cli.up:up", "Start Dagster, the REST API and the dashboards."),
        "api": LazyCommand("dataflow.cli.api:api", "Serve the REST API alone."),
        "evidence": LazyCommand("dataflow.cli.main:evidence", "Build and open the dashboards."),
        "doctor": LazyCommand("dataflow.cli.doctor:doctor", "Look at the machine and the project."),
    },
    epilog="Start with: dataflow init my_project",
)
@click.version_option(version("dataflow-runtime"), prog_name="dataflow")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def dataflow(debug: bool) -> None:
    """Start a data pipeline in a minute, and keep a hundred of them healthy.

    A project holds workflows. Each fetches data, cleans it, loads it into DuckDB, models it with
    dbt and shows it on a dashboard.
    """
    if debug:
        os.environ["DATAFLOW_DEBUG"] = "1"


@click.group(cls=LazyGroup, lazy_commands=_WORKFLOW_COMMANDS)
def workflow() -> None:
    """Make, run, check and update workflows."""


@click.group(cls=LazyGroup, lazy_commands=_EVIDENCE_COMMANDS)
def evidence() -> None:
    """Build and open the dashboards of all workflows."""


def main() -> None:
    """Run the command line. The one place where an error becomes an exit code."""
    try:
        sys.exit(dataflow.main(prog_name="dataflow", standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(_STOPPED)
    except BrokenPipeError:
        # Whoever read our output has seen enough, as `head` does; the rest goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except DataflowError as error:
        if os.environ.get("DATAFLOW_DEBUG"):
            _say(traceback.format_exc())
        _say(f"Error: {error.reason}\n{error.instruction}")
        sys.exit(error.exit_code)
    except OSError as error:
        if os.environ.get("DATAFLOW_DEBUG") or error.filename is None:
            _guard()
            raise
        _say(
            f"Error: {error.filename}: {error.strerror}.\n"
            "Check that the path exists, that you may write there and that the disk has room."
        )
        sys.exit(1)
    except Exception:
        _guard()
        raise


def _say(text: str) -> None:
    """Print to standard error, without the secrets that errors may quote."""
    from dataflow.shared.redaction import redact

    _guard()
    click.echo(redact(text), err=True)


def _guard() -> None:
    # Not before there is an error: most commands end without one.
    from dataflow.shared.secrecy import guard_output

    guard_output()
