"""How rows are loaded: the section `load` of config.yaml, and that of one of several sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from dataflow.shared.config_types import (
    Boolean,
    FaultsBetween,
    Identifier,
    Section,
    Text,
    refusal,
)


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else [] if value is None else value


ColumnNames = Annotated[
    list[Text], BeforeValidator(_one_or_more, json_schema_input_type=str | list[str] | None)
]
Disposition = Literal["replace", "append", "merge"]


class Load(Section):
    """Where the rows go."""

    table: Identifier = Field(
        default="",
        description="The table in the schema `raw` of the warehouse. Left out: the workflow's id. "
        "Of several sources each has its own.",
    )
    write_disposition: Disposition = Field(
        default="replace",
        description="`replace` puts the new rows in place of the old ones, `append` adds them, "
        "`merge` updates the rows with the same primary key and adds the others.",
    )
    primary_key: ColumnNames = Field(
        default_factory=list, description="The columns that tell rows apart. `merge` needs them."
    )
    allow_empty: Boolean = Field(
        default=False, description="Let a `replace` without a single row empty the table."
    )

    @classmethod
    def faults_between(cls, values: Mapping[str, Any]) -> FaultsBetween:
        """A key names each column once."""
        key = values.get("primary_key")
        names = [name for name in key if isinstance(name, str)] if isinstance(key, list) else []
        if len(set(names)) < len(names):
            yield ("primary_key",), refusal("names a column twice")


class SourceLoad(Section):
    """Where the rows of one of several sources go; what is left out is as in the section `load`."""

    table: Identifier | None = Field(
        default=None, description="The table in the schema `raw`. Left out: the source's name."
    )
    write_disposition: Disposition | None = Field(
        default=None, description="What becomes of the rows that are there, as in `load`."
    )
    primary_key: ColumnNames | None = Field(
        default=None, description="The columns that tell rows apart. `merge` needs them."
    )
    allow_empty: Boolean | None = Field(
        default=None, description="Let a `replace` without a single row empty the table."
    )
