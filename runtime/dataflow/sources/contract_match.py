"""A column of the contract beside the one of the source that it is, and values that do not fit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.shared.shown import counted, quoted, shortened
from dataflow.shared.sql import has_zone, type_family
from dataflow.sources.column_names import compared_name
from dataflow.sources.contract_values import FRACTIONS, ONE_OR_A_THOUSAND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from dataflow.shared.contract import Column, Contract
    from dataflow.sources.contract_values import Reading

LONGEST_VALUE = 40
# Said of a column after its name.
READ_AS_UTC = (
    " is a timestamptz, and its format has no zone (%z): its values are read as UTC. If they are "
    "by the clock of a place, write `type: timestamp`."
)
_COMMA_DECIMAL = re.compile(r"[-+]?\d+(\.\d{3})*,\d+")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(Z|[+-]\d\d(?::?\d\d)?)?")
# What every number of type double holds.
_DIGITS = 15


@dataclass(frozen=True)
class Match:
    """One column of the result.

    Args:
        name: What it is called in the result.
        key: Which column of the relation it is read from; None if it did not come.
        column: What is agreed about it; None if nothing is.
    """

    name: str
    key: str | None
    reading: Reading
    column: Column | None


@dataclass(frozen=True)
class Misfit:
    """The values of one column that are not as agreed: how many, and the first with its row."""

    match: Match
    count: int
    row: int
    value: str

    @property
    def told(self) -> str:
        """Which column and row, which value, and what it should be."""
        column = self.match.column
        wanted = column.told if column else ""
        others = "" if self.count == 1 else f", and {self.count - 1:,} more like it"
        value = shortened(self.value, LONGEST_VALUE)
        where = f"Column {quoted(self.match.name)}, row {self.row:,}"
        if column and not column.decimal and _COMMA_DECIMAL.fullmatch(self.value.strip()):
            kind = type_family(column.database_type)
            if kind in ("whole", "fraction"):
                return (
                    f"{where}: {value!r} is not a number of type {column.type}{others}; if the "
                    'comma is its decimal mark, set `decimal: ","` on the column'
                )
        if self._is_one_or_a_thousand:
            return (
                f'{where}: {value!r} may be one or a thousand{others}; set `decimal: "."` on the '
                'column if the point is its decimal mark, `thousands: "."` if it parts thousands'
            )
        if wanted in ("double", "float") and len(re.sub(r"\D", "", value)) > _DIGITS:
            wanted += ", which holds no so many digits: declare a decimal"
        return f"{where}: {value!r} is no {wanted}{self._about_zone}{others}"

    @property
    def _about_zone(self) -> str:
        """What is to be known of a time that has a zone where none is agreed on, or has none."""
        column = self.match.column
        if column is None or column.format or type_family(column.database_type) != "moment":
            return ""
        found = _TIME.fullmatch(self.value.strip())
        if not found or bool(found[1]) == has_zone(column.database_type):
            return ""
        if found[1]:
            return ", which has no time zone: by whose clock it is meant cannot be told"
        return ", which needs a time zone: by whose clock it is written cannot be told"

    @property
    def _is_one_or_a_thousand(self) -> bool:
        """Whether what does not fit is a whole number or not, as its country writes numbers."""
        column = self.match.column
        return (
            column is not None
            and type_family(column.database_type) == "whole"
            and column.decimal is None
            and column.thousands is None
            and re.fullmatch(ONE_OR_A_THOUSAND, self.value.strip()) is not None
        )


def unending_numbers(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    matches: Sequence[Match],
    kinds: Mapping[str, str],
) -> list[str]:
    """What to say of NaN and infinity, which stay what they are, and make sums of them the same."""
    found = [
        (match, f"({match.reading.given})")
        for match in matches
        if match.column and match.column.database_type in FRACTIONS
        if kinds.get(match.key or "") in FRACTIONS
    ]
    if not found:
        return []
    asked = ", ".join(
        f"count_if(NOT isfinite{key}), any_value({key}) FILTER (NOT isfinite{key})"
        for _, key in found
    )
    [row] = connection.execute(f"SELECT {asked} FROM {relation}").fetchall()  # noqa: S608
    return [
        f"Column {quoted(match.name)} has {value} in {counted(count, 'row')}, and so are sums and "
        f"averages of them. If it means no value, set `null_values: [{value}]` on the column."
        for (match, _), count, value in zip(found, row[::2], row[1::2], strict=True)
        if count
    ]


def names_at_source(contract: Contract | None) -> list[str]:
    """What the columns of a contract are called at the source; nothing without a contract."""
    columns = contract.columns.items() if contract else ()
    return [column.source or name for name, column in columns]


def agreed_texts(contract: Contract | None) -> frozenset[str]:
    """The columns that are text by a contract: their names at the source as they are compared."""
    columns = contract.columns.items() if contract else ()
    return frozenset(
        compared_name(column.source or name)
        for name, column in columns
        if column.database_type == "VARCHAR"
    )


def lacks_zone(column: Column, kind: str) -> bool:
    """Whether the values are moments, and are written without saying by which clock."""
    # Values that have a type of the source's own are no texts.
    is_moment = kind == "VARCHAR" and column.database_type == "TIMESTAMP WITH TIME ZONE"
    return is_moment and column.format is not None and "%z" not in column.format.lower()
