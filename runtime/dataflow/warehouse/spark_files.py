"""The files that Spark has written into a lake's folder."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.sql import quote_literal
from dataflow.warehouse.lake_place import LakePlace, blank_connection
from dataflow.warehouse.spark_session import lake_path, spark_path

if TYPE_CHECKING:
    from collections.abc import Sequence


def written_files(session: Any, folder: str) -> list[str]:
    """The Parquet files of a folder that Spark has written, as the lake has their paths.

    Args:
        folder: As the lake has it.
    """
    context = session.sparkContext
    path = context._jvm.org.apache.hadoop.fs.Path(spark_path(folder))
    system = path.getFileSystem(context._jsc.hadoopConfiguration())
    files = [
        lake_path(str(each.getPath().toUri().toString()))
        for each in system.listStatus(path)
        if str(each.getPath().getName()).endswith(".parquet")
    ]
    if "://" not in folder:
        # Hadoop's sums of local files, which nobody else reads.
        for each in Path(folder).glob(".*.crc"):
            each.unlink(missing_ok=True)
    return sorted(files)


def counted_rows(place: LakePlace, files: Sequence[str]) -> int:
    """How many rows Parquet files have, as their footers say."""
    if not files:
        return 0
    listed = ", ".join(map(quote_literal, files))
    with blank_connection(place) as connection:
        row = connection.execute(
            f"SELECT sum(num_rows) FROM parquet_file_metadata([{listed}])"
        ).fetchone()
    return int(row[0] or 0) if row else 0


def remove_folder(session: Any, folder: str) -> None:
    """Remove a folder with all that is in it; what cannot be is left for later runs."""
    context = session.sparkContext
    with suppress(Exception):
        path = context._jvm.org.apache.hadoop.fs.Path(spark_path(folder))
        path.getFileSystem(context._jsc.hadoopConfiguration()).delete(path, True)
