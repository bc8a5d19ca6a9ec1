"""The DuckDB connection that sources are read through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dataflow.shared.duckdb_memory import limit_memory
from dataflow.shared.sql import quote_identifier
from dataflow.shared.step_progress import step_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import duckdb


# The texts that mean no value: in all columns, or by column.
NullValues = Sequence[str] | Mapping[str, Sequence[str]]


@contextmanager
def open_engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that works in UTC and never reaches for the network."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute("SET autoload_known_extensions = false")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        limit_memory(connection)
        yield connection


@contextmanager
def watching_files(
    connection: duckdb.DuckDBPyConnection, size: int, *, is_whole: bool
) -> Iterator[None]:
    """Let people see how many of the bytes of some files DuckDB has read, in the block.

    Args:
        is_whole: Whether they are read once. To find types they are read several times, and nobody
            knows how often.
    """
    with step_progress().watching(connection, "", total_size=size, is_whole=is_whole):
        yield


@contextmanager
def faults_told(tell: Callable[[str], Exception]) -> Iterator[None]:
    """Raise what ``tell`` makes of the text of DuckDB's errors; to be out of memory is another."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise tell(str(error)) from error


def nulls_of(null_values: NullValues, name: str) -> Sequence[str]:
    """The texts that mean no value in one column; an empty one where others are named only."""
    if not isinstance(null_values, Mapping):
        return null_values
    texts = (texts for column, texts in null_values.items() if column.lower() == name.lower())
    return next(texts, ("",))


def without_nan(
    relation: duckdb.DuckDBPyRelation, null_values: NullValues
) -> duckdb.DuckDBPyRelation:
    """The relation with null for NaN in columns of fractions, if NaN is said to mean no value."""
    kinds = dict(zip(relation.columns, map(str, relation.types), strict=True))
    fractions = [
        name
        for name, kind in kinds.items()
        if kind in ("DOUBLE", "FLOAT")
        and "nan" in {text.lower() for text in nulls_of(null_values, name)}
    ]
    if not fractions:
        return relation
    columns = []
    for name in relation.columns:
        column = quote_identifier(name)
        value = f"CASE WHEN NOT isnan({column}) THEN {column} END AS {column}"
        columns.append(value if name in fractions else column)
    return relation.project(", ".join(columns))
