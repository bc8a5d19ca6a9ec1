"""The tables of a workflow as Dagster has them: those that can be made alone can be started there.

Models and the dashboard are made again from what has been loaded, each of them or all: one op for a
workflow, which holds it, works on a copy and shows it at its end, like a whole run. Sources and raw
tables are told of by whole runs, since only the author's code knows how to load them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dagster import AssetsDefinition, Failure, In, Nothing, OpDefinition, Out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagster import AssetKey, AssetSpec

    from dataflow.runs.lineage import Lineage

_DASHBOARD = "dashboard"


def assets_of(workflow_id: str, lineage: Lineage) -> list[AssetSpec | AssetsDefinition]:
    """The assets of a workflow: what whole runs tell of, and one definition of all others."""
    made = made_alone(lineage)
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
        return _make(workflow_id, models)

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


def made_alone(lineage: Lineage) -> set[AssetKey]:
    """The keys of the assets that can be made without a whole run."""
    return {
        spec.key for spec in lineage.specs if spec.key in lineage.models or _is_dashboard(spec.key)
    }


def not_alone(workflow_id: str) -> Failure:
    """Why a check cannot be started by itself."""
    return Failure(
        f"The checks of {workflow_id} are made when it runs, on what that run has made, "
        "before anybody sees it. Start a run of the workflow."
    )


def _is_dashboard(key: AssetKey) -> bool:
    return len(key.path) == 2 and key.path[1] == _DASHBOARD


def _make(workflow_id: str, models: dict[AssetKey, str]) -> Iterator[Any]:
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
        with_all_models=len(wanted) == len(models),
        with_dashboard=any(map(_is_dashboard, selected)),
    )
