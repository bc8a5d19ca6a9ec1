"""What a workflow's own files need beside logging, configuration and the registry.

Importing a name imports no more than that name needs. These, with ``dataflow.shared.logging``,
``dataflow.shared.config`` and ``dataflow.workflows.registry``, are the library's stable surface;
everything else in it may change with any version.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataflow.modelling.outcomes import BuildResult
    from dataflow.runs.context import open_warehouse
    from dataflow.runs.steps import Steps
    from dataflow.runs.stored_table import StoredTable
    from dataflow.shared.errors import BadInputError, DataflowError
    from dataflow.sources.read import read_source
    from dataflow.stages.apply import apply_stages
    from dataflow.testing.sandbox import Sandbox
    from dataflow.warehouse.kind import LoadResult

__all__ = [
    "BadInputError",
    "BuildResult",
    "DataflowError",
    "LoadResult",
    "Sandbox",
    "Steps",
    "StoredTable",
    "apply_stages",
    "open_warehouse",
    "read_source",
]

_HOMES = {
    "BadInputError": "dataflow.shared.errors",
    "BuildResult": "dataflow.modelling.outcomes",
    "DataflowError": "dataflow.shared.errors",
    "LoadResult": "dataflow.warehouse.kind",
    "Sandbox": "dataflow.testing.sandbox",
    "Steps": "dataflow.runs.steps",
    "StoredTable": "dataflow.runs.stored_table",
    "apply_stages": "dataflow.stages.apply",
    "open_warehouse": "dataflow.runs.context",
    "read_source": "dataflow.sources.read",
}


def __getattr__(name: str) -> Any:
    """Import a name where it lives, the first time that it is asked for (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return __all__
