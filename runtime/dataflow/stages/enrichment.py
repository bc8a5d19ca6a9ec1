"""The stage ``enrichment``: adds what the source does not say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import Field

from dataflow.shared.config_types import Boolean, Section
from dataflow.stages.errors import StageError
from dataflow.stages.kind import StageKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from dataflow.stages.rows_file import RowsFile

PROCESSED_AT = "processed_at"


class EnrichmentOptions(Section):
    """Adds what the source does not say."""

    add_timestamps: Boolean = Field(
        default=False, description="Add the column `processed_at`, the time of the run in UTC."
    )


def _apply(table: pa.Table, options: EnrichmentOptions) -> pa.Table:
    import pyarrow as pa

    if not options.add_timestamps:
        return table
    _refuse_own_column(table.column_names)
    now = pa.scalar(datetime.now(UTC), type=pa.timestamp("us", tz="UTC"))
    return table.append_column(PROCESSED_AT, pa.repeat(now, table.num_rows))


def _apply_to_file(file: RowsFile, options: EnrichmentOptions) -> None:
    if options.add_timestamps:
        _refuse_own_column(file.columns)
        file.add_column(PROCESSED_AT, datetime.now(UTC))


def _refuse_own_column(names: Iterable[str]) -> None:
    if any(name.lower() == PROCESSED_AT for name in names):
        raise StageError(
            f"The rows already have a column {PROCESSED_AT!r}, which `add_timestamps` would add.",
            "Turn `add_timestamps` off in config.yaml, or rename the column before this stage.",
        )


KIND = StageKind(EnrichmentOptions, _apply, _apply_to_file)
