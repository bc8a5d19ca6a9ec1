"""What the columns of MariaDB and MySQL are declared as, by what their servers say of them."""

from __future__ import annotations

from typing import Any

import pytest
from pymysql.constants import FIELD_TYPE as TYPE
from pymysql.constants import FLAG
from pymysql.protocol import FieldDescriptorPacket

from dataflow.sources.database.mariadb import _declared, _in_utc, _shortest


def field(kind: int, *, flags: int = 0, length: int = 0, scale: int = 0, charset: int = 45) -> Any:
    """A field as the driver has read it."""
    found: Any = FieldDescriptorPacket.__new__(FieldDescriptorPacket)
    found.type_code, found.flags, found.length = kind, flags, length
    found.scale, found.charsetnr = scale, charset
    return found


@pytest.mark.parametrize(
    ("came", "declared"),
    [
        (field(TYPE.NEWDECIMAL, length=12, scale=2), "DECIMAL(10,2)"),
        (field(TYPE.DECIMAL, length=11, scale=2, flags=FLAG.UNSIGNED), "DECIMAL(10,2)"),
        (field(TYPE.NEWDECIMAL, length=11), "DECIMAL(10,0)"),
        (field(TYPE.TINY), "BIGINT"),
        (field(TYPE.YEAR), "BIGINT"),
        (field(TYPE.LONG, flags=FLAG.UNSIGNED), "BIGINT"),
        (field(TYPE.LONGLONG), "BIGINT"),
        (field(TYPE.LONGLONG, flags=FLAG.UNSIGNED), "UBIGINT"),
        (field(TYPE.BIT), "UBIGINT"),
        (field(TYPE.FLOAT), "DOUBLE"),
        (field(TYPE.DATE), "DATE"),
        (field(TYPE.DATETIME), "TIMESTAMP"),
        (field(TYPE.TIMESTAMP), "TIMESTAMPTZ"),
        (field(TYPE.TIME), "VARCHAR"),
        (field(TYPE.GEOMETRY), "BLOB"),
        (field(TYPE.BLOB, charset=63), "BLOB"),
        (field(TYPE.BLOB), "VARCHAR"),
        (field(TYPE.VAR_STRING, charset=63), "BLOB"),
        (field(TYPE.VAR_STRING), "VARCHAR"),
        (field(TYPE.JSON, charset=63), "VARCHAR"),
    ],
)
def test_a_declared_type(came: Any, declared: str) -> None:
    """Numbers with their digits, moments with a zone, bytes apart from texts."""
    assert _declared(came).type == declared


def test_what_is_told_of_a_type() -> None:
    """Of bits that they are a number, of lengths of time that they are text."""
    assert _declared(field(TYPE.BIT)).said
    assert _declared(field(TYPE.TIME)).said
    assert not _declared(field(TYPE.LONG)).said


def test_a_float_has_the_digits_that_tell_it_apart() -> None:
    """No more, and no fewer."""
    assert [_shortest(value) for value in (None, 0.10000000149011612, 1.0, 16777216.0)] == [
        None,
        0.1,
        1.0,
        16777216.0,
    ]
    assert _shortest(1.2345677614212036) == 1.2345678
    assert _shortest(0.1234567910432815) == 0.12345679


def test_a_moment_has_the_zone_of_its_session() -> None:
    """But not what is no date."""
    assert _in_utc("2024-01-01 10:00:00") == "2024-01-01 10:00:00+00"
    assert _in_utc("0000-00-00 00:00:00") == "0000-00-00 00:00:00"
