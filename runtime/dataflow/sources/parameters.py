"""``ingestion.parameters``: how to fetch, whatever the kind of source."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dataflow.shared.config_types import Number, Section, WholeNumber


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
