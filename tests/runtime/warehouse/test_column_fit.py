"""Types of columns that change from one load to the next."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from tests.runtime.warehouse.loader_fixture import Loader, loader, table

from dataflow.shared.errors import BadInputError
from dataflow.warehouse.duckdb_file import DuckDBFile
from dataflow.warehouse.kind import Owners

__all__ = ["loader"]


def test_a_wider_number_widens_the_column(loader: Loader) -> None:
    """1.5 appended to a column of whole numbers stays 1.5."""
    loader.load([{"v": 1}], write_disposition="append")
    loader.load([{"v": 1.5}], write_disposition="append")
    assert loader.rows() == [(1.0,), (1.5,)]


def test_text_in_a_number_column_is_refused_and_nothing_is_lost(loader: Loader) -> None:
    """A column that turned to text is named, and the table is as it was."""
    loader.load([{"v": 1}], write_disposition="append")
    with pytest.raises(BadInputError, match="'v'.*BIGINT.*VARCHAR"):
        loader.load([{"v": "many"}], write_disposition="append")
    assert loader.rows() == [(1,)]


def test_a_new_column_does_not_hide_a_wider_one_behind_it(loader: Loader) -> None:
    """Every column is looked at, whatever came before it."""
    append = {"write_disposition": "append"}
    loader.load([{"a": 1, "v": 1, "w": 1}], **append)
    loader.load([{"new": 1, "a": 1, "v": 1.5, "w": 2.5}], **append)
    assert loader.rows("SELECT v, w FROM raw.t ORDER BY ALL") == [(1.0, 1.0), (1.5, 2.5)]


def test_a_narrower_number_leaves_the_column(loader: Loader) -> None:
    """Whole numbers fit into a column of fractions, and anything into a column of text."""
    append = {"write_disposition": "append"}
    loader.load([{"v": 1.5, "s": "x"}], **append)
    loader.load([{"v": 2, "s": 3}], **append)
    assert loader.rows() == [(1.5, "x"), (2.0, "3")]
    assert [kind for _, kind, *_ in loader.rows("DESCRIBE raw.t")] == ["DOUBLE", "VARCHAR"]


def test_columns_that_differ_in_case_are_one(loader: Loader) -> None:
    """As everywhere in SQL: `ID` goes into `id`, also as the key of a merge."""
    merge = {"write_disposition": "merge", "primary_key": ["Id"]}
    loader.load([{"id": 1, "v": 1}], **merge)
    loader.load([{"ID": 1, "V": 2.5}], **merge)
    assert loader.columns() == ["id", "v"]
    assert loader.rows() == [(1, 2.5)]


def test_values_that_cannot_become_the_columns_type_change_nothing(loader: Loader) -> None:
    """Types that have nothing to do with each other are named."""
    loader.load([{"v": {"a": 1}}], write_disposition="append")
    with pytest.raises(BadInputError, match=r"'v' of raw.*holds STRUCT.*came BIGINT") as caught:
        loader.load([{"v": 5}], write_disposition="append", watermark=1)
    assert "transform.py" in caught.value.instruction
    assert loader.rows() == [({"a": 1},)]
    assert DuckDBFile(loader.database).read_watermark("t") is None


@pytest.mark.parametrize(
    ("old", "new", "sums"),
    [
        (("BIGINT", ["10", "20"]), ("DECIMAL(4,2)", ["12.75"]), "42.75"),
        (("DECIMAL(10,2)", ["0.10"]), ("DOUBLE", ["12.75"]), "12.85"),
        (("DECIMAL(38,2)", ["0.10"]), ("DECIMAL(38,5)", ["0.00001"]), "0.10001"),
        (("BIGINT", ["9007199254740993"]), ("DECIMAL(4,2)", ["0.25"]), "9007199254740993.25"),
        (("BIGINT", ["9007199254740993"]), ("DOUBLE", ["2.0"]), "9007199254740995"),
        (("UBIGINT", ["18446744073709551615"]), ("BIGINT", ["-1"]), "18446744073709551614"),
        (("DOUBLE", ["1.5"]), ("BIGINT", ["2"]), "3.5"),
        (("FLOAT", ["1.5"]), ("BIGINT", ["16777217"]), "16777218.5"),
        (("BIGINT", ["1"]), ("HUGEINT", ["100000000000000000000"]), "100000000000000000001"),
    ],
)
def test_numbers_that_come_in_another_type_stay_what_they_are(
    loader: Loader, old: Any, new: Any, sums: str
) -> None:
    """Whole numbers grow decimals, decimals grow places: none is rounded."""
    loader.load(table(v=old), write_disposition="append")
    loader.load(table(v=new), write_disposition="append")
    found = sum(Decimal(str(value)) for (value,) in loader.rows("SELECT v FROM raw.t"))
    assert found == Decimal(sums)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (("BIGINT", ["9007199254740993"]), ("DOUBLE", ["0.5"])),
        (("DOUBLE", ["0.5"]), ("BIGINT", ["9007199254740993"])),
        (("DECIMAL(20,2)", ["123456789012345678.91"]), ("DOUBLE", ["0.001"])),
        (
            ("DECIMAL(38,2)", ["999999999999999999999999999999999999.01"]),
            ("DECIMAL(38,9)", ["1e-9"]),
        ),
        (("BOOLEAN", ["true"]), ("BIGINT", ["2"])),
        (("DATE", ["'2024-01-01'"]), ("BIGINT", ["20240102"])),
        (("BLOB", ["'a'"]), ("BIGINT", ["1"])),
        (("VARCHAR", ["'a'"]), ("BLOB", ["'a'"])),
        (("TIMESTAMP", ["'2024-01-01'"]), ("TIMESTAMPTZ", ["'2024-01-01 00:00:00+01'"])),
        (("TIMESTAMPTZ", ["'2024-01-01 00:00:00+01'"]), ("DATE", ["'2024-01-01'"])),
    ],
)
def test_values_that_no_type_holds_together_are_refused_by_name(
    loader: Loader, old: Any, new: Any
) -> None:
    """A fraction beside a whole number beyond 2^53 has no type here; nothing is rounded to fit."""
    loader.load(table(v=old), write_disposition="append")
    before = loader.rows("SELECT v, typeof(v) FROM raw.t")
    with pytest.raises(BadInputError, match=r"column 'v'.*nothing was loaded"):
        loader.load(table(v=new), write_disposition="append")
    assert loader.rows("SELECT v, typeof(v) FROM raw.t") == before


@pytest.mark.slow
@pytest.mark.parametrize("write_disposition", ["append", "merge"])
def test_a_column_without_a_value_today_keeps_its_type(
    loader: Loader, write_disposition: str
) -> None:
    """Whatever type nothing has; and a column that never had a value takes the first one's."""
    options = {"write_disposition": write_disposition, "primary_key": ["id"]}
    loader.load(
        table(id=("BIGINT", ["1"]), day=("DATE", ["'2024-01-01'"]), x=("INTEGER", ["NULL"])),
        **options,
    )
    loader.load(
        table(id=("BIGINT", ["2"]), day=("VARCHAR", ["NULL"]), x=("VARCHAR", ["'a'"])), **options
    )
    loader.load(pa.table({"id": [3], "day": pa.nulls(1), "x": pa.nulls(1)}), **options)
    assert [row[1] for row in loader.rows("DESCRIBE raw.t")] == ["BIGINT", "DATE", "VARCHAR"]
    assert loader.rows() == [(1, date(2024, 1, 1), None), (2, None, "a"), (3, None, None)]


