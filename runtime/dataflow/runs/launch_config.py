"""What Dagster's launchpad offers for a run of a workflow: typed fields in place of tags.

The fields are the config of a resource that no op needs, and so may be left out. What is written
there means the same as the options of `dataflow workflow run`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from dataflow.runs.reading import Reading
from dataflow.runs.run_parameters import SECTION, asked_in
from dataflow.runs.run_part import PARTS, part_tags
from dataflow.shared.config_model import Parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dagster import DagsterRun, JobDefinition, ResourceDefinition

    from dataflow.shared.config_model import WorkflowConfig


def with_launch_config(
    job: JobDefinition, config: WorkflowConfig | None, has_steps: bool
) -> JobDefinition:
    """A job whose run config has a section for what the library's steps, if any, are to do."""
    lacking = launch_resources(job, config, has_steps)
    return job._copy(resource_defs={**job.resource_defs, **lacking}) if lacking else job


def launch_resources(
    job: JobDefinition, config: WorkflowConfig | None, has_steps: bool
) -> dict[str, ResourceDefinition]:
    """What `with_launch_config` adds to the resources of a job: by them run config has sections."""
    if config is None or not has_steps or SECTION in job.resource_defs:
        return {}
    return {SECTION: _section()}


@cache
def _section() -> ResourceDefinition:
    """The same for all workflows, so that a thousand of them cost no more than one."""
    from dagster import Array, Enum, EnumValue, Field, Noneable, Permissive, ResourceDefinition

    part = Enum("Part", [EnumValue(name) for name in PARTS])
    types = {"batch_size": int, "max_retries": int, "timeout_seconds": float}
    known = {
        name: Field(
            Noneable(kind),
            is_required=False,
            description=Parameters.model_fields[name].description,
        )
        for name, kind in types.items()
    }
    fields: dict[str, Any] = {
        "full_refresh": Field(
            bool, default_value=False, description="Read everything; it takes the table's place."
        ),
        "since": Field(
            str, default_value="", description="Read from this value of the source's cursor on."
        ),
        "until": Field(str, default_value="", description="Read up to this value, excluded."),
        "only": Field(
            Array(part), default_value=[], description="Only these parts, on what is loaded."
        ),
        "parameters": Field(
            Permissive(known),  # type: ignore[no-untyped-call]
            is_required=False,
            description="In place of `ingestion.parameters` in config.yaml, for this run.",
        ),
    }
    return ResourceDefinition(
        resource_fn=lambda _: None,
        config_schema=fields,
        description="What this run is to do, beside what config.yaml says.",
    )


def asked_tags(run: DagsterRun) -> Mapping[str, str]:
    """The tags of a run, with what its config asks for as if it were told by tags.

    Raises:
        BadInputError: What is asked for does not go together.
    """
    asked = asked_in(run.run_config)
    reading = Reading(
        bool(asked.get("full_refresh")),
        str(asked.get("since") or ""),
        str(asked.get("until") or ""),
    )
    return {**reading.as_tags(), **part_tags(asked.get("only") or ()), **run.tags}
