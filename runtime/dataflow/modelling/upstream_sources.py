"""What dbt is told of the tables of other workflows, so that models read them as sources.

``{{ source('orders', 'daily') }}`` is the table ``daily`` of the workflow ``orders``. For that the
dbt project gets a package with those sources, in the folder of its packages, which git ignores. The
files of the workflow stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.modelling.packages import UPSTREAM_PACKAGE, packages_folder
from dataflow.modelling.profile import write_yaml
from dataflow.shared.errors import BadInputError
from dataflow.warehouse.upstream_tables import tables_for_others

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dataflow.modelling.model_graph import ModelGraph
    from dataflow.warehouse.kind import HeldTables
    from dataflow.warehouse.upstream_tables import UpstreamTable

_PROJECT = {
    "name": UPSTREAM_PACKAGE,
    "version": "1.0.0",
    "config-version": 2,
    "model-paths": ["models"],
}


class UpstreamError(BadInputError):
    """A model reads tables of a workflow that has made none.

    Why: A model reads another workflow's tables (`workflow.after`), and that one has not had a
    good run.

    What to do: Run that workflow first, then this one.
    """


def tell_of_upstreams(
    folder: Path,
    upstream: Mapping[str, HeldTables],
    graph: ModelGraph,
    *,
    names_databases: bool = True,
) -> None:
    """Let a dbt project read the tables of other workflows.

    Args:
        folder: The dbt project.
        upstream: The tables of those workflows, by their ids; those that exist are read.
        graph: What is known of the project.
        names_databases: Whether dbt's adapter takes a workflow for a database.

    Raises:
        UpstreamError: A model reads tables of a workflow that has not run yet.
        WarehouseError: They cannot be read.
    """
    package = packages_folder(folder) / UPSTREAM_PACKAGE
    if not upstream:
        # It may have come after others before.
        for name in ("models/sources.yml", "dbt_project.yml"):
            (package / name).unlink(missing_ok=True)
        for leftover in (package / "models", package):
            if leftover.is_dir() and not any(leftover.iterdir()):
                leftover.rmdir()
        return
    for model in graph.models:
        for read, _, table in model.upstream:
            if read in upstream and not upstream[read].exists():
                raise UpstreamError(
                    f"The model {model.relation[1]} reads {table} of the workflow {read!r}, "
                    "which has no tables yet.",
                    f"Run that one first: dataflow workflow run {read}. In a test, give it "
                    f"rows: sandbox.use_upstream({read!r}, {table!r}, [...])",
                )
    tables = [
        table
        for name, held in upstream.items()
        if held.exists()
        for table in tables_for_others(name, held)
    ]
    write_yaml(package / "dbt_project.yml", _PROJECT)
    sources = {"version": 2, "sources": list(_sources(tables, names_databases=names_databases))}
    write_yaml(package / "models" / "sources.yml", sources)


def _sources(tables: Iterable[UpstreamTable], *, names_databases: bool) -> Iterable[dict[str, Any]]:
    """One source for each workflow and schema; dbt takes several of one name."""
    by_schema: dict[tuple[str, str], list[UpstreamTable]] = {}
    for table in tables:
        by_schema.setdefault((table.workflow_id, table.schema), []).append(table)
    for (workflow_id, schema), found in by_schema.items():
        yield {
            "name": workflow_id,
            **({"database": workflow_id} if names_databases else {}),
            "schema": schema,
            "description": f"The tables that the workflow {workflow_id} has made.",
            "tables": [{"name": table.name} for table in found],
        }