def test_a_file_with_numbers_too_long_is_refused(loader: Loader) -> None:
    """DuckDB would take them for others: 1.09 became 7.85e16."""
    wide = pa.table({"n": pa.array([Decimal("1.09")], pa.decimal256(50, 2))})
    with pytest.raises(BadInputError, match="'n'.*more than 38 digits"):
        loader.load(wide)


@pytest.mark.slow
@pytest.mark.parametrize("disposition", ["append", "merge"])
def test_a_column_that_is_agreed_to_be_text(loader: Loader, disposition: str) -> None:
    """Ids were numbers until A-17 came: the rows that are there stay, as text, and it is told."""
    options: dict[str, Any] = {"write_disposition": disposition, "primary_key": ["id"]}
    loader.load(table(id=("BIGINT", ["1", "9"]), v=("DOUBLE", ["1.5", "2.5"])), **options)
    came = table(id=("VARCHAR", ["'A-17'", "'9'", "'09'"]), v=("DOUBLE", ["3.5", "4.5", "5.5"]))
    with pytest.raises(BadInputError, match="inspect NAME --accept"):
        loader.load(came, **options)
    result = loader.load(came, texts=["ID"], **options)
    old = [("1", 1.5)] + ([("9", 2.5)] if disposition == "append" else [])
    assert loader.rows() == sorted([*old, ("A-17", 3.5), ("9", 4.5), ("09", 5.5)])
    assert "'id' of raw.t was BIGINT" in result.notes[0]
    assert loader.load(came, texts=["id"], **options).notes == []


def test_a_column_of_items_is_agreed_to_be_text_by_hand(loader: Loader) -> None:
    """No inspection looks into lists: the message names what to write, and where."""
    owner = loader.parquet
    owners = Owners(owner, {"order_id": "id"}, "raw.orders", owner, "")
    options: dict[str, Any] = {"write_disposition": "append", "owners": owners}
    loader.load([{"order_id": 1, "qty": 2}], **options)
    with pytest.raises(
        BadInputError, match=r"`qty: \{type: text\}`.*`child_tables.t.columns`"
    ) as e:
        loader.load([{"order_id": 1, "qty": "many"}], **options)
    assert "inspect" not in str(e.value)


def test_a_list_is_not_made_text(loader: Loader) -> None:
    """What no text shows whole is refused, also where text is agreed on."""
    loader.load(table(v=("BIGINT[]", ["[1, 2]"])), write_disposition="append")
    with pytest.raises(BadInputError, match="BIGINT"):
        loader.load(table(v=("VARCHAR", ["'x'"])), write_disposition="append", texts=["v"])
