"""A number of a table, and how it is put together for a group of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dataflow.shared.sql import quote_identifier


@dataclass(frozen=True)
class Measure:
    """A column of numbers, or what is counted of each row.

    Args:
        aggregate: Whether groups of rows add it up (``sum``) or average it.
        format: ``share`` of 1, ``percent`` of 100, or ``nps``: answers from 0 to 10.
        weight: The column that says how much each value counts in an average.
        sql: What a row counts, if ``name`` is no column.
    """

    name: str
    aggregate: str
    format: str = ""
    weight: str = ""
    sql: str = ""

    @property
    def label(self) -> str:
        """What its value of several rows is called."""
        if self.format == "nps":
            return "NPS" if self.name.lower() == "nps" else f"NPS of {self.name}"
        if self.sql:
            return self.name.replace("_", " ").capitalize()
        return f"{'Total' if self.aggregate == 'sum' else 'Average'} {self.name}"

    @property
    def column(self) -> str:
        """Its column of the page's relation."""
        return f"({self.name})" if self.sql else self.name

    @property
    def ticks(self) -> str:
        """How an axis writes it."""
        return "~%" if self.format == "share" else "~s"

    def added_columns(self) -> list[str]:
        """What the page's relation needs beside the table's columns, as SQL.

        A specification takes dollar signs in SQL for parameters: such SQL only has these names.
        """
        if self.sql:
            return [f"{self.sql} AS {quote_identifier(self.column)}"]
        value = quote_identifier(self.name)
        if self.format == "nps":
            return [f"{value} AS {self._inner('score')}"]
        if self._is_weighted:
            weight = quote_identifier(self.weight)
            return [
                f"{value} * {weight} AS {self._inner('weighted')}",
                f"CASE WHEN {value} IS NOT NULL THEN {weight} END AS {self._inner('weight')}",
            ]
        return []

    def value(self) -> dict[str, Any]:
        """Its value of a group of rows, for a specification."""
        if self.format == "nps" or self._is_weighted:
            return {"sql": self.value_sql()}
        return {"sum" if self.aggregate == "sum" else "avg": self.column}

    def value_sql(self) -> str:
        """Its value of a group of rows, as SQL."""
        if self.format == "nps":
            score = self._inner("score")
            return (
                f"100.0 * (count(*) FILTER (WHERE {score} >= 9) "
                f"- count(*) FILTER (WHERE {score} <= 6)) / nullif(count({score}), 0)"
            )
        if self._is_weighted:
            return f"sum({self._inner('weighted')}) / nullif(sum({self._inner('weight')}), 0)"
        function = "sum" if self.aggregate == "sum" else "avg"
        return f"{function}({quote_identifier(self.column)})"

    @property
    def _is_weighted(self) -> bool:
        return bool(self.weight) and self.aggregate != "sum"

    def _inner(self, what: str) -> str:
        plain = self.name.replace("%", "%25").replace("$", "%24")
        return quote_identifier(f"({what}) {plain}")
