"""The unit tests of a workflow's dbt models: rows that a test gives, and what it expects of them.

They say something of the code, whatever the data are, so that runs do not make them: the tests of
a workflow do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.modelling.artefacts import WRITES_NONE
from dataflow.modelling.build import first_lines, found_by_dbt
from dataflow.modelling.known_graph import read_manifest
from dataflow.modelling.profile import profile_folder
from dataflow.warehouse.kind import dbt_output_of, visible_warehouse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.shared.project import Project
    from dataflow.warehouse.kind import HeldTables

# What dbt shows of the rows that differ.
_MOST_LINES = 25


def failed_unit_tests(
    project: Project, workflow_id: str, upstream: Mapping[str, HeldTables]
) -> list[str]:
    """Make the unit tests of a workflow that has been run: dbt asks its tables for their columns.

    Args:
        upstream: The tables of other workflows that models read.

    Returns:
        A sentence with the rows that differ for each test that fails; nothing for a workflow
        without unit tests.
    """
    manifest = read_manifest(project, workflow_id)
    if manifest is None or not manifest.has_unit_tests:
        return []
    from dbt.cli.main import dbtRunner

    warehouse = visible_warehouse(project, workflow_id)
    folder = project.workflow_dir(workflow_id) / "dbt"
    state = project.state_dir / "dbt" / workflow_id
    profile = profile_folder(folder, state, dbt_output_of(warehouse), upstream)
    # The artefacts that are there are those of the run.
    options = ["--quiet", "--log-level", "none", "--no-use-colors", WRITES_NONE]
    places = ["--project-dir", str(folder), "--profiles-dir", str(profile)]
    places += ["--target-path", str(state / "target"), "--log-path", str(state / "logs")]
    with found_by_dbt(warehouse, state / "target"):
        made = dbtRunner().invoke([*options, "test", "--select", "test_type:unit", *places])
    failed = [
        _fault(project.relative(folder / each.node.original_file_path), each)
        for each in getattr(made.result, "results", None) or []
        if each.status not in ("pass", "skipped")
    ]
    if made.exception is not None:
        failed.append(first_lines(str(made.exception)))
    return failed


def _fault(where: str, result: Any) -> str:
    said = first_lines(result.message or "it failed", _MOST_LINES)
    return f"The unit test {result.node.name} in {where}: {said}"
