"""What starts a workflow beside its schedule: `workflow.trigger` of config.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from dataflow.shared.config_types import (
    FaultsBetween,
    Secret,
    Section,
    Text,
    WholeNumber,
    refusal,
)


class FileArrival(Section):
    """New files in a folder or a bucket start a run."""

    url: Text = Field(
        description="A folder, a pattern such as `data/in/*.csv`, or an address such as "
        "`s3://bucket/in/`, as a file source takes it (for `gs://` and others the fitting fsspec "
        "package is installed). Paths begin at the project's folder."
    )
    wait_after_last_change_seconds: Annotated[int, WholeNumber(0, 86_400)] = Field(
        default=10,
        description="A run starts when nothing has changed there for so long: files that are still "
        "being written are waited for.",
    )
    min_time_between_triggers_seconds: Annotated[int, WholeNumber(0, 2_592_000)] = Field(
        default=0, description="What arrives sooner after a run's start is left to the next one."
    )


class Webhook(Section):
    """A signed request to `POST /api/v1/workflows/{id}/events` starts a run."""

    secret: Secret = Field(
        description="What both sides know, written as `${VARIABLE}`: the signature is made with it."
    )


class Trigger(Section):
    """What starts a run, beside the schedule."""

    file_arrival: FileArrival | None = Field(default=None, description="New files do.")
    webhook: Webhook | None = Field(default=None, description="A signed request does.")

    @classmethod
    def faults_between(cls, values: Mapping[str, Any]) -> FaultsBetween:
        """There is one at least."""
        if not any(values.get(key) for key in ("file_arrival", "webhook")):
            yield (), refusal("names nothing that starts a run", "file_arrival, webhook")
