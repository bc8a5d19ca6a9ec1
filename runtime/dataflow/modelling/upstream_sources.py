"""What dbt is told of the tables of other workflows, so that models read them as sources.

``{{ source('orders', 'daily') }}`` is the table ``daily`` of the workflow ``orders``. For that the
dbt project gets a package with those sources, in the folder of its packages, which git ignores, and
a copy of its ``profiles.yml`` that attaches the files. The files of the workflow stay as they are.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import yaml

from dataflow.modelling.packages import UPSTREAM_PACKAGE, packages_folder
from dataflow.shared.errors import BadInputError
from dataflow.shared.sql import quote_identifier
from dataflow.warehouse.upstream_tables import tables_for_others

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dataflow.modelling.model_graph import ModelGraph
    from dataflow.warehouse.upstream_tables import UpstreamTable

_PROJECT = {
    "name": UPSTREAM_PACKAGE,
    "version": "1.0.0",
    "config-version": 2,
    "model-paths": ["models"],
}


class UpstreamError(BadInputError):
    """A model reads tables of a workflow that has made none."""


def tell_of_upstreams(
    folder: Path, state: Path, files: Mapping[str, Path], graph: ModelGraph
) -> Path:
    """Let a dbt project read the tables of other workflows.

    Args:
        folder: The dbt project.
        state: Where dbt's artefacts of it lie.
        files: The DuckDB files of those workflows, by their ids; those that exist are read.
        graph: What is known of the project.

    Returns:
        The folder of the profile that dbt is to use.

    Raises:
        UpstreamError: A model reads tables of a workflow that has not run yet.
        WarehouseError: A file cannot be read.
    """
    package = packages_folder(folder) / UPSTREAM_PACKAGE
    if not files:
        # It may have come after others before.
        for name in ("models/sources.yml", "dbt_project.yml"):
            (package / name).unlink(missing_ok=True)
        for leftover in (package / "models", package):
            if leftover.is_dir() and not any(leftover.iterdir()):
                leftover.rmdir()
        return folder
    for model in graph.models:
        for upstream, _, table in model.upstream:
            if upstream in files and not files[upstream].exists():
                raise UpstreamError(
                    f"The model {model.relation[1]} reads {table} of the workflow {upstream!r}, "
                    "which has no tables yet.",
                    f"Run that one first: dataflow workflow run {upstream}. In a test, give it "
                    f"rows: sandbox.use_upstream({upstream!r}, {table!r}, [...])",
                )
    tables = [
        table
        for name, path in files.items()
        if path.exists()
        for table in tables_for_others(name, path)
    ]
    _write(package / "dbt_project.yml", _PROJECT)
    _write(package / "models" / "sources.yml", {"version": 2, "sources": list(_sources(tables))})
    return _write_profile(folder, state, files)


def _sources(tables: Iterable[UpstreamTable]) -> Iterable[dict[str, Any]]:
    """One source for each workflow and schema; dbt takes several of one name."""
    by_schema: dict[tuple[str, str], list[UpstreamTable]] = {}
    for table in tables:
        by_schema.setdefault((table.workflow_id, table.schema), []).append(table)
    for (workflow_id, schema), found in by_schema.items():
        yield {
            "name": workflow_id,
            "database": workflow_id,
            "schema": schema,
            "description": f"The tables that the workflow {workflow_id} has made.",
            "tables": [{"name": table.name} for table in found],
        }


def _write_profile(folder: Path, state: Path, files: Mapping[str, Path]) -> Path:
    """The project's own profile, which attaches the files besides what it says."""
    try:
        profiles = yaml.safe_load((folder / "profiles.yml").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        # dbt says what is wrong with it.
        return folder
    attached = [
        {"path": str(path), "alias": quote_identifier(name), "read_only": True}
        for name, path in files.items()
        if path.exists()
    ]
    for profile in profiles.values() if isinstance(profiles, dict) else ():
        outputs = profile.get("outputs") if isinstance(profile, dict) else None
        for output in outputs.values() if isinstance(outputs, dict) else ():
            if isinstance(output, dict) and output.get("type") == "duckdb":
                output["attach"] = [*(output.get("attach") or []), *attached]
    _write(state / "profile" / "profiles.yml", profiles)
    return state / "profile"


def _write(path: Path, values: Any) -> None:
    """Write a YAML file, unless it is so already: dbt reads anew what has changed."""
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
