"""What a service's process does before it becomes the service.

The process that waits is replaced by the program it waits for, so that no process is left over.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
from pathlib import Path
from typing import NoReturn

from dataflow.shared.errors import DataflowError
from dataflow.shared.project import find_project

_SECONDS_BETWEEN_TRIES = 0.1
_SECONDS_TO_START = 90.0


def main(arguments: list[str] | None = None) -> NoReturn:
    """Prepare, wait, then become the program that the arguments name after ``--``."""
    parser = argparse.ArgumentParser(prog="python -m dataflow.service.launch")
    parser.add_argument("--prepare-history", action="store_true")
    parser.add_argument("--wait-for", type=Path, metavar="SOCKET")
    parser.add_argument("command", nargs="+")
    chosen = parser.parse_args(arguments)
    if chosen.prepare_history:
        _prepare_history()
    if chosen.wait_for is not None:
        _wait_for(chosen.wait_for)
    os.execv(chosen.command[0], chosen.command)  # noqa: S606


def _prepare_history() -> None:
    """Make Dagster's tables before its processes meet them, and close what nobody runs any more."""
    from dataflow.runs.instance import open_instance
    from dataflow.service.recovery import close_lost_runs
    from dataflow.service.tied_process import RESTARTED_VARIABLE

    try:
        project = find_project()
        with open_instance(project) as instance:
            # Started again beside its group, it may meet runs that are just being started.
            at_least = _SECONDS_TO_START if os.environ.get(RESTARTED_VARIABLE) else 0.0
            for run_id in close_lost_runs(instance, at_least, project):
                print(f"run {run_id} was lost with the service that ran it", flush=True)  # noqa: T201
    except DataflowError as error:
        sys.exit(str(error))


def _wait_for(path: Path) -> None:
    """Wait until somebody answers on a Unix socket; the group's supervisor bounds the time."""
    while True:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(path))
            except OSError:
                time.sleep(_SECONDS_BETWEEN_TRIES)
            else:
                return


if __name__ == "__main__":
    main()
