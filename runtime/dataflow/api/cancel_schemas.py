"""What a request to cancel many runs says, and its answer."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dataflow.api.request_body import RequestBody
from dataflow.api.schemas import RUN_ID, View
from dataflow.runs.model import RunStatus
from dataflow.service.bulk_cancel import CancelledRun, OpenStatus


class CancelRequest(RequestBody):
    """Which runs to cancel: of a workflow, in some statuses, by their ids, or all.

    Something has to be said, so that a request that lost its filter on the way cancels nothing.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"run_ids": [RUN_ID]}]})

    workflow_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="Only of this.",
        examples=["my_workflow"],
    )
    statuses: list[OpenStatus] = Field(
        default=["queued", "running"],
        min_length=1,
        max_length=3,
        description="Only in one of these.",
        examples=[["queued"]],
    )
    run_ids: list[Annotated[str, Field(max_length=200)]] | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="These and no others; nothing else is said beside them.",
        examples=[[RUN_ID]],
    )
    all: bool = Field(
        default=False,
        description="All that wait or run, of every workflow; nothing else is said beside it.",
        examples=[False],
    )
    force: bool = Field(
        default=False,
        description="Mark them as cancelled even if their processes cannot be reached.",
        examples=[False],
    )

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        is_filtered = self.workflow_id is not None or "statuses" in self.model_fields_set
        said = [self.all, self.run_ids is not None, is_filtered]
        if not any(said):
            raise ValueError(
                'say which runs: workflow_id, statuses or run_ids, or "all": true for every one'
            )
        if said.count(True) > 1:
            raise ValueError("run_ids and all stand alone: leave out the others")
        return self


class CancelledRunOut(View):
    """What became of one of many runs."""

    run_id: str = Field(examples=[RUN_ID])
    workflow_id: str = Field(examples=["my_workflow"])
    status: RunStatus | None = Field(description="Null if it is not known.", examples=["canceled"])
    error: str = Field(default="", description="Why it was not cancelled.", examples=[""])

    @classmethod
    def of(cls, run: CancelledRun) -> CancelledRunOut:
        """The answer for one run."""
        return cls.view(run)


class CancelledRunsOut(BaseModel):
    """What became of many runs."""

    runs: list[CancelledRunOut]
    backfills: list[str] = Field(
        description="Backfills that were asked to end, so that no more of their runs begin.",
        examples=[["kvumbkbt"]],
    )
