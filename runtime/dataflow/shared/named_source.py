"""One of several sources of a workflow, and the tables that are made of a source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from dataflow.shared.config_kinds import SourceSettings  # noqa: TC001 - pydantic reads it
from dataflow.shared.config_types import (
    FaultsBetween,
    Section,
    Text,
    is_identifier,
    refusal,
)
from dataflow.shared.contract import Columns, Contract, OnChange
from dataflow.shared.load_settings import Load, SourceLoad


def names_as_text(value: Any) -> Any:
    """A mapping whose keys are names, also where YAML took one for a number or a truth value."""
    if value is None:
        return {}
    return {str(k): v for k, v in value.items()} if isinstance(value, Mapping) else value


def faults_of_names(values: Mapping[str, Any], key: str) -> FaultsBetween:
    """What is wrong with the names in a mapping of tables."""
    for name in names_as_text(values.get(key)) if isinstance(values.get(key), Mapping) else ():
        if not is_identifier(name):
            allowed = "letters, digits and underscores, a letter or underscore first, 63 at most"
            reason = refusal("cannot be the name of a table", allowed, of_key=True)
            yield (key, name), reason


class ChildTable(Section):
    """A list in each row of a source, as a table of its own: one row for each of its items.

    Beside what an item has, and the columns of `parent`, a row has its place in the list, counted
    from 1, as `list_position`.
    """

    path: Text = Field(
        description="The column that holds the list. A list within an object is found by a dotted "
        "path: `cart.lines`."
    )
    parent: dict[Text, Text] = Field(
        description="Which columns tell what row an item belongs to: the name that each gets, and "
        "the column of the row that it is taken from: `{order_id: id}`."
    )
    columns: Columns = Field(
        default_factory=dict,
        description="What is agreed about each column of the items, as for a source.",
    )
    on_change: OnChange = Field(
        default_factory=OnChange,
        description="What happens when the items are no longer as `columns` says.",
    )

    @property
    def contract(self) -> Contract | None:
        """What is agreed about the items, if anything is."""
        return Contract(self.columns, self.on_change) if self.columns else None


ChildTables = Annotated[dict[str, ChildTable], BeforeValidator(names_as_text)]


class NamedSource(Section):
    """One of several sources, with a contract and a table of its own."""

    source: SourceSettings = Field(
        description="Where the rows come from; `type` says which keys it has."
    )
    columns: Columns = Field(
        default_factory=dict, description="The contract: what is agreed about each column."
    )
    on_change: OnChange = Field(
        default_factory=OnChange,
        description="What happens when the source is no longer as `columns` says.",
    )
    load: SourceLoad = Field(default_factory=SourceLoad, description="Where its rows go.")
    child_tables: ChildTables = Field(
        default_factory=dict,
        description="Lists in the rows that become tables of their own, by the tables' names.",
    )

    @property
    def contract(self) -> Contract | None:
        """What is agreed about the columns, if anything is."""
        return Contract(self.columns, self.on_change) if self.columns else None

    @classmethod
    def faults_between(cls, values: Mapping[str, Any]) -> FaultsBetween:
        """A child table's name can be one."""
        yield from faults_of_names(values, "child_tables")


@dataclass(frozen=True)
class SourceTable:
    """A table that a run loads, and where its rows come from.

    Args:
        name: The source's name; empty for a workflow's only source.
        load: Where and how it is loaded, every default filled in.
        child_tables: The tables that are made of lists in its rows.
    """

    name: str
    source: Section
    contract: Contract | None
    load: Load
    child_tables: Mapping[str, ChildTable] = field(default_factory=dict)
