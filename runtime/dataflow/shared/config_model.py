"""What a workflow's config.yaml may hold: one class per mapping, one description per key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from dataflow.shared.config_kinds import (  # noqa: TC001 - pydantic reads them at run time
    SourceSettings,
    Stage,
)
from dataflow.shared.config_types import (
    AnyText,
    Boolean,
    Cron,
    FaultsBetween,
    Identifier,
    Number,
    Secret,
    Section,
    Text,
    TimeZone,
    WholeNumber,
    refusal,
    value_at,
)
from dataflow.shared.contract import Columns, Contract, OnChange
from dataflow.shared.own_code import OwnCode
from dataflow.shared.suggestion import nearest


def _optional(key: str) -> Callable[[dict[str, Any]], None]:
    """Say in the JSON Schema that a key need not stand in the file: reading it fills it in."""

    def change(schema: dict[str, Any]) -> None:
        schema["required"] = [name for name in schema["required"] if name != key]

    return change


class WorkflowSettings(Section):
    """What the workflow is called and when it runs."""

    name: Text = Field(description="The name that people read in lists and dashboards.")
    description: AnyText = Field(
        default="", description="What the workflow is for, in a sentence or two."
    )
    schedule: Cron | None = Field(
        default=None,
        description="When to run: a cron expression of five fields, such as `0 6 * * *`. "
        "Without one the workflow runs only when it is started.",
    )
    schedule_on: Boolean = Field(
        default=False,
        description="Whether the schedule is on without being switched on in the Dagster UI.",
    )
    timezone: TimeZone = Field(
        default="UTC",
        description="The time zone of the schedule, by its IANA name: `Europe/Berlin`.",
    )


class Parameters(Section):
    """How to fetch."""

    batch_size: Annotated[int, WholeNumber(1, 1_000_000)] = Field(
        default=100, description="Rows per request or per batch."
    )
    max_retries: Annotated[int, WholeNumber(0, 20)] = Field(
        default=3, description="How often a failed request is tried again."
    )
    timeout_seconds: Annotated[float, Number(above=0)] = Field(
        default=30.0, description="How long to wait for an answer, in seconds."
    )

    @classmethod
    def is_own_key(cls, key: str, context: Any) -> bool:
        """An author's own parameter, unless it looks like a slip of a known one.

        `extract_data` gets it by its name, so it is one of Python's.
        """
        is_name = key.isidentifier() and not nearest(key, cls.known_keys())
        return super().is_own_key(key, context) or is_name


class Ingestion(Section):
    """Where the rows come from."""

    source: SourceSettings = Field(
        description="Where the rows come from; `type` says which keys it has."
    )
    parameters: Parameters = Field(default_factory=Parameters, description="How to fetch.")
    columns: Columns = Field(
        default_factory=dict,
        description="The contract: what is agreed about each column. Each run reads by it and "
        "guesses nothing; without one the types are found out from the rows of each run.",
    )
    on_change: OnChange = Field(
        default_factory=OnChange,
        description="What happens when the source is no longer as `columns` says.",
    )

    @property
    def contract(self) -> Contract | None:
        """What is agreed about the columns, if anything is."""
        return Contract(self.columns, self.on_change) if self.columns else None


def _empty_list(value: Any) -> Any:
    return [] if value is None else value


class Transformation(Section):
    """What happens to the rows before they are loaded."""

    stages: Annotated[
        list[Stage], BeforeValidator(_empty_list, json_schema_input_type=list[Stage] | None)
    ] = Field(default_factory=list, description="The stages to run, in this order.")


def _columns(value: Any) -> Any:
    return [value] if isinstance(value, str) else _empty_list(value)


class Load(Section):
    """Where the rows go."""

    model_config = ConfigDict(json_schema_extra=_optional("table"))

    table: Identifier = Field(
        description="The table in the schema `raw` of the warehouse. Left out: the workflow's id."
    )
    write_disposition: Literal["replace", "append", "merge"] = Field(
        default="replace",
        description="`replace` puts the new rows in place of the old ones, `append` adds them, "
        "`merge` updates the rows with the same primary key and adds the others.",
    )
    primary_key: Annotated[
        list[Text], BeforeValidator(_columns, json_schema_input_type=str | list[str] | None)
    ] = Field(
        default_factory=list, description="The columns that tell rows apart. `merge` needs them."
    )
    allow_empty: Boolean = Field(
        default=False, description="Let a `replace` without a single row empty the table."
    )

    @classmethod
    def faults_between(cls, values: Mapping[str, Any]) -> FaultsBetween:
        """`merge` needs a primary key, and a key names each column once."""
        key = _columns(values.get("primary_key"))
        if values.get("write_disposition") == "merge" and not key:
            yield ("primary_key",), refusal("is missing, and `write_disposition: merge` needs it")
        names = [name for name in key if isinstance(name, str)] if isinstance(key, list) else []
        if len(set(names)) < len(names):
            yield ("primary_key",), refusal("names a column twice")


class RunPolicy(Section):
    """What happens when a step fails or a run takes too long."""

    retries: Annotated[int, WholeNumber(0, 20)] = Field(
        default=0, description="How many times a step that failed is tried again."
    )
    retry_delay_seconds: Annotated[int, WholeNumber(0, 86_400)] = Field(
        default=30, description="How long to wait before a step is tried again."
    )
    timeout_seconds: Annotated[int, WholeNumber(1, 2_592_000)] | None = Field(
        default=None,
        description="When a run on the service is ended as failed. Left out: never.",
    )
    on_failure: list[Secret] = Field(
        default_factory=list,
        description="Who is told that a run failed: addresses of Apprise "
        "(https://appriseit.com/services), each written as `${VARIABLE}`.",
    )


class WorkflowConfig(Section):
    """The configuration of a DATAFLOW workflow."""

    model_config = ConfigDict(json_schema_extra=_optional("load"))

    workflow: WorkflowSettings = Field(description="What the workflow is called and when it runs.")
    ingestion: Ingestion = Field(description="Where the rows come from.")
    transformation: Transformation = Field(
        default_factory=Transformation, description="What happens to them before they are loaded."
    )
    load: Load = Field(description="Where the rows go.")
    run: RunPolicy = Field(
        default_factory=RunPolicy,
        description="What happens when a step fails or a run takes too long.",
    )

    @classmethod
    def is_own_key(cls, key: str, context: Any) -> bool:
        """A section of the author's: ``x-...``, or declared in the project's settings."""
        declared = context.sections if isinstance(context, OwnCode) else ()
        return super().is_own_key(key, context) or key in declared

    @classmethod
    def faults_between(cls, values: Mapping[str, Any]) -> FaultsBetween:
        """Asking only for new rows, and then putting them in place of all the old ones."""
        incremental = value_at(values, ("ingestion", "source", "incremental")) is not None
        disposition = ("load", "write_disposition")
        if incremental and value_at(values, disposition) in (None, "replace"):
            reason = "would drop the rows of earlier runs, as the source has `incremental`"
            yield disposition, refusal(f"`replace` {reason}", "append, merge")
