"""Dagster's daemon, with a queue and backfills that do not wait for nothing.

Usage: python -m dataflow.service.dagster_daemon [the options of dagster-daemon run]
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

from dagster import DagsterInstance
from dagster._cli.workspace.cli_target import workspace_opts_to_load_target
from dagster._daemon.cli import run_command
from dagster._daemon.controller import create_daemon_of_type, daemon_controller_from_instance
from dagster._utils.interrupts import capture_interrupts, setup_interrupt_handlers
from dagster_shared.cli import WorkspaceOpts

from dataflow.service.prompt_daemons import PromptBackfillDaemon, PromptQueueDaemon

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagster._core.run_coordinator import QueuedRunCoordinator
    from dagster._daemon.daemon import DagsterDaemon


def main() -> None:
    """Serve schedules, sensors, the queue and backfills until interrupted."""
    # The options, their defaults and their variables are Dagster's own.
    chosen: dict[str, Any] = run_command.make_context("dagster-daemon", sys.argv[1:]).params
    # As Dagster has it: SIGTERM is Ctrl-C, and meets the daemon between two looks at its threads.
    setup_interrupt_handlers()
    try:
        with (
            capture_interrupts(),
            DagsterInstance.get() as instance,
            daemon_controller_from_instance(
                instance,
                workspace_load_target=workspace_opts_to_load_target(
                    WorkspaceOpts.extract_from_cli_options(chosen)
                ),
                gen_daemons=daemons,
                log_level=chosen["log_level"],
                code_server_log_level=chosen["code_server_log_level"],
                log_format=chosen["log_format"],
            ) as controller,
        ):
            controller.check_daemon_loop()
    except KeyboardInterrupt:
        return


def daemons(instance: DagsterInstance) -> Iterator[DagsterDaemon[Any]]:
    """Those that an instance needs; two of them are prompter than Dagster's."""
    for kind in instance.get_required_daemon_types():
        if kind == PromptBackfillDaemon.daemon_type():
            yield PromptBackfillDaemon(instance.get_backfill_settings())
        elif kind == PromptQueueDaemon.daemon_type():
            coordinator = cast("QueuedRunCoordinator", instance.run_coordinator)
            yield PromptQueueDaemon(coordinator.dequeue_interval_seconds)
        else:
            yield create_daemon_of_type(kind, instance)


if __name__ == "__main__":
    main()
