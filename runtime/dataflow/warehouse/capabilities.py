"""What a kind of warehouse may be able to do besides, see `dataflow.warehouse.kind`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeGuard, runtime_checkable

from dataflow.warehouse.kind import PlacesModels, Warehouse

if TYPE_CHECKING:
    from dataflow.shared.edited_file import EditedFile
    from dataflow.warehouse.kind import LoadRequest, LoadResult


@runtime_checkable
class PlacesTables(PlacesModels, Protocol):
    """A warehouse in which each table may be in a place of its own."""

    def dbt_table(self, schema: str, table: str, upstream: str = "") -> tuple[str, str, str]:
        """The database, the schema and the name of a table that dbt reads as a source."""

    def dbt_relation(self, *names: str) -> str:
        """A table by its database, its schema and its name, as SQL of the warehouse."""


@runtime_checkable
class RenamesTables(Protocol):
    """A warehouse that can give a workflow's tables to another name."""

    def rename(self, new: str) -> None:
        """Let the tables, watermarks and kept states be those of another workflow, at one moment.

        What a failed run has left is given up. What is done already is not done again.

        Raises:
            BadInputError: There are tables of the new name.
            WarehouseError: A run is at work, or it cannot be done; all is as it was.
        """


@runtime_checkable
class LoadsEdited(Warehouse, Protocol):
    """A warehouse that makes of a Parquet file what goes into a table while it reads the file."""

    def load_edited(self, rows: EditedFile, request: LoadRequest) -> LoadResult:
        """Load rows of a file of which some are left out, or which get columns; see `load`."""


def loads_edited(warehouse: Warehouse) -> TypeGuard[LoadsEdited]:
    """Whether a warehouse is one of those.

    A class that has a `load` of its own, and `load_edited` from one that it is made of, is not.
    """
    if not isinstance(warehouse, LoadsEdited):
        return False
    made_of = map(vars, type(warehouse).__mro__)
    return "load_edited" in next((each for each in made_of if "load" in each), {})
