"""What a kind of stage is, whether it is built in or comes from another distribution.

A distribution adds one by an entry point in the group ``dataflow.stages`` that names a `StageKind`;
the entry point's name is the ``name`` that config.yaml gives the stage. Validating a configuration
imports the module of the kind, so it leaves the libraries that it computes with to ``apply``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from dataflow.shared.config_types import Section

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from dataflow.stages.rows_file import RowsFile

Options = TypeVar("Options", bound=Section)


@dataclass(frozen=True)
class StageKind(Generic[Options]):
    """One kind of stage.

    Args:
        options: The model of ``options`` in config.yaml. Every key needs a default.
        apply: Makes a new table of the rows, which it does not change. It raises a
            ``DataflowError`` for whatever a person can put right.
        apply_to_file: Does the same to rows in a Parquet file, by SQL, so that they are never held
            in memory. Left out, the rows become a table.
        takes_file: Whether `apply_to_file` can do what these options ask for.
    """

    options: type[Options]
    apply: Callable[[pa.Table, Options], pa.Table]
    apply_to_file: Callable[[RowsFile, Options], None] | None = None
    takes_file: Callable[[Options], bool] = lambda _: True
