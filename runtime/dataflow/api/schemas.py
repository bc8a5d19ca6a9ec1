"""What the REST API takes and gives."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dataflow.api.request_body import RequestBody
from dataflow.runs.model import RunStatus, StepStatus
from dataflow.runs.run_part import LOAD
from dataflow.runs.run_request import RunRequest as RunAsked

if TYPE_CHECKING:
    from dataflow.runs.model import Run
    from dataflow.service.jobs import Job
    from dataflow.service.log_search import FoundLines

PREFIX = "/api/v1"

RUN_ID = "0b8f6f0e-3c1d-4c7e-9d5a-0a8a3a9f6c11"
_AT = "2026-01-31T06:00:02Z"
# Far more than any run config has, and less than what recursion ends at.
_DEEPEST = 100
# Dagster and this library steer runs by tags; callers must not.
_OWN_TAGS = ("dagster/", ".dagster/", "dataflow/")


class RunRequest(RequestBody):
    """How a workflow is to be run. Everything in it may be left out."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{}, {"tags": {"asked-by": "the-shop"}}]},
    )

    config: dict[str, Any] = Field(
        default_factory=dict,
        description="Dagster's run config, checked against what the job's ops declare.",
        examples=[{}],
    )
    run_config: dict[str, Any] = Field(
        default_factory=dict, description="Another name of `config`.", examples=[{}]
    )
    partition: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="The key of the partition that a partitioned job is to run for.",
        examples=[None],
    )
    tags: dict[str, str] = Field(
        default_factory=dict,
        max_length=20,
        description="Tags of the run, to find it by.",
        examples=[{"asked-by": "the-shop"}],
    )

    only: list[Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^,\s]+$")]] = Field(
        default_factory=list,
        max_length=100,
        description="Only these: `load`, `models`, `dashboard`, or models by their names; empty "
        "for all.",
        examples=[[]],
    )
    full_refresh: bool = Field(
        default=False,
        description="Read everything again, and put it in the place of the table's rows.",
    )
    since: str = Field(
        default="",
        max_length=200,
        description="Read an incremental source from this value of its cursor on.",
        examples=["2026-01-31"],
    )
    until: str = Field(
        default="",
        max_length=200,
        description="Read an incremental source up to this value, this one excluded.",
        examples=["2026-02-01"],
    )

    @property
    def request(self) -> RunAsked:
        """Config and partition, as the service takes them."""
        return RunAsked(self.config or self.run_config, self.partition)

    @model_validator(mode="after")
    def _one_config(self) -> Self:
        if self.config and self.run_config:
            raise ValueError("give config or run_config, not both")
        return self

    @model_validator(mode="after")
    def _part_of_what_is_loaded(self) -> Self:
        asks_no_source = self.only and LOAD not in self.only
        if asks_no_source and (self.partition or self.full_refresh or self.since or self.until):
            raise ValueError(
                "only without `load` makes a part again from what has been loaded: leave out "
                "partition, full_refresh, since and until"
            )
        return self

    @field_validator("partition")
    @classmethod
    def _is_text(cls, key: str | None) -> str | None:
        if key is not None and not key.isprintable():
            raise ValueError("it holds a character that no key has")
        return key

    @field_validator("config", "run_config", "tags")
    @classmethod
    def _is_writable(cls, values: dict[str, Any]) -> dict[str, Any]:
        if not _is_flat(values, _DEEPEST):
            raise ValueError(f"it is nested more than {_DEEPEST} levels deep")
        # Python reads more than JSON has: NaN, infinite numbers, halves of characters.
        try:
            json.dumps(values, allow_nan=False, ensure_ascii=False).encode()
        except ValueError:
            raise ValueError("it holds a number or a character that JSON does not have") from None
        return values

    @field_validator("tags")
    @classmethod
    def _only_own_tags(cls, tags: dict[str, str]) -> dict[str, str]:
        for key, value in tags.items():
            if (
                key.startswith(_OWN_TAGS)
                or not key.strip()
                or len(key) > 63
                or len(value) > 255
                or "\0" in key + value
            ):
                raise ValueError(
                    "a tag has a name of at most 63 characters that does not start with "
                    f"{', '.join(_OWN_TAGS)}, a value of at most 255, and no NUL in either"
                )
        return tags


