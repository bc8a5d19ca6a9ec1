"""A stage: values of some columns become pseudonyms, the same for the same value."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from pydantic import Field

from dataflow.shared.config_types import Secret, Section, Text
from dataflow.stages.errors import StageError
from dataflow.stages.kind import StageKind

if TYPE_CHECKING:
    import pyarrow as pa

_LENGTH = 16


class PseudonymOptions(Section):
    """Replaces values by pseudonyms."""

    columns: list[Text] = Field(default_factory=list, description="The columns to replace.")
    key: Secret | None = Field(
        default=None, description="Whoever has it can tell which value a pseudonym stands for."
    )


def pseudonymise(table: pa.Table, options: PseudonymOptions) -> pa.Table:
    """Replace every value of the columns by a text of 16 characters; what is null stays null."""
    import pyarrow as pa

    missing = [name for name in options.columns if name not in table.column_names]
    if missing:
        raise StageError(
            f"There is no column {', '.join(missing)} to replace.",
            f"Correct `columns` of the stage; there are: {', '.join(table.column_names)}.",
        )
    key = (options.key or "").encode()
    for name in options.columns:
        values = [None if v is None else _pseudonym(key, str(v)) for v in table[name].to_pylist()]
        index = table.column_names.index(name)
        table = table.set_column(index, name, pa.array(values, pa.string()))
    return table


def _pseudonym(key: bytes, value: str) -> str:
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:_LENGTH]


KIND = StageKind(PseudonymOptions, pseudonymise)
