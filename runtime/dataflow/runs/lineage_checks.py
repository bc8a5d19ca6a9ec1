"""The checks of a workflow's tables as Dagster has them: dbt's tests and contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagster import AssetChecksDefinition, Failure, multi_asset_check

if TYPE_CHECKING:
    from dataflow.runs.lineage import Lineage


def checks_of(workflow_id: str, lineage: Lineage) -> list[AssetChecksDefinition]:
    """The checks of a workflow, as one op: none, or one definition of them all.

    They are made by each run of the workflow. Dagster has no check that cannot be started by
    itself, so this says what to start instead.
    """
    if not lineage.checks:
        return []

    @multi_asset_check(name=f"{workflow_id}__checks", specs=lineage.checks, can_subset=True)
    def explain():  # type: ignore[no-untyped-def]  # Dagster reads annotations as outputs
        raise Failure(
            f"The checks of {workflow_id} are made when it runs, on what that run has loaded, "
            f"before anybody sees it. Start a run of the workflow."
        )

    return [explain]
