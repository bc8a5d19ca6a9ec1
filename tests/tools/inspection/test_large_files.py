"""Files with many rows or columns: nothing is decided on a part of them, and memory is bounded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from dataflow_tools.inspection.profile import MANY, MOST_COUNTED
from dataflow_tools.inspection.source_inspection import inspect_source

_ROWS = MOST_COUNTED + 10_000
# Not what `resource` tells, in which is what the process had that this one was forked from.
_LOOK = """
import re, sys
from pathlib import Path
from dataflow_tools.inspection.source_inspection import inspect_source
inspection = inspect_source({"type": "file", "url": sys.argv[1]})
most = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(inspection.rows, int(most[1]) // 1024)
"""


def written(path: Path, last: str, rows: int = _ROWS) -> str:
    """A file with a key, a code, an amount and few words, and one row below them."""
    duckdb.execute(
        "COPY (SELECT range AS id, 'K' || range AS code, range * 7 % 99991 AS amount, "
        f"['north', 'south'][range % 2 + 1] AS region FROM range({rows})) TO '{path}' (HEADER)"
    )
    with path.open("a") as file:
        file.write(last)
    return str(path)


@pytest.mark.slow
def test_the_last_of_many_rows_counts(tmp_path: Path) -> None:
    """A value, a repeated key and a word in the last row are found as they are in the first."""
    url = written(tmp_path / "a.csv", "0,Kx,odd,west\n")
    inspection = inspect_source({"type": "file", "url": url})
    id_, _, amount, region = inspection.columns
    # The id comes twice; the code does not.
    assert inspection.primary_key == ("code",)
    assert id_.profile.distinct == _ROWS
    assert amount.profile.type == "VARCHAR"
    assert any(f"row {_ROWS + 1:,} has 'odd'" in note for note in inspection.notes)
    assert region.accepted_values == ("north", "south", "west")
    assert amount.profile.distinct > MANY


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """A file of four times the size takes less than twice the memory: rows are not held."""
    memory = []
    for rows in (500_000, 2_000_000):
        url = written(tmp_path / f"{rows}.csv", "", rows)
        looked = [sys.executable, "-c", _LOOK, url]
        told = subprocess.run(looked, capture_output=True, text=True, check=True).stdout
        found, mebibytes = map(int, told.split())
        assert found == rows
        memory.append(mebibytes)
    assert memory[1] < 500
    assert memory[1] < memory[0] * 2


@pytest.mark.slow
def test_many_columns(tmp_path: Path) -> None:
    """Each of 300 columns gets its own type and role."""
    kinds = {
        "amount": "range * 7 % 991",
        "day": "(DATE '2020-01-01' + (range % 900)::INTEGER)",
        "region": "['north', 'south'][range % 2 + 1]",
        "near": "CASE WHEN range = 1_100 THEN 'n.k.' ELSE range::VARCHAR END",
    }
    listed = list(kinds.items())
    columns = [f"{listed[at % 4][1]} AS {listed[at % 4][0]}_{at}" for at in range(300)]
    path = tmp_path / "wide.csv"
    duckdb.execute(f"COPY (SELECT {', '.join(columns)} FROM range(1_200)) TO '{path}' (HEADER)")
    found = inspect_source({"type": "file", "url": str(path)}).columns
    types: dict[str, set[tuple[str, str]]] = {kind: set() for kind in kinds}
    for one in found:
        types[one.profile.name.split("_")[0]].add((one.profile.type, one.nearly))
    assert types == {
        "amount": {("BIGINT", "")},
        "day": {("DATE", "")},
        "region": {("VARCHAR", "")},
        "near": {("VARCHAR", "BIGINT")},
    }
