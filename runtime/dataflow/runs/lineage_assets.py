"""The tables of a workflow as Dagster has them: its UI makes each of them, or all.

One op for a workflow makes what is asked for. It holds the workflow, works on a copy and shows it
at its end, like a whole run. Raw tables are loaded by those ops of the workflow's own job that a
whole run loads them by; where they cannot be told, or the job is partitioned, runs of the job alone
load them. The source is told of by whoever reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagster import AssetsDefinition, Failure, In, Nothing, OpDefinition, Out

from dataflow.warehouse.kind import LoadResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagster import AssetKey, AssetSpec, JobDefinition

    from dataflow.runs.lineage import Lineage

_DASHBOARD, _RAW = "dashboard", "raw"


def assets_of(
    workflow_id: str, lineage: Lineage, job: JobDefinition
) -> list[AssetSpec | AssetsDefinition]:
    """The assets of a workflow: what runs of its job tell of, and one definition of all others."""
    made = made_alone(lineage, job)
    told: list[AssetSpec | AssetsDefinition] = [s for s in lineage.specs if s.key not in made]
    if not made:
        return told
    specs = [spec for spec in lineage.specs if spec.key in made]
    checks = {c.get_python_identifier(): c for c in lineage.checks if c.asset_key in made}
    before = {dep.asset_key: None for spec in specs for dep in spec.deps}
    inputs = {f"of_{number}": key for number, key in enumerate(k for k in before if k not in made)}
    outputs = {"__".join(spec.key.path): spec.key for spec in specs}
    models = {key: name for key, name in lineage.models.items() if key in made}

    def make(_context, _inputs):  # type: ignore[no-untyped-def]  # as Dagster wants it
        return _make(workflow_id, models, job)

    # Without Dagster's decorator, which looks for types in functions and takes its time.
    node = OpDefinition(
        compute_fn=make,
        name=f"build_{workflow_id}",
        ins={name: In(Nothing) for name in inputs},
        outs={name: Out(Nothing, is_required=False) for name in (*outputs, *checks)},
    )
    definition = AssetsDefinition(
        keys_by_input_name=inputs,
        keys_by_output_name=outputs,
        node_def=node,
        specs=specs,
        check_specs_by_output_name=checks,
        can_subset=True,
    )
    return [*told, definition]


def made_alone(lineage: Lineage, job: JobDefinition) -> set[AssetKey]:
    """The keys of the assets that can be made without a run of the workflow's job."""
    can_load = job.partitions_def is None and bool(loading_ops(job))
    return {
        spec.key
        for spec in lineage.specs
        if spec.key in lineage.models or _is_dashboard(spec.key) or (can_load and _is_raw(spec.key))
    }


def loading_ops(job: JobDefinition) -> list[str]:
    """The ops of a job that load tables, by what they say that they return."""
    return [
        node.name
        for node in job.graph.nodes
        if any(each.dagster_type.typing_type is LoadResult for each in node.definition.output_defs)
    ]


def not_alone(workflow_id: str) -> Failure:
    """Why a check cannot be started by itself."""
    return Failure(
        f"The checks of {workflow_id} are made when it runs, on what that run has made, "
        "before anybody sees it. Start a run of the workflow."
    )


def _is_dashboard(key: AssetKey) -> bool:
    return len(key.path) == 2 and key.path[1] == _DASHBOARD


def _is_raw(key: AssetKey) -> bool:
    return len(key.path) == 3 and key.path[1] == _RAW


def _make(workflow_id: str, models: dict[AssetKey, str], job: JobDefinition) -> Iterator[Any]:
    from dagster import OpExecutionContext

    from dataflow.runs.asset_run import make_assets

    context = OpExecutionContext.get()
    selected = context.selected_asset_keys
    if not selected:
        raise not_alone(workflow_id)
    wanted = [name for key, name in models.items() if key in selected]
    yield from make_assets(
        context,
        workflow_id,
        wanted,
        loaded_by=_loader(job) if any(map(_is_raw, selected)) else None,
        with_all_models=len(wanted) == len(models),
        with_dashboard=any(map(_is_dashboard, selected)),
    )


def _loader(job: JobDefinition) -> JobDefinition:
    """The workflow's own job, up to where the tables are loaded."""
    return job.get_subset(op_selection=[f"*{name}" for name in loading_ops(job)])
