"""A file that ends in a total or a note is refused where its contract knows of none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dataflow.sources.errors import SourceDataError
from dataflow.sources.read import read_source

if TYPE_CHECKING:
    from pathlib import Path

ROWS = "region,units,price\nR1,1,1.5\nR2,2,2\nR3,4,3\n"
COLUMNS = {"region": {"type": "text"}, "units": {"type": "bigint"}, "price": {"type": "text"}}


def read(project: Path, text: str, **settings: object) -> list[str]:
    """The regions of a file that is read by a contract."""
    (project / "a.csv").write_text(text)
    source = {"type": "file", "url": "a.csv", **settings}
    result = read_source({"source": source, "columns": COLUMNS}, {})
    return [row["region"] for row in result["data"].to_pylist()]


@pytest.mark.parametrize(
    ("end", "lines", "shown"),
    [
        ("Total,7,6.5\n", 1, "'Total, 7, 6.5'"),
        ("Source: the ministry,,\n", 1, "'Source: the ministry, , '"),
        ("Total,7,6.5\n,,\nSource: x,,\n", 3, "'Total, 7, 6.5'; ', , '; 'Source: x, , '"),
        ("Total,7,6.5\n" + ",,\n" * 9, 10, "'Total, 7, 6.5'"),
    ],
)
def test_it_is_shown_with_the_setting_that_leaves_it_out(
    project: Path, end: str, lines: int, shown: str
) -> None:
    """Which a person may also say to be rows, or leave out."""
    with pytest.raises(SourceDataError, match="ends in what looks like a total or a note") as error:
        read(project, ROWS + end)
    assert shown in error.value.reason
    assert f"footer_lines: {lines}`" in error.value.instruction
    assert read(project, ROWS + end, footer_lines=lines) == ["R1", "R2", "R3"]


@pytest.mark.parametrize("end", ["", "Total,9,1\n", "R4,7,1\n", "R5,0,0\n"])
def test_rows_are_no_footer(project: Path, end: str) -> None:
    """A region that is called so, or has as many as all before it, is one."""
    added = end.partition(",")[0]
    assert read(project, ROWS + end) == ["R1", "R2", "R3", *([added] if added else [])]


def test_what_a_setting_says_of_the_end_is_believed(project: Path) -> None:
    """None is left out with 0; lines above the names count for nothing."""
    assert read(project, "made by hand\n" + ROWS, skip_lines=1) == ["R1", "R2", "R3"]
    total = read(project, ROWS + "Total,7,6.5\n", footer_lines=0)
    assert total == ["R1", "R2", "R3", "Total"]
