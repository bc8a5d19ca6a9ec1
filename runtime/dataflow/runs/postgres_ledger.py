"""The notes of runs beside a history that hosts share: in two tables of its Postgres.

A run's host writes them, and every host that shows runs reads them, in one question for a list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.runs.postgres_history import connect, history_address, postgres_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from psycopg2.extensions import connection as Connection  # noqa: N812

    from dataflow.shared.project import Project

# Dagster's own table of runs is called runs.
_NAMES = {" runs ": " dataflow_runs ", " errors ": " dataflow_run_errors "}
_IS_MADE = "select to_regclass('dataflow_run_errors') is not null"
# Two that make them at once may both find that there are none.
_MAKE = """
select pg_advisory_xact_lock(hashtext('dataflow_runs'));
create table if not exists dataflow_runs (
    run_id text primary key, workflow_id text not null, steps text not null, rejected bigint,
    ended double precision
);
create index if not exists dataflow_latest_runs on dataflow_runs (workflow_id, ended);
create table if not exists dataflow_run_errors (run_id text primary key, error text)
"""


class PostgresLedger:
    """A connection, in one transaction, for a ledger's statements as SQLite has them.

    Raises:
        HistoryError: The Postgres cannot be reached, or refuses.
        BadInputError: The setting ``history`` is wrong.
    """

    def __init__(self, project: Project) -> None:
        self._address = history_address(project)

    def __enter__(self) -> PostgresLedger:
        self._connection: Connection = connect(self._address)
        try:
            [(is_made,)] = self.execute(_IS_MADE)
            if not is_made:
                self.execute(_MAKE)
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._connection.commit()
        finally:
            self._connection.close()

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Execute one statement; its rows, if it is a question."""
        import psycopg2

        try:
            cursor = self._connection.cursor()
            cursor.execute(_as_postgres(statement), parameters or None)
            return cursor.fetchall() if cursor.description else []
        except psycopg2.Error as error:
            raise postgres_fault(self._address, error) from error

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute one statement for each of some rows."""
        import psycopg2
        from psycopg2.extras import execute_batch

        try:
            execute_batch(self._connection.cursor(), _as_postgres(statement), rows)
        except psycopg2.Error as error:
            raise postgres_fault(self._address, error) from error


def _as_postgres(statement: str) -> str:
    for name, here in _NAMES.items():
        statement = statement.replace(name, here)
    return statement.replace("?", "%s")
