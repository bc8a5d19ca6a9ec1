"""A cursor that a database holds as text, and that the contract reads as a time or a number.

A database puts texts in the order of their signs: 31.12.2025 after 01.01.2026, 9 after 10, and
2025-03-29T20:00 after 2025-03-29 21:00. So such rows are chosen by the values that the contract
reads, once they have come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.shared.contract import written_type
from dataflow.shared.shown import quoted
from dataflow.shared.sql import quote_literal, type_family
from dataflow.sources.contract_values import reading_of
from dataflow.sources.duckdb_session import open_engine
from dataflow.sources.errors import SourceSettingError
from dataflow.sources.row_identity import moment_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from dataflow.shared.contract import Column, Contract

_ORDERED = ("whole", "fraction", "moment")
# SQLite reads a text of this form by its zone; what it misreads besides comes along. What is asked
# for is a little more, since it counts in fractions of a day.
_ISO = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*"
_MINUTES = 2 / 1440
_DAY = len("2024-01-31")


@dataclass(frozen=True)
class TextCursor:
    """How the texts of a cursor are read.

    Args:
        field: The column.
        column: What the contract says of it.
    """

    field: str
    column: Column

    def values(self, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        """The values of texts; null where a text is none."""
        import pyarrow as pa

        with open_engine() as connection:
            connection.register("texts", pa.table({"v": texts.cast(pa.string())}))
            read = connection.sql(f"SELECT {self._reading} AS v FROM texts")  # noqa: S608
            return read.to_arrow_table()["v"]

    def bound(self, value: Any) -> Any:
        """A value that rows are compared with: as the source writes it, or in ISO 8601.

        Raises:
            SourceSettingError: It is no such value.
        """
        if value is None:
            return None
        text = f"(SELECT {quote_literal(str(value))} AS v)"
        with open_engine() as connection:
            read = connection.sql(f"SELECT {self._reading} AS v FROM {text}")  # noqa: S608
            typed = read.to_arrow_table()["v"][0].as_py()
        if typed is None and self._is_moment:
            typed = self._moment(value)
        if typed is None:
            kind = written_type(self.column.database_type)
            raise SourceSettingError(
                f"{quoted(value)} is no {kind}, as {quoted(self.field)} is by the contract.",
                "Write it as the source does, or as 2024-01-31 or 2024-01-31T12:00:00.",
            )
        return typed

    def sqlite_clause(self, name: str, start: Any, until: Any) -> str:
        """What keeps SQLite from handing over most rows that are not asked for.

        Args:
            name: The column, as SQL.
        """
        if not self._is_moment or self.column.format or (start is None and until is None):
            return ""
        bounds = [(">=", start, -_MINUTES), ("<", until, _MINUTES)]
        terms = [
            f"julianday({name}) {sign} julianday({quote_literal(bound.isoformat())}) + {slack}"
            for sign, bound, slack in bounds
            if bound is not None
        ]
        misread = f"{name} NOT GLOB '{_ISO}' OR julianday({name}) IS NULL"
        return f" WHERE {misread} OR ({' AND '.join(terms)})"

    def _moment(self, value: Any) -> Any:
        """One that is written in ISO 8601; without a zone it is one of UTC. A time is no day."""
        moment = moment_of(value)
        if moment is None or self._type == "TIMESTAMP WITH TIME ZONE":
            return moment
        if self._type == "DATE":
            return moment.date() if len(str(value).strip()) == _DAY else None
        return moment.replace(tzinfo=None)

    @property
    def _is_moment(self) -> bool:
        return type_family(self.column.database_type) == "moment"

    @property
    def _type(self) -> str:
        """Without the types that Python does not hold."""
        kind = self.column.database_type
        return "TIMESTAMP" if kind.startswith("TIMESTAMP_") else kind

    @property
    def _reading(self) -> str:
        return f"CAST({reading_of(self.column, 'v', 'VARCHAR').value} AS {self._type})"


def text_cursor(
    field: str, contract: Contract | None, is_text: Callable[[], bool]
) -> TextCursor | None:
    """How a cursor's texts are read; None if it holds no texts, or is text by the contract as well.

    Args:
        is_text: Asks the database whether the column holds texts.
    """
    columns = contract.columns if contract else {}
    for name, column in columns.items():
        if (column.source or name).lower() == field.lower():
            ordered = type_family(column.database_type) in _ORDERED
            return TextCursor(field, column) if ordered and is_text() else None
    return None