def _is_flat(value: Any, most: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not inner or (most > 0 and all(_is_flat(item, most - 1) for item in inner))


class View(BaseModel):
    """What the API shows of an object of the runtime: the attributes with the fields' names."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def view(cls, shown: object, **others: Any) -> Self:
        """The answer for an object, with other values for some fields."""
        names = cls.model_fields.keys() - others.keys()
        return cls.model_validate({name: getattr(shown, name) for name in names} | others)


class StepOut(View):
    """A step of a run."""

    name: str = Field(examples=["load"])
    status: StepStatus = Field(examples=["succeeded"])
    seconds: float = Field(examples=[0.21])
    rows: int | None = Field(default=None, examples=[336776])
    summary: str = Field(default="", examples=["336,776 rows into raw.flights (replace)"])
    error: str = Field(default="", examples=[""])
    code: str = Field(
        default="",
        description="Of which kind the error is: `dataflow explain CODE` says more.",
        examples=[""],
    )


class RunOut(View):
    """A run."""

    run_id: str = Field(examples=[RUN_ID])
    workflow_id: str = Field(examples=["my_workflow"])
    status: RunStatus = Field(examples=["succeeded"])
    created_at: datetime = Field(examples=[_AT])
    started_at: datetime | None = Field(default=None, examples=[_AT])
    ended_at: datetime | None = Field(default=None, examples=[_AT])
    seconds: float | None = Field(default=None, examples=[4.2])
    rows: int | None = Field(
        default=None, description="Rows that the step `load` loaded.", examples=[336776]
    )
    steps: list[StepOut] | None = Field(
        default=None,
        description="Once it runs; in lists once it is over. Null where it is only launched.",
    )
    error: str = Field(default="", description="What went wrong.", examples=[""])
    tags: dict[str, str] = Field(default_factory=dict, examples=[{"asked-by": "the-shop"}])
    links: dict[str, str] = Field(
        examples=[
            {
                "self": f"{PREFIX}/runs/{RUN_ID}",
                "logs": f"{PREFIX}/runs/{RUN_ID}/logs",
                "cancel": f"{PREFIX}/runs/{RUN_ID}/cancel",
                "workflow": f"{PREFIX}/workflows/my_workflow",
                "ui": f"http://localhost:3000/runs/{RUN_ID}",
            }
        ]
    )

    @classmethod
    def of(cls, run: Run, ui: str, *, with_steps: bool) -> RunOut:
        """The answer for a run; ``ui`` is where people see Dagster."""
        own = f"{PREFIX}/runs/{run.run_id}"
        return cls.view(
            run,
            steps=run.steps if with_steps else None,
            error=run.whole_error,
            links={
                "self": own,
                "logs": f"{own}/logs",
                "cancel": f"{own}/cancel",
                "workflow": f"{PREFIX}/workflows/{run.workflow_id}",
                "ui": f"{ui}/runs/{run.run_id}",
            },
        )


class RunsOut(BaseModel):
    """Runs, the newest first."""

    runs: list[RunOut]
    next_cursor: str | None = Field(
        default=None,
        description="Send it as `cursor` for the next page; null on the last.",
        examples=[RUN_ID],
    )


class LogEntryOut(View):
    """A line of a run's log."""

    time: datetime = Field(examples=[_AT])
    level: str = Field(examples=["info"])
    step: str | None = Field(default=None, examples=["load_my_workflow"])
    message: str = Field(examples=["336,776 rows into raw.flights (replace)"])


class LogOut(View):
    """A stretch of a run's log."""

    entries: list[LogEntryOut]
    cursor: str = Field(description="Send it as `after` to go on from here.", examples=["MTI="])
    has_more: bool = Field(description="Whether there is more already.", examples=[False])


class FoundLineOut(View):
    """A line of a run's log."""

    run_id: str = Field(examples=[RUN_ID])
    time: datetime = Field(examples=[_AT])
    level: str = Field(examples=["warning"])
    step: str | None = Field(default=None, examples=["load_my_workflow"])
    message: str = Field(examples=["3 rows put aside"])


class FoundLinesOut(BaseModel):
    """Lines of a workflow's runs, the newest run first."""

    lines: list[FoundLineOut]
    next_cursor: str | None = Field(
        default=None,
        description="Send it as `cursor` for the next page; null on the last.",
        examples=[RUN_ID],
    )

    @classmethod
    def of(cls, found: FoundLines) -> FoundLinesOut:
        """The answer for what was found."""
        lines = [FoundLineOut.model_validate(line) for line in found.lines]
        return cls(lines=lines, next_cursor=found.cursor)


class ScheduleOut(View):
    """When a workflow runs by itself."""

    cron: str = Field(examples=["0 6 * * *"])
    timezone: str = Field(examples=["Europe/Berlin"])
    is_on: bool = Field(description="Switched on in the Dagster UI.", examples=[False])


class WorkflowOut(View):
    """A workflow."""

    workflow_id: str = Field(examples=["my_workflow"])
    description: str = Field(default="", examples=["My workflow, from source to dashboard."])
    status: Literal["ok", "broken"] = Field(examples=["ok"])
    reason: str = Field(default="", description="Why it is broken.", examples=[""])
    job: str = Field(description="The name of its job in Dagster.", examples=["my_workflow_job"])
    schedule: ScheduleOut | None = None
    links: dict[str, str] = Field(
        examples=[
            {
                "self": f"{PREFIX}/workflows/my_workflow",
                "run": f"{PREFIX}/workflows/my_workflow/run",
                "runs": f"{PREFIX}/runs?workflow_id=my_workflow",
                "logs": f"{PREFIX}/workflows/my_workflow/logs",
                "ui": "http://localhost:3000/locations/dataflow/jobs/my_workflow_job",
            }
        ]
    )

    @classmethod
    def of(cls, job: Job, ui: str) -> WorkflowOut:
        """The answer for a workflow; ``ui`` is where people see Dagster."""
        own = f"{PREFIX}/workflows/{job.workflow_id}"
        return cls.view(
            job,
            status="broken" if job.broken else "ok",
            reason=job.broken,
            job=job.name,
            links={
                "self": own,
                "run": f"{own}/run",
                "runs": f"{PREFIX}/runs?workflow_id={job.workflow_id}",
                "logs": f"{own}/logs",
                "ui": f"{ui}/locations/{job.location}/jobs/{job.name}",
            },
        )


class WorkflowsOut(BaseModel):
    """All workflows of the project."""

    workflows: list[WorkflowOut]


class HealthOut(BaseModel):
    """How the service does."""

    status: Literal["ok", "degraded"] = Field(
        description="`degraded`: Dagster answers, but runs are not launched or not started.",
        examples=["ok"],
    )
    faults: list[str] = Field(default_factory=list, description="Why.", examples=[[]])
    version: str = Field(examples=["0.1.0"])
    dagster: str = Field(description="Dagster's version.", examples=["1.13.27"])
    daemon_silent_for: float | None = Field(
        default=None, description="Seconds since Dagster's daemon was heard of.", examples=[3.5]
    )
