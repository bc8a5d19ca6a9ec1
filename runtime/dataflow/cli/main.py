"""The ``dataflow`` command: its groups, and what becomes of every error."""

from __future__ import annotations

import errno
import os
import sys

import click

from dataflow.cli.commands import commands_of
from dataflow.cli.lazy import LazyGroup, environment_option
from dataflow.cli.screen import has_colours
from dataflow.shared.errors import DataflowError, code_of
from dataflow.shared.shown import with_short_values, with_short_words

# What a shell reports for a program that Ctrl-C ended.
_STOPPED = 130
# What writing a file that is open already ends with, which says no path.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    lazy_commands=commands_of(),
    epilog="Start with: dataflow init my_project",
    params=[environment_option()],
)
@click.version_option(package_name="dataflow-runtime", prog_name="dataflow")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def dataflow(context: click.Context, debug: bool) -> None:
    """Start a data pipeline in a minute, and keep a hundred of them healthy.

    A project holds workflows. Each fetches data, cleans it, loads it into DuckDB, models it with
    dbt and shows it on a dashboard.
    """
    if debug:
        os.environ["DATAFLOW_DEBUG"] = "1"
    if not has_colours():
        # For all commands below; click itself does not know NO_COLOR.
        context.color = False


@click.group(cls=LazyGroup, lazy_commands=commands_of("workflow"))
def workflow() -> None:
    """Make, run, check and update workflows."""


@click.group(cls=LazyGroup, lazy_commands=commands_of("evidence"))
def evidence() -> None:
    """Build and open the dashboards of all workflows."""


@click.group(cls=LazyGroup, lazy_commands=commands_of("token"))
def token() -> None:
    """Make, list and revoke tokens of the REST API."""


@click.group(cls=LazyGroup, lazy_commands=commands_of("env"))
def env() -> None:
    """List, show and try the project's environments."""


@click.group(cls=LazyGroup, lazy_commands=commands_of("worker"))
def worker() -> None:
    """Execute runs that a service on another machine hands out."""


def main() -> None:
    """Run the command line. The one place where an error becomes an exit code."""
    try:
        sys.exit(dataflow.main(prog_name="dataflow", standalone_mode=False))
    except click.ClickException as error:
        # click has no other way to say it in its own form.
        error.message = _shortened(error.message)  # type: ignore[misc]
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
            import traceback

            _say(traceback.format_exc())
        _say(f"Error: {error.reason}\n{error.instruction}{_more(error)}")
        sys.exit(error.exit_code)
    except OSError as error:
        # Whoever copies has two; a write that finds the disk full has none.
        places = " -> ".join(str(each) for each in (error.filename, error.filename2) if each)
        if os.environ.get("DATAFLOW_DEBUG") or not (places or error.errno in _FULL):
            _guard()
            raise
        _say(
            f"Error: {places}{': ' if places else ''}{error.strerror}.\n"
            + (
                "Check that the path exists, that you may write there and that the disk has room."
                if places
                else "Free disk space, of your quota or of the machine; then run it again."
            )
        )
        sys.exit(1)
    except Exception:
        _guard()
        raise


def _say(text: str) -> None:
    """Print to standard error, without the secrets that errors may quote."""
    from dataflow.shared.redaction import redact

    _guard()
    click.echo(_shortened(redact(text)), err=True)


def _more(error: DataflowError) -> str:
    """Where a person at a terminal finds more, if the class has more to say than the message."""
    has_more = "Why:" in (type(error).__doc__ or "")
    code = code_of(error)
    if not (has_more and code and sys.stderr.isatty()):
        return ""
    return f"\nMore: dataflow explain {code}"


def _shortened(text: str) -> str:
    typed = (part for word in sys.argv[1:] for part in (word, word.partition("=")[2]))
    return with_short_words(with_short_values(text, typed))


def _guard() -> None:
    # Not before there is an error: most commands end without one.
    from dataflow.shared.output_redaction import guard_output

    guard_output()
