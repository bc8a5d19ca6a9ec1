"""Which assets a workflow has: those that its steps make, and those of its author's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dagster import AssetKey, AssetsDefinition, AssetSpec

from dataflow.runs.lineage import Lineage, read_lineage, with_words_of

if TYPE_CHECKING:
    from dataflow.runs.module_definitions import ModuleDefinitions
    from dataflow.shared.config_model import WorkflowConfig
    from dataflow.shared.project import Project


def lineage_of(
    project: Project, workflow_id: str, config: WorkflowConfig | None, found: ModuleDefinitions
) -> Lineage:
    """The assets that the steps make; none for a workflow that has none of the library's."""
    if config is None or not found.has_steps:
        return Lineage()
    try:
        return read_lineage(project, workflow_id, config)
    except Exception as error:  # whatever somebody's dbt project holds, the job can run
        found.leave_out("the assets of its tables", f"They cannot be read: {error}")
        return Lineage()


def merged_assets(assets: list[Any], lineage: Lineage) -> tuple[list[Any], Lineage]:
    """What an author's specs say of the steps' assets is theirs; other assets stay."""
    said = {asset.key: asset for asset in assets if isinstance(asset, AssetSpec)}
    specs = [
        with_words_of(spec, said[spec.key]) if spec.key in said else spec for spec in lineage.specs
    ]
    made = {spec.key for spec in specs}
    others = [a for a in assets if not isinstance(a, AssetSpec) or a.key not in made]
    return others, replace(lineage, specs=specs)


def keys_of(assets: list[Any]) -> list[AssetKey]:
    """The keys of assets of whatever kind, in order."""
    keys: list[AssetKey] = []
    for asset in assets:
        keys += asset.keys if isinstance(asset, AssetsDefinition) else [asset.key]
    return keys
