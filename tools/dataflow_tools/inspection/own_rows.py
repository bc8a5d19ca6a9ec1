"""The rows of a workflow whose own code reads its source: what its ``extract_data`` gives."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.own_code import OwnCode
from dataflow.shared.shown import quoted
from dataflow.shared.tables import to_arrow
from dataflow.sources.kind import kind_names

if TYPE_CHECKING:
    import pyarrow as pa

    from dataflow.shared.named_source import SourceTable
    from dataflow.shared.project import Project


def is_read_by_own_code(project: Project, workflow_id: str, table: SourceTable) -> bool:
    """Whether a workflow's ``ingestion.py`` reads a source itself, and no kind of the library."""
    code = OwnCode(workflow_id, project.workflow_dir(workflow_id))
    return code.reads_source_itself or table.source.model_dump()["type"] not in kind_names()


def own_rows(project: Project, workflow_id: str, table: SourceTable) -> pa.Table:
    """Call a workflow's ``extract_data`` as a first run would, and take its rows.

    Raises:
        BadInputError: The code fails, or does not return rows.
    """
    project.make_importable()
    named = {"source": table.name} if table.name else {}
    file = project.relative(project.workflow_dir(workflow_id) / "ingestion.py")
    try:
        module = importlib.import_module(f"dataflow.workflows.{workflow_id}.ingestion")
        returned: Any = module.extract_data({**named, "last_value": None})
        return to_arrow(returned["data"])
    except DataflowError:
        raise
    except Exception as error:
        # Whatever the author's code may raise.
        raise BadInputError(
            f"extract_data in {file} gave no rows to look at: "
            f"{type(error).__name__}: {quoted(str(error))}",
            f"Correct it; `dataflow workflow run {workflow_id}` shows where it fails.",
        ) from error
