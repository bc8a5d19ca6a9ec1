"""Lists in rows as rows of their own."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.shared.named_source import ChildTable
from dataflow.sources.child_rows import child_rows
from dataflow.sources.errors import SourceDataError, SourceSettingError

ORDERS: list[dict[str, Any]] = [
    {"id": 1, "lines": [{"sku": "b", "qty": 2}, {"sku": "a", "qty": 1}]},
    {"id": 2, "lines": []},
    {"id": 3, "lines": None},
    {"id": 4, "lines": [{"sku": "a", "qty": 1}, {"sku": "a", "qty": 1}]},
]
LINES = [
    {"order_id": 1, "list_position": 1, "sku": "b", "qty": 2},
    {"order_id": 1, "list_position": 2, "sku": "a", "qty": 1},
    {"order_id": 4, "list_position": 1, "sku": "a", "qty": 1},
    {"order_id": 4, "list_position": 2, "sku": "a", "qty": 1},
]
CHILD = {"path": "lines", "parent": {"order_id": "id"}}


def write(folder: Path, rows: list[dict[str, Any]], *, as_json: bool = False) -> Path:
    if as_json:
        rows = [
            {
                k: json.dumps(v, indent=1) if isinstance(v, (list, dict)) else v
                for k, v in row.items()
            }
            for row in rows
        ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet")
    return folder / "rows.parquet"


def items(path: Path, child: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    result = child_rows(path, "items", ChildTable.model_validate(child), **options)
    rows: list[dict[str, Any]] = result["data"].to_pylist()
    assert result["metadata"]["record_count"] == len(rows)
    return rows


@pytest.mark.parametrize("as_json", [False, True])
def test_each_item_is_a_row_with_its_owner_and_its_place(tmp_path: Path, as_json: bool) -> None:
    """Nested or as JSON text; two items that are alike are two, a row without items has none."""
    assert items(write(tmp_path, ORDERS, as_json=as_json), CHILD) == LINES


def test_a_list_within_an_object_and_plain_items(tmp_path: Path) -> None:
    """A dotted path goes into objects; what is no object is a value."""
    path = write(tmp_path, [{"id": "07", "cart": {"tags": ["x", None]}}])
    found = items(path, {"path": "cart.tags", "parent": {"cart": "id"}})
    assert found == [
        {"cart": "07", "list_position": 1, "value": "x"},
        {"cart": "07", "list_position": 2, "value": None},
    ]


def test_only_the_last_of_rows_of_one_key_counts(tmp_path: Path) -> None:
    """What a merge throws away has no items either."""
    rows = [{"id": 1, "lines": [{"sku": "old"}]}, {"id": 1, "lines": [{"sku": "new"}]}]
    assert [row["sku"] for row in items(write(tmp_path, rows), CHILD, last_of=["id"])] == ["new"]


@pytest.mark.slow
def test_items_have_a_contract_of_their_own(tmp_path: Path) -> None:
    """Types are as agreed, also where there is no item; what does not fit is refused by name."""
    child = {**CHILD, "columns": {"sku": "text", "qty": "decimal(8,2)"}}
    found = items(write(tmp_path, ORDERS), child)
    assert [row["qty"] for row in found] == [Decimal(2), Decimal(1), Decimal(1), Decimal(1)]
    none = child_rows(
        write(tmp_path, [{"id": 1, "lines": "[]"}]), "items", ChildTable.model_validate(child)
    )
    assert str(none["data"].schema.field("qty").type) == "decimal128(8, 2)"
    wrong = write(tmp_path, [{"id": 1, "lines": [{"sku": "a", "qty": "many"}]}])
    with pytest.raises(SourceDataError, match="'many' is no decimal") as refused:
        items(wrong, child)
    # An inspection of the workflow does not look into lists.
    assert "the column's type in `ingestion.child_tables.items.columns`;" in str(refused.value)
    assert "inspect" not in str(refused.value)
    aside = child_rows(
        wrong,
        "items",
        ChildTable.model_validate({**child, "on_change": {"bad_value": "quarantine"}}),
    )
    assert (aside["data"].num_rows, aside["rejected"].num_rows) == (0, 1)


@pytest.mark.parametrize(
    ("items_come", "on_change"),
    [
        ([{"sku": "a"}], {}),
        ([{"sku": "a", "qty": 1, "x": 1}], {"new_column": "fail"}),
        ([{"sku": "a", "qty": "many"}], {"bad_value": "quarantine", "max_rejected": 0}),
    ],
)
def test_a_refusal_names_the_contract_of_the_items(
    tmp_path: Path, items_come: list[dict[str, Any]], on_change: dict[str, Any]
) -> None:
    """What is to be changed is under the child table, and no inspection is said to do it."""
    child = {**CHILD, "columns": {"sku": "text", "qty": "bigint"}, "on_change": on_change}
    with pytest.raises(SourceDataError) as refused:
        items(write(tmp_path, [{"id": 1, "lines": items_come}]), child)
    assert "`ingestion.child_tables.items.columns`" in str(refused.value)
    assert "`ingestion.child_tables.items.on_change." in str(refused.value)
    assert "inspect" not in str(refused.value)


@pytest.mark.parametrize(
    ("rows", "child", "told"),
    [
        (ORDERS, {**CHILD, "path": "line"}, "no column 'line'"),
        (ORDERS, {**CHILD, "parent": {"a": "nr"}}, "no column 'nr'"),
        (ORDERS, {**CHILD, "parent": {"SKU": "id"}}, "have a column 'sku' of their own"),
        ([{"id": 1, "lines": {"a": 1}}], CHILD, "Row 1 has no list at 'lines'"),
        ([{"id": 1, "lines": "none"}], CHILD, "Row 1 has no list at 'lines'"),
    ],
)
def test_what_is_no_list_or_has_no_name_is_refused(
    tmp_path: Path, rows: list[dict[str, Any]], child: dict[str, Any], told: str
) -> None:
    """By name, and before anything is loaded."""
    with pytest.raises((SourceDataError, SourceSettingError), match=told):
        items(write(tmp_path, rows), child)


LISTS = st.lists(
    st.one_of(
        st.none(),
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8), max_size=4
        ),
    ),
    max_size=6,
)


@pytest.mark.slow
@given(lists=LISTS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_item_is_lost_or_changed(tmp_path: Path, lists: list[list[str] | None]) -> None:
    """Texts of every kind come back with their owner and their place."""
    rows = pa.table(
        {
            "id": pa.array(range(len(lists)), pa.int64()),
            "of": pa.array(lists, pa.list_(pa.string())),
        }
    )
    pq.write_table(rows, tmp_path / "rows.parquet")
    child = {"path": "of", "parent": {"owner": "id"}, "columns": {"value": "text"}}
    found = items(tmp_path / "rows.parquet", child)
    wanted = [
        {"owner": owner, "list_position": place, "value": value}
        for owner, values in enumerate(lists)
        for place, value in enumerate(values or [], 1)
    ]
    assert found == wanted


def test_an_answer_without_columns_has_no_items(tmp_path: Path) -> None:
    """An API without new rows names no columns, and so no list that could be missing."""
    pq.write_table(pa.table({}), tmp_path / "rows.parquet")
    assert items(tmp_path / "rows.parquet", CHILD) == []
