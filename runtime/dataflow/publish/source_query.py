"""The queries of a workflow's ``sources``, and how their rows become files for a browser."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from dataflow.publish.errors import PublishError
from dataflow.shared.sql import one_select, quote_identifier, quote_literal, type_family

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    from duckdb import DuckDBPyConnection
    from duckdb.sqltypes import DuckDBPyType

_ERROR_LINE = re.compile(r"^LINE (\d+):", re.MULTILINE)
_CARDINALITY = "Estimated Cardinality"
_WIDE = ("BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT")
# From here on a number in JavaScript is not every whole number.
_FIRST_ROUNDED = 2**53


@dataclass(frozen=True)
class Written:
    """What became of a query's rows.

    Args:
        rows: How many there are.
        is_written: Whether there is a file.
        rounded: The columns of whole numbers some of which a browser shows as other ones.
    """

    rows: int
    is_written: bool
    rounded: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceQuery:
    """One SELECT of a file.

    Args:
        where: The file, as errors name it.
        text: What is in it.
        select: The statement, without what would end it.
    """

    where: str
    text: str
    select: str

    @classmethod
    def read(cls, session: DuckDBPyConnection, path: Path, where: str) -> Self:
        """Read a file.

        Raises:
            PublishError: It is not one SELECT.
        """
        import duckdb

        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise PublishError(
                f"{where} is not UTF-8 text: {error}.", "Save it as UTF-8."
            ) from error
        try:
            select = one_select(session, text)
        except duckdb.Error as error:
            raise _refused(session, where, text, error) from error
        if select is None:
            raise PublishError(f"{where} is not one SELECT.", "Write one SELECT, and nothing else.")
        return cls(where, text, select)

    def write(self, session: DuckDBPyConnection, target: Path, most_rows: int = 0) -> Written:
        """Write the rows as a file that the browser's engine reads.

        Args:
            most_rows: Of more rows no file is left behind; 0: there is no limit.

        Raises:
            PublishError: The query fails.
        """
        import duckdb

        try:
            if most_rows and self._guess(session) > most_rows:
                # Writing so many takes far longer than counting them.
                rows = self._count(session)
                if rows > most_rows:
                    return Written(rows, is_written=False)
            result = session.sql(self.select)
            columns = ", ".join(
                _as_published(name, kind)
                for name, kind in zip(result.columns, result.types, strict=True)
            )
            rows = write_rows(session, f"SELECT {columns} FROM {self._relation}", target)  # noqa: S608
        except (duckdb.FatalException, duckdb.OutOfMemoryException):
            raise
        except duckdb.Error as error:
            if isinstance(error, duckdb.IOException) and str(target.parent) in str(error):
                raise
            raise _refused(session, self.where, self.text, error) from error
        if most_rows and rows > most_rows:
            target.unlink()
            return Written(rows, is_written=False)
        return Written(rows, is_written=True, rounded=_rounded(session, result, target))

    @property
    def _relation(self) -> str:
        # The line break ends a comment on the query's last line.
        return f"({self.select}\n)"

    def _guess(self, session: DuckDBPyConnection) -> int:
        """How many rows the engine expects: right for those of a table, 0 where it cannot say."""
        plan = session.execute(f"EXPLAIN (FORMAT json) {self.select}").fetchone()
        top = json.loads(plan[1])[0] if plan else {}
        return int(top.get("extra_info", {}).get(_CARDINALITY, 0))

    def _count(self, session: DuckDBPyConnection) -> int:
        row = session.execute(f"SELECT count(*) FROM {self._relation}").fetchone()  # noqa: S608
        return int(row[0]) if row else 0


def write_rows(session: DuckDBPyConnection, query: str, target: Path) -> int:
    """Write what a query gives as a file that the browser's engine reads; say how many rows."""
    # The browser's engine reads other compressions than zstd and snappy as no rows at all.
    done = session.execute(
        f"COPY ({query}) TO {quote_literal(target)} "
        "(FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v1)"
    ).fetchone()
    return int(done[0]) if done else 0


def _rounded(
    session: DuckDBPyConnection, result: duckdb.DuckDBPyRelation, target: Path
) -> tuple[str, ...]:
    """The columns of whole numbers that were written with some of which are no longer exact."""
    kinds = dict(zip(result.columns, result.types, strict=True))
    whole = [name for name, kind in kinds.items() if str(kind) in _WIDE]
    if not whole:
        return ()
    large = session.execute(
        "SELECT DISTINCT path_in_schema FROM parquet_metadata(?) WHERE greatest("
        "abs(TRY_CAST(stats_min_value AS DOUBLE)), abs(TRY_CAST(stats_max_value AS DOUBLE))) >= ?",
        [str(target), _FIRST_ROUNDED],
    ).fetchall()
    return tuple(name for name in whole if (name,) in large)


def _refused(
    session: DuckDBPyConnection, where: str, text: str, error: duckdb.Error
) -> PublishError:
    line, message = _locate(session, text, error)
    return PublishError(
        f"{where}, line {line}: {message}",
        "Fix the query. It runs in DuckDB, on the workflow's tables.",
    )


def _locate(session: DuckDBPyConnection, text: str, error: duckdb.Error) -> tuple[int, str]:
    """The line of a query that an error is about, and the error in one line."""
    import duckdb

    message = str(error)
    if not _ERROR_LINE.search(message):
        # Only a statement that is run tells the line of a name that it does not know.
        try:
            session.execute(f"EXPLAIN {text}")
        except duckdb.Error as again:
            message = str(again)
    found = _ERROR_LINE.search(message)
    # What names no line misses something at the end, or fails in the middle of the rows.
    line = int(found[1]) if found else len(text.rstrip().splitlines())
    reason = message[: found.start()] if found else message
    return line, " ".join(reason.split())


def _as_published(name: str, kind: DuckDBPyType) -> str:
    column, family = quote_identifier(name), type_family(kind)
    if family in ("whole", "fraction"):
        value = f"CAST({column} AS DOUBLE)"
    elif family == "moment":
        # A cast alone would round the last moment of a day into the next one. An infinite date
        # has no milliseconds: it becomes a null.
        moment = f"date_trunc('millisecond', CAST({column} AS TIMESTAMP))"
        value = f"CASE WHEN isfinite({column}) THEN TRY_CAST({moment} AS TIMESTAMP_MS) END"
    elif family == "boolean":
        value = column
    elif family == "nested":
        value = f"CAST(to_json({column}) AS VARCHAR)"
    else:
        value = f"CAST({column} AS VARCHAR)"
    return f"{value} AS {column}"
