"""Values of databases that Arrow has no type for."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from dataflow.sources.database.values import _text, _value, read_values, with_declared_types


@pytest.mark.parametrize(
    ("came", "kept"),
    [
        (None, None),
        (1, 1),
        ("a", "a"),
        (memoryview(b"\xff"), b"\xff"),
        (bytearray(b"a"), b"a"),
        ([IPv4Address(1), None, bytearray(b"a")], ["0.0.0.1", None, b"a"]),
        ([{"ä": 1}], '[{"ä": 1}]'),
        ([[1], [2]], "[[1], [2]]"),
        ({"at": IPv4Address(1)}, '{"at": "0.0.0.1"}'),
        (IPv4Address(1), "0.0.0.1"),
    ],
)
def test_a_value_without_a_type_is_kept_as_it_is_written(came: Any, kept: Any) -> None:
    """Lists are lists of such values; records, and lists of them, are JSON."""
    assert _value(came) == kept


@pytest.mark.parametrize(
    ("came", "text"),
    [(b"abc", "abc"), (memoryview(b"\xff\x00"), "\\xff00"), (1.5, "1.5"), (None, None)],
)
def test_what_stands_among_texts_becomes_one(came: Any, text: str | None) -> None:
    """Bytes that are no text are written as Postgres does."""
    assert _text(came) == text


def read(query: str, **named: Any) -> tuple[dict[str, list[Any]], list[str]]:
    with sa.create_engine("sqlite://").connect() as connection:
        typed = read_values(connection, query, named.pop("values", {}), 2, **named)
    return typed.table.to_pydict(), typed.notes


def rows(*values: str) -> str:
    return f"SELECT column1 AS v FROM (VALUES {', '.join(f'({value})' for value in values)})"


@pytest.mark.parametrize(
    ("values", "column", "told"),
    [
        (("1", "NULL", "3"), [1, None, 3], False),
        (("1", "2", "3.5"), [1.0, 2.0, 3.5], False),
        (("1", "2", "'x'"), ["1", "2", "x"], True),
        (("1", "'x'"), ["1", "x"], True),
        (("NULL", "NULL", "NULL"), [None, None, None], False),
        (("'x'", "x'ff'"), ["x", "\\xff"], True),
        (("'x'", "'y'", "x'ff'"), ["x", "y", "\\xff"], True),
        (("x'ff'", "x'00'"), [b"\xff", b"\x00"], False),
    ],
)
def test_a_column_has_the_type_of_all_its_values(
    values: tuple[str, ...], column: list[Any], *, told: bool
) -> None:
    """Over all batches; several kinds are text, and it is told."""
    found, notes = read(rows(*values))
    assert found == {"v": column}
    assert notes == (["Column 'v' has values of several kinds; it is text."] if told else [])


def test_no_more_rows_than_are_asked_for() -> None:
    """Within a batch or at its end; without rows there are columns."""
    for limit, count in ((1, 1), (2, 2), (3, 3), (9, 4), (None, 4)):
        assert len(read(rows("1", "2", "3", "4"), limit=limit)[0]["v"]) == count
    assert read("SELECT 1 AS v, 2 AS w WHERE 0") == ({"v": [], "w": []}, [])


def test_a_query_is_sent_as_it_is_written() -> None:
    """Its colons are no parameters, but for those that have a value; equal names are told apart."""
    found, notes = read("SELECT ':x' AS v, :y AS V, '10:30' AS w", values={"y": 5})
    assert found == {"v": [":x"], "V_2": [5], "w": ["10:30"]}
    assert len(notes) == 1


def test_numbers_are_texts_where_it_is_agreed() -> None:
    """Beside 6.5 the text of 5 is 5, however the name is written."""
    assert read(rows("5", "6.5"), texts=frozenset({"v"})) == ({"v": ["5", "6.5"]}, [])
    assert read(rows("5", "6.5"), texts=frozenset({"w"})) == ({"v": [5.0, 6.5]}, [])
    assert read(rows("x'ff'"), texts=frozenset({"v"})) == ({"v": [b"\xff"]}, [])


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("NUMERIC(10, 2)", pa.decimal128(10, 2)),
        ("decimal(10)", pa.decimal128(10, 0)),
        ("DECIMAL", None),
        ("DECIMAL(2,5)", None),
        ("DECIMAL(39,2)", None),
        ("DECIMAL(38,38)", pa.decimal128(38, 38)),
        ("DECIMAL(0)", None),
        ("BIGINT", pa.int64()),
        ("integer", pa.int64()),
        ("INT(11) ", pa.int64()),
        ("REAL", pa.float64()),
        ("double precision", pa.float64()),
        ("FLOAT", pa.float64()),
        ("BOOLEAN", pa.bool_()),
        ("bool", pa.bool_()),
        ("DATE", pa.date32()),
        ("DATETIME", pa.timestamp("us")),
        ("TIMESTAMP", pa.timestamp("us")),
        ("BLOB", pa.binary()),
        ("VARCHAR(5)", None),
        ("", None),
    ],
)
def test_a_column_without_values_has_its_declared_type(
    declared: str, kind: pa.DataType | None
) -> None:
    """One with values has theirs, whatever is declared."""
    nothing = pa.table({"v": pa.array([None, None], pa.string()), "w": ["x", None]})
    typed = with_declared_types(nothing, {"v": declared, "w": "BIGINT"})
    assert typed.schema.field("v").type == (kind or pa.string())
    assert typed["w"].to_pylist() == ["x", None]
    assert typed["v"].to_pylist() == [None, None]
