"""What config.yaml may say of a source of type database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from dataflow.shared.config_types import (
    FaultsBetween,
    Scalar,
    Secret,
    Section,
    Text,
    refusal,
)
from dataflow.sources.window import LookBack  # noqa: TC001 - pydantic reads it at run time

if TYPE_CHECKING:
    from collections.abc import Mapping


class DatabaseIncremental(Section):
    """Asking a database only for what is new since the last run."""

    column: Text = Field(
        description="The column whose greatest value says how far the last run came."
    )
    initial_value: Scalar = Field(
        default=None, description="The first run takes the rows from this on. Left out: all rows."
    )
    look_back: LookBack | None = Field(
        default=None,
        description="How far before the last run's end to read again, for rows that came late or "
        "changed: `2 days`, `3 hours`, or a number. The rows read again take the old ones' place.",
    )


class DatabaseSource(Section):
    """Rows from a table or a query of a database."""

    type: Literal["database"] = Field(description="Rows from a database.")
    url: Text = Field(
        description="An SQLAlchemy URL, `postgresql://user:${DB_PASSWORD}@host/name`, or the path "
        "of a DuckDB or SQLite file."
    )
    username: Text | None = Field(
        default=None, description="The user's name, when the URL has none."
    )
    password: Secret | None = Field(
        default=None, description="The password, when the URL has none."
    )
    table: Text | None = Field(default=None, description="The table to read. This or `query`.")
    query: Text | None = Field(default=None, description="The SELECT to run. This or `table`.")
    schema_: Text | None = Field(
        default=None,
        alias="schema",
        description="The schema of the table. Left out: the default one.",
    )
    incremental: DatabaseIncremental | None = Field(
        default=None, description="Take only what is new since the last run."
    )

    @classmethod
    def faults_between(cls, values: Mapping[str, Any]) -> FaultsBetween:
        """Exactly one of `table` and `query`."""
        has_table, has_query = values.get("table") is not None, values.get("query") is not None
        if has_table and has_query:
            yield ("query",), refusal("stands beside `table`; keep one of the two")
        if not has_table and not has_query:
            yield ("table",), refusal("is missing; a database source needs `table` or `query`")
        if values.get("schema") is not None and has_query and not has_table:
            yield ("schema",), refusal("is of no use with `query`")
