"""The checks of a workflow's tables as Dagster has them: dbt's tests and contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagster import AssetChecksDefinition, In, Nothing, OpDefinition, Out

from dataflow.runs.lineage_assets import made_alone, not_alone

if TYPE_CHECKING:
    from dagster import JobDefinition

    from dataflow.runs.lineage import Lineage


def checks_of(
    workflow_id: str, lineage: Lineage, job: JobDefinition
) -> list[AssetChecksDefinition]:
    """The checks of what only a whole run makes, as one op: none, or one definition of them all.

    They are made by each run of the workflow. Dagster has no check that cannot be started by
    itself, so this says what to start instead.
    """
    made = made_alone(lineage, job)
    checks = [check for check in lineage.checks if check.asset_key not in made]
    if not checks:
        return []

    def explain(_context, _inputs):  # type: ignore[no-untyped-def]  # as Dagster wants it
        raise not_alone(workflow_id)

    # Without Dagster's decorator, which looks for types in functions and takes its time.
    outs = {spec.get_python_identifier(): spec for spec in checks}
    keys = {"__".join(spec.asset_key.path): spec.asset_key for spec in checks}
    names = {f"of_{number}": key for number, key in enumerate(keys.values())}
    node = OpDefinition(
        compute_fn=explain,
        name=f"{workflow_id}__checks",
        ins={name: In(Nothing) for name in names},
        outs={name: Out(Nothing, is_required=False) for name in outs},
    )
    return [
        AssetChecksDefinition.create(
            keys_by_input_name=names,
            node_def=node,
            check_specs_by_output_name=outs,
            can_subset=True,
        )
    ]
