"""The backfills that a running Dagster knows, over its GraphQL interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dataflow.service import graphql
from dataflow.service.backfills import parse_backfill, workflow_of_backfill
from dataflow.service.dagster_errors import BackfillEndedError, BackfillNotFoundError
from dataflow.service.dagster_runs import DagsterRuns
from dataflow.service.graphql_answer import expected

if TYPE_CHECKING:
    from dataflow.service.backfills import Backfill


class FoundBackfill(NamedTuple):
    """A backfill's id and tags, Dagster's own among them."""

    backfill_id: str
    tags: dict[str, str]


class DagsterBackfills(DagsterRuns):
    """Looks at backfills, and ends them."""

    def backfill(self, backfill_id: str) -> Backfill:
        """A backfill with its runs.

        Raises:
            BackfillNotFoundError: Dagster knows no such backfill.
        """
        answer = self._graphql.ask(
            graphql.BACKFILL_STATUS, "partitionBackfillOrError", id=backfill_id
        )
        if answer["__typename"] == "BackfillNotFoundError":
            raise BackfillNotFoundError(
                f"There is no backfill {backfill_id!r}.", "Dagster's UI lists those there are."
            )
        return parse_backfill(expected(answer, "PartitionBackfill"), self._workflow_of_job)

    def find_backfills(
        self, tags: dict[str, str], *, only_requested: bool = False
    ) -> list[FoundBackfill]:
        """The backfills that were given some tags, the newest first.

        Args:
            only_requested: Only those that still put runs into the queue, or wait for them.
        """
        wanted = [{"key": key, "value": value} for key, value in tags.items()]
        answer = self._graphql.ask(
            graphql.FIND_BACKFILLS, "runsFeedOrError", filter={"tags": wanted}
        )
        return [
            FoundBackfill(each["id"], {tag["key"]: tag["value"] for tag in each["tags"]})
            for each in expected(answer, "RunsFeedConnection")["results"]
            if not only_requested or each["status"] == "REQUESTED"
        ]

    def cancel_backfill(self, backfill_id: str) -> Backfill:
        """Ask for the end of a backfill: no more of its runs begin, and those under way are ended.

        Raises:
            BackfillNotFoundError: Dagster knows no such backfill.
            BackfillEndedError: It has ended already.
        """
        backfill = self.backfill(backfill_id)
        # Dagster itself would begin to cancel it anew.
        if backfill.ended_at is not None or backfill.status != "running":
            raise _ended(backfill)
        self._cancel_backfill(backfill_id)
        backfill = self.backfill(backfill_id)
        if backfill.status in ("succeeded", "failed"):
            raise _ended(backfill)
        return backfill

    def cancel_backfills(self, workflow_id: str | None) -> list[str]:
        """Ask for the end of all backfills that put runs into the queue, or of those of a workflow.

        Returns:
            Their ids.
        """
        chosen = self._open_backfills(workflow_id)
        for backfill_id in chosen:
            self._cancel_backfill(backfill_id)
        return chosen

    def partitions_under_way(self, workflow_id: str) -> dict[str, str]:
        """The partitions that backfills of a workflow will make yet, and which one does."""
        return {
            run.partition: backfill_id
            for backfill_id in self._open_backfills(workflow_id)
            for run in self.backfill(backfill_id).runs
            if run.status in ("waiting", "queued", "running")
        }

    def _open_backfills(self, workflow_id: str | None) -> list[str]:
        answer = self._graphql.ask(graphql.OPEN_BACKFILLS, "partitionBackfillsOrError")
        return [
            str(found["id"])
            for found in expected(answer, "PartitionBackfills")["results"]
            if workflow_id in (None, workflow_of_backfill(found, self._workflow_of_job))
        ]

    def _cancel_backfill(self, backfill_id: str) -> None:
        answer = self._graphql.ask(
            graphql.CANCEL_BACKFILL, "cancelPartitionBackfill", id=backfill_id
        )
        expected(answer, "CancelBackfillSuccess")

    def _workflow_of_job(self, name: str) -> str:
        """The workflow whose job has a name; empty if it is nobody's."""
        raise NotImplementedError


def _ended(backfill: Backfill) -> BackfillEndedError:
    return BackfillEndedError(
        f"The backfill {backfill.backfill_id} has ended already: {backfill.status}.",
        "There is nothing to cancel.",
    )
