"""What a workflow's config.yaml may hold: one class per mapping, one description per key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from dataflow.shared.column_faults import faults_of_columns
from dataflow.shared.config_kinds import (  # noqa: TC001 - pydantic reads them at run time
    OptionalSource,
    Stage,
)
from dataflow.shared.config_types import (
    AnyText,
    Boolean,
    Cron,
    FaultsBetween,
    Number,
    Secret,
    Section,
    Text,
    TimeZone,
    WholeNumber,
    refusal,
)
from dataflow.shared.contract import Columns, Contract, OnChange
from dataflow.shared.load_faults import faults_of_absent_ingestion, faults_of_loads
from dataflow.shared.load_settings import Load  # noqa: TC001 - pydantic reads it at run time
from dataflow.shared.named_source import (
    ChildTables,
    NamedSource,
    SourceTable,
    faults_of_names,
    names_as_text,
)
from dataflow.shared.own_code import OwnCode
from dataflow.shared.partition_settings import (
    Partition,  # noqa: TC001 - pydantic reads it at run time
)
from dataflow.shared.suggestion import nearest
from dataflow.shared.trigger_settings import (
    Trigger,  # noqa: TC001 - pydantic reads it at run time
)
from dataflow.shared.upstream import After, upstream_of


def _optional(key: str) -> Callable[[dict[str, Any]], None]:
    """Say in the JSON Schema that a key need not stand in the file: reading it fills it in.

    And that there is a source, or another workflow whose tables are read.
    """

    def change(schema: dict[str, Any]) -> None:
        schema["required"] = [name for name in schema["required"] if name != key]
        schema["properties"]["ingestion"].pop("default", None)
        after = {"properties": {"workflow": {"required": ["after"]}}}
        schema["anyOf"] = [{"required": ["ingestion"]}, after]

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
        "It fires once it is switched on, with `dataflow workflow schedule <id> on`, in the "
        "Dagster UI or by `schedule_on`, and as long as `dataflow up` runs. Without one the "
        "workflow runs only when it is started.",
    )
    schedule_on: Boolean = Field(
        default=False,
        description="Whether the schedule is on without being switched on. What somebody has "
        "switched since goes before it.",
    )
    timezone: TimeZone = Field(
        default="UTC",
        description="The time zone of the schedule and of the days on dashboards, by its IANA "
        "name: `Europe/Berlin`.",
    )
    partition: Partition | None = Field(
        default=None,
        description="Into which parts the data is cut, each fetched and loaded for itself. The "
        "schedule then runs the last one that has ended, and `workflow backfill` runs many.",
    )
    trigger: Trigger | None = Field(
        default=None,
        description="What starts the workflow on the service beside the schedule: new files, or a "
        "signed request.",
    )
    after: After = Field(
        default_factory=list,
        description="The workflows, by their ids, after which this one runs: once when a run of "
        "each has made new tables. Its dbt models read theirs as `source('<id>', '<table>')`. An "
        "asset's key, such as `orders/marts/orders`, stands for that asset alone.",
    )

    @property
    def upstreams(self) -> list[str]:
        """What the entries of ``after`` begin with: as a rule workflows, each once."""
        return list(dict.fromkeys(map(upstream_of, self.after)))


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
    concurrency: Annotated[int, WholeNumber(1, 64)] = Field(
        default=1,
        description="How many pages of an API to ask for at a time, where the next ones can be "
        "asked for before a page is answered. Their order stays.",
    )

    @classmethod
    def is_own_key(cls, key: str, context: Any) -> bool:
        """An author's own parameter, unless it looks like a slip of a known one.

        `extract_data` gets it by its name, so it is one of Python's.
        """
        is_name = key.isidentifier() and not nearest(key, cls.known_keys())
        return super().is_own_key(key, context) or is_name


def _one_of_two(schema: dict[str, Any]) -> None:
    """Say in the JSON Schema that a source stands alone, or several stand by their names."""
    schema["properties"]["source"].pop("default", None)
    schema["oneOf"] = [{"required": ["source"]}, {"required": ["sources"]}]


class Ingestion(Section):
    """Where the rows come from."""

    model_config = ConfigDict(json_schema_extra=_one_of_two)
    _of_one: ClassVar = ("source", "columns", "on_change", "child_tables")

    source: OptionalSource = Field(
        default=None, description="Where the rows come from; `type` says which keys it has."
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
    child_tables: ChildTables = Field(
        default_factory=dict,
        description="Lists in the rows that become tables of their own, by the tables' names.",
    )
    sources: Annotated[dict[str, NamedSource], BeforeValidator(names_as_text)] = Field(
        default_factory=dict,
        description="In place of `source`: several, by their names. Each has a contract and a "
        "table of its own, and one run loads them all.",
    )

    @property
    def contract(self) -> Contract | None:
        """What is agreed about the columns, if anything is."""
        return Contract(self.columns, self.on_change) if self.columns else None

    @classmethod
    def faults_between(cls, values: Mapping[str, Any]) -> FaultsBetween:
        """There is one source, or there are several, each with what belongs to it."""
        several = values.get("sources")
        if not several and values.get("source") is None:
            key = "sources" if "sources" in values and "source" not in values else "source"
            yield (key,), refusal("has no value" if key in values else "is missing")
        if isinstance(several, Mapping) and isinstance(several.get("type"), str):
            hint = "write `source`, or names with a `source` below each"
            yield ("sources",), refusal("is a source, not several by their names", hint=hint)
        elif several:
            for key in cls._of_one:
                if key in values:
                    reason = "stands beside `sources`"
                    where = "move it to what it is for, below `sources`"
                    yield (key,), refusal(reason, hint=where, of_key=True)
        yield from faults_of_names(values, "sources")
        yield from faults_of_names(values, "child_tables")

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what a file of one source, or of several, does not have."""
        values: dict[str, Any] = handler(self)
        left_out = self._of_one if self.sources else ("sources",)
        if not self.child_tables:
            left_out = (*left_out, "child_tables")
        return {key: value for key, value in values.items() if key not in left_out}


def _empty_list(value: Any) -> Any:
    return [] if value is None else value


class Transformation(Section):
    """What happens to the rows before they are loaded."""

    stages: Annotated[
        list[Stage], BeforeValidator(_empty_list, json_schema_input_type=list[Stage] | None)
    ] = Field(default_factory=list, description="The stages to run, in this order.")


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
    ingestion: Ingestion = Field(
        # Not checked, since it has no source: a workflow without one reads others' tables.
        default_factory=Ingestion.model_construct,
        description="Where the rows come from. Left out by a workflow that reads nothing but the "
        "tables of those in `workflow.after`.",
    )
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
        """Loads go with their sources, if there are any; columns are those of the contract."""
        yield from faults_of_absent_ingestion(values)
        yield from faults_of_loads(values)
        yield from faults_of_columns(values)

    @property
    def tables(self) -> list[SourceTable]:
        """The tables that a run loads, in the order of the file."""
        single = self.ingestion  # without a source where the file has no such section
        if single.source is not None:
            return [SourceTable("", single.source, single.contract, self.load, single.child_tables)]
        return [
            SourceTable(
                name,
                given.source,
                given.contract and replace(given.contract, place=f"ingestion.sources.{name}"),
                self._load_of(name, given),
                given.child_tables,
            )
            for name, given in single.sources.items()
        ]

    def _load_of(self, name: str, given: NamedSource) -> Load:
        own = given.load.model_dump(exclude_none=True)
        return self.load.model_copy(update={"table": name, **own})
