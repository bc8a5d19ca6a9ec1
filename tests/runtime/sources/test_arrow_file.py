"""Parquet, ORC and Feather files are read with the types and all the digits that they have."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather, orc

from dataflow.sources.errors import SourceDataError
from dataflow.sources.read import read_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WRITERS: dict[str, Callable[[pa.Table, Path], Any]] = {
    "a.parquet": pq.write_table,
    "a.orc": orc.write_table,
    "a.feather": feather.write_feather,
    "a.arrow": lambda table, path: feather.write_feather(table, path, compression="uncompressed"),
    # As pandas wrote it years ago.
    "old.feather": lambda table, path: feather.write_feather(table, path, version=1),
}


def rows(url: str, **settings: Any) -> Any:
    return read_source({"type": "file", "url": url, **settings}, {})["data"].to_pylist()


@pytest.mark.parametrize("name", WRITERS)
def test_files_that_name_their_types_are_read_as_they_are(project: Path, name: str) -> None:
    """Texts too; what is no number is nothing, unless the settings leave it."""
    table = pa.table({"Id": [1, 2], "v": [1.5, float("nan")], "t": ["007", "n/a"]})
    WRITERS[name](table, project / name)
    first = {"Id": 1, "v": 1.5, "t": "007"}
    assert rows(name, null_values=["nan"]) == [first, {"Id": 2, "v": None, "t": "n/a"}]
    kept = rows(name, null_values=["n/a"])
    assert kept[0] == first
    assert math.isnan(kept[1]["v"])


def test_decimals_beyond_those_of_a_warehouse_keep_their_digits(project: Path) -> None:
    """As texts, if they do not fit into 38 digits; else as numbers."""
    long = Decimal("12345678901234567890123456789012345678901.25")
    columns = {
        "long": pa.array([long, None], pa.decimal256(50, 2)),
        "short": pa.array([Decimal("1.25"), Decimal(2)], pa.decimal256(50, 2)),
    }
    pq.write_table(pa.table(columns), project / "wide.parquet")
    found = rows("wide.parquet")
    assert [row["long"] for row in found] == [str(long), None]
    assert [Decimal(row["short"]) for row in found] == [Decimal("1.25"), Decimal(2)]


def test_files_that_do_not_go_together_are_refused(project: Path) -> None:
    """Digits are not lost to another file's fractions, and what is broken is named."""
    for name, values in (("p1.parquet", [2**53 + 1]), ("p2.parquet", [0.5])):
        pq.write_table(pa.table({"v": values}), project / name)
    with pytest.raises(SourceDataError, match=r"p1\.parquet has 9007199254740993 in 'v'"):
        rows("p*.parquet")
    pq.write_table(pa.table({"v": [2**53]}), project / "p1.parquet")
    assert [row["v"] for row in rows("p*.parquet")] == [2.0**53, 0.5]
    feather.write_feather(pa.table({"v": ["x"]}), project / "f1.feather")
    feather.write_feather(pa.table({"v": [[1]]}), project / "f2.feather")
    with pytest.raises(SourceDataError, match="do not go together"):
        rows("f*.feather")
    for name in ("b.parquet", "b.orc", "b.feather"):
        (project / name).write_bytes(b"hello")
        with pytest.raises(SourceDataError, match=name):
            rows(name)
