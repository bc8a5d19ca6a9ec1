"""Odd files are read rightly with the settings that say how they are written, or refused."""

from __future__ import annotations

import ast
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from dataflow.shared.errors import DataflowError

FILE = Path(__file__).parents[2] / "cases" / "odd_files.yaml"
# What is wrong with these only `workflow new` sees, which looks at the whole of a file.
ON_THE_FIRST_DAY_ALONE = {
    "several_tables_in_one_file",
    "a_file_that_is_cut_off",
    "row_names_of_r",
    "as_destatis_writes_it",
    "two_tables_of_the_same_width",
    "two_tables_with_titles",
    "two_tables_without_a_gap",
    "dashes_rule_the_columns",
    "a_list_for_each_column",
    "a_cube_of_json_stat",
}
CASES: list[dict[str, Any]] = [
    case
    for case in yaml.safe_load(FILE.read_text(encoding="utf-8"))
    if case.keys() & {"given", "proposed", "refused"} and case["name"] not in ON_THE_FIRST_DAY_ALONE
]


def plain(value: Any) -> Any:
    """Dates and decimals as text, as YAML has them."""
    return str(value) if isinstance(value, Decimal | date | datetime) else value


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_file_is_read_as_its_settings_say(read: Any, case: dict[str, Any]) -> None:
    """Every value of each, and nothing else; what cannot be read so is refused."""
    content = case.get("text", "").encode(case.get("encoding", "utf-8"))
    if "bytes" in case:
        content = ast.literal_eval(f"b'{case['bytes']}'")
    settings = {**case.get("given", {}), **case.get("proposed", {})}
    if "refused" in case:
        with pytest.raises(DataflowError) as caught:
            read(case["file"], content, **settings)
        assert case["refused"] in str(caught.value)
        return
    table = read(case["file"], content, **settings)["data"]
    rows = [{key: plain(value) for key, value in row.items()} for row in table.to_pylist()]
    assert rows == case.get("rows", rows)
    assert len(rows) == case.get("count", len(rows))
    assert table.column_names == case.get("columns", table.column_names)
