"""What the API takes and answers about backfills."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from dataflow.api.request_body import RequestBody
from dataflow.api.schemas import PREFIX, View
from dataflow.runs.model import RunStatus
from dataflow.runs.run_request import PartitionRange
from dataflow.service.backfills import Backfill, BackfillStatus

_MOST_PARTITIONS = 10_000


class BackfillRequest(RequestBody):
    """Which partitions to run; all there are if nothing is said."""

    model_config = ConfigDict(populate_by_name=True)

    first: str = Field(
        default="",
        alias="from",
        max_length=1000,
        description="The first partition, or the time at which it begins.",
        examples=["2024-01-01"],
    )
    last: str = Field(
        default="",
        alias="to",
        max_length=1000,
        description="The last partition, likewise.",
        examples=["2024-01-31"],
    )
    partitions: list[str] = Field(
        default_factory=list,
        max_length=_MOST_PARTITIONS,
        description="These and no others, by their keys.",
        examples=[[]],
    )

    @property
    def range(self) -> PartitionRange:
        """The partitions that are meant."""
        return PartitionRange(self.first, self.last, self.partitions)


class BackfillRunOut(View):
    """One partition of a backfill."""

    partition: str = Field(examples=["2024-01-31"])
    run_id: str | None = Field(description="Null until it has a run.", examples=[None])
    status: RunStatus | Literal["waiting"] = Field(examples=["waiting"])


class BackfillOut(View):
    """Runs of a workflow for many partitions."""

    backfill_id: str = Field(examples=["kvumbkbt"])
    workflow_id: str = Field(examples=["my_workflow"])
    status: BackfillStatus = Field(examples=["running"])
    created_at: datetime = Field(description="When it was asked for.")
    ended_at: datetime | None = None
    counts: dict[str, int] = Field(
        description="How many partitions are in which status.", examples=[{"waiting": 31}]
    )
    runs: list[BackfillRunOut]
    error: str = Field(default="", examples=[""])
    links: dict[str, str] = Field(examples=[{"self": f"{PREFIX}/backfills/kvumbkbt"}])

    @classmethod
    def of(cls, backfill: Backfill, ui: str) -> BackfillOut:
        """The answer for a backfill; ``ui`` is where people see Dagster."""
        statuses = [run.status for run in backfill.runs]
        return cls.view(
            backfill,
            counts={status: statuses.count(status) for status in dict.fromkeys(statuses)},
            links={
                "self": f"{PREFIX}/backfills/{backfill.backfill_id}",
                "workflow": f"{PREFIX}/workflows/{backfill.workflow_id}",
                "ui": f"{ui}/runs/b/{backfill.backfill_id}",
            },
        )
