"""What can go wrong between us and a running Dagster."""

from __future__ import annotations

from dataflow.shared.errors import BadInputError, DataflowError


class DagsterUnavailableError(DataflowError):
    """Dagster does not answer, or has not loaded the project.

    Why: The REST API and `--remote` start runs through Dagster, which does not answer or has
    not loaded the project.

    What to do: `dataflow up`, or `dataflow reload`; without a service, `dataflow workflow run
    NAME` needs none.
    """

    http_status = 503


class CodeServerError(DagsterUnavailableError):
    """Dagster's webserver answers, but the process that has the workflows does not.

    Why: Dagster runs the project's code in a process of its own, which has ended or hangs.

    What to do: `dataflow up` starts it again within seconds. If it does not: its log, and
    `dataflow workflow list --check`.
    """


class DagsterError(DataflowError):
    """Dagster answered with a fault of its own."""

    http_status = 502


class DiskFullError(DagsterError):
    """Dagster cannot write its history.

    Why: Dagster writes each event of a run into its history, and there is no room for it.

    What to do: Free space on the disk of the folder `.dagster`, then run again. `data/.runs`
    holds earlier states of tables: `kept_states` and `kept_states_gb` bound them;
    `history_days` bounds the history.
    """

    http_status = 503


class HistoryDownError(DagsterUnavailableError):
    """The Postgres of the run history does not answer.

    Why: The setting `history` names a Postgres that cannot be reached just now. Nothing can be
    run without it, since it has the locks.

    What to do: Start it, or see that it can be reached from here; `dataflow env check` tries
    it.
    """

    @classmethod
    def told(cls) -> HistoryDownError:
        """The error as people are told it."""
        return cls(
            "Dagster cannot reach the Postgres of its run history.",
            "Start it, or correct the setting history; `dataflow env check` tries it.",
        )


class ServiceStoppedError(DagsterUnavailableError):
    """A process of the service is stopped and answers nobody.

    Why: Somebody has stopped it (Ctrl-Z, `kill -STOP`, a debugger). It is not started again,
    since it is there.

    What to do: `kill -CONT` with the number that the message names.
    """


class RunNotFoundError(BadInputError):
    """Dagster knows no run with that id."""

    http_status = 404


class BackfillNotFoundError(BadInputError):
    """Dagster knows no backfill with that id."""

    http_status = 404


class RunEndedError(BadInputError):
    """The run cannot be cancelled: it has ended, or is not Dagster's to stop."""

    http_status = 409


class BackfillEndedError(BadInputError):
    """The backfill cannot be cancelled: it has ended."""

    http_status = 409


class BadCursorError(BadInputError):
    """A stretch of log was asked for from where there is none."""


class BadRunConfigError(BadInputError):
    """The run config does not fit the workflow's job.

    Args:
        faults: A line for each thing that does not fit.
    """

    def __init__(self, workflow_id: str, faults: list[str]) -> None:
        super().__init__(
            f"The run config does not fit the job of {workflow_id!r}:\n" + "\n".join(faults),
            "Give config only for what the job's ops declare; the Dagster UI's launchpad shows it.",
        )
        self.faults = faults
