"""The rows that a contract has put aside, on their way from the extract to the load."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.runs.shared_run import bring_rejected

if TYPE_CHECKING:
    from dataflow.runs.context import RunContext
    from dataflow.runs.stored_table import StoredTable


def keep_rejected(run: RunContext, result: dict[str, Any], stored: StoredTable) -> None:
    """Write down the rows that the contract put aside, for the load to take along.

    Args:
        result: What ``extract_data`` returned, held to the contract.
        stored: The other rows of it.
    """
    rejected = result.get("rejected")
    if rejected is None:
        return
    import pyarrow as pa

    from dataflow.shared.tables import write_parquet

    ids = pa.array([run.run_id] * rejected.num_rows, pa.string())
    times = pa.array([datetime.now(UTC)] * rejected.num_rows, pa.timestamp("us", "UTC"))
    table = rejected.add_column(0, "run_id", ids).add_column(1, "rejected_at", times)
    write_parquet(table, _file_of(stored))


def rejected_rows(run: RunContext, stored: StoredTable) -> Path | None:
    """The file of the rows that were put aside of a table; None if there are none."""
    path = bring_rejected(run, _file_of(stored))
    return path if path.exists() else None


def _file_of(stored: StoredTable) -> Path:
    of_table = f"-{stored.table}" if stored.table else ""
    return Path(stored.extracted or stored.path).with_name(f"rejected{of_table}.parquet")
