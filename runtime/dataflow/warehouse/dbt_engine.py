"""What an engine is that builds dbt's models beside the warehouse, as Spark does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from dataflow.warehouse.kind import ByDbtOutput

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

    from dataflow.warehouse.kind import HeldTables


@dataclass(frozen=True)
class DbtTable:
    """A table or view of dbt's: where it is in the workflow's files, and what it is.

    Args:
        upstream: The other workflow that it is of; empty for the workflow's own.
        is_view: Whether dbt makes a view of it.
    """

    schema: str
    name: str
    upstream: str = ""
    is_view: bool = False


class DbtEngine(Protocol):
    """An engine that builds dbt's models, for the time of one build."""

    def schema_of(self, table: DbtTable) -> str:
        """The schema in which the engine has a table."""

    def settings_of(self, table: DbtTable) -> Mapping[str, Any]:
        """What dbt's adapter is to be told of a table that it makes, as a model's ``config``."""

    def before_statement(self) -> None:
        """See that dbt's adapter does what it is to; called often, from dbt's threads."""

    def keep(self, made: Sequence[DbtTable]) -> None:
        """Put what dbt has made into the warehouse, all of it or nothing.

        Raises:
            BadInputError: The warehouse does not hold it.
            WarehouseError: It cannot be written, or is not whole.
        """


@runtime_checkable
class HasDbtEngine(ByDbtOutput, Protocol):
    """A warehouse whose models are built by an engine beside it, which is there for builds only."""

    # The kinds of materialization that the engine makes.
    dbt_makes: Collection[str]

    def dbt_engine(
        self, read: Sequence[DbtTable], upstream: Mapping[str, HeldTables]
    ) -> AbstractContextManager[DbtEngine]:
        """The engine, which sees the tables that are read, as far as they exist.

        Raises:
            DataflowError: It cannot be had, or does not read one of the tables.
        """
