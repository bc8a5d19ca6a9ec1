"""What one workflow adds to the code location: its jobs, schedules, sensors and assets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dagster import (
    AssetsDefinition,
    AssetSelection,
    AssetSpec,
    Definitions,
    JobDefinition,
    in_process_executor,
    with_resources,
)
from dagster._core.definitions.partitions.partitioned_schedule import (
    UnresolvedPartitionedAssetScheduleDefinition,
)
from dagster._core.execution.build_resources import wrap_resources_for_execution
from dagster_shared.record import copy

from dataflow.runs.context import own_config
from dataflow.runs.dagster_names import FURTHER_TAG, PARTITIONED_TAG, WORKFLOW_TAG
from dataflow.runs.executor import holding_executor
from dataflow.runs.known_assets import keys_of, lineage_of, merged_assets
from dataflow.runs.launch_config import launch_resources, with_launch_config
from dataflow.runs.lineage import Lineage
from dataflow.runs.lineage_assets import assets_of
from dataflow.runs.lineage_checks import checks_of
from dataflow.runs.module_definitions import ModuleDefinitions, read_modules, targets_of, uses_steps
from dataflow.runs.partitioning import with_partitions
from dataflow.runs.policy import with_policy
from dataflow.runs.step_outputs import has_default_outputs, in_files
from dataflow.shared.errors import DataflowError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.shared.config_model import WorkflowConfig
    from dataflow.shared.project import Project
    from dataflow.workflows.registry import Workflow


@dataclass(frozen=True)
class WorkflowDefinitions:
    """What one workflow adds to the code location.

    Args:
        job: Its job, with the tags, description and executor that it has as a service.
        config: Its configuration; ``None`` for a workflow written by hand without one.
        assets: What its modules define, with the resources that they define.
        checks: The asset checks, likewise.
        lineage: The assets that its steps make, and their checks.
        further: Its other jobs, by name: jobs of ops as they run as a service, jobs of assets.
        schedules: Its own schedules, beside that of config.yaml.
        sensors: Its own sensors.
        resources: What its modules define, by the names of their variables.
        shared_resources: Those of them that the code location has to have: schedules, sensors
            and the assets that have one in common with these take them from there.
        originals: Those jobs that schedules and sensors may name, as the modules have them.
        left_out: What its modules define and Dagster does not get, with the reasons.
    """

    workflow_id: str
    job: JobDefinition
    config: WorkflowConfig | None = None
    assets: list[Any] = field(default_factory=list)
    checks: list[Any] = field(default_factory=list)
    lineage: Lineage = field(default_factory=Lineage)
    further: dict[str, Any] = field(default_factory=dict)
    schedules: list[Any] = field(default_factory=list)
    sensors: list[Any] = field(default_factory=list)
    resources: dict[str, Any] = field(default_factory=dict)
    shared_resources: dict[str, Any] = field(default_factory=dict)
    originals: dict[int, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def retargeted(self, jobs: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
        """Its schedules and sensors, on its jobs as the code location has them, by name."""
        schedules = [_on_jobs(schedule, self.originals, jobs) for schedule in self.schedules]
        return schedules, [_on_jobs(sensor, self.originals, jobs) for sensor in self.sensors]


def read_definitions(project: Project, workflow: Workflow) -> WorkflowDefinitions:
    """Read all that a loaded workflow defines.

    Raises:
        ConfigError: Its config.yaml is wrong.
        BadInputError: Its assets.py raises when it is imported.
    """
    workflow_id = workflow.workflow_id
    config = own_config(project, workflow_id)
    found = read_modules(workflow, project.workflow_dir(workflow_id))
    policy = config.run if config else None
    described = workflow.description or workflow.job.description

    own_job = with_partitions(workflow.job, config)

    def served(
        job: JobDefinition, resources: Mapping[str, Any] | None = None, **more: Any
    ) -> JobDefinition:
        job = with_job_resources(job, found.resources)
        job = _served(project, workflow_id, job, config, resources or {}, more)
        return with_policy(job, policy)

    # What a schedule or sensor needs is the code location's, and assets take it from there.
    shared = _shared(found)
    own = {key: value for key, value in found.resources.items() if key not in shared}
    assets = [_with_own_resources(asset, own) for asset in found.assets]
    further = {}
    for job in found.jobs:
        if isinstance(job, JobDefinition):
            further[job.name] = served(job._copy(tags={**job.tags, FURTHER_TAG: "true"}))
        else:
            further[job.name] = _of_own_assets(job, assets)
    assets, lineage = merged_assets(assets, lineage_of(project, workflow_id, config, found))
    return WorkflowDefinitions(
        workflow_id,
        served(own_job, launch_resources(own_job, config, found.has_steps), description=described),
        config,
        assets,
        [_with_own_resources(check, own) for check in found.checks],
        lineage,
        further,
        found.schedules,
        found.sensors,
        found.resources,
        shared,
        {id(job): job.name for job in (workflow.job, *found.jobs)},
        found.left_out,
    )


def runnable_job(
    project: Project, workflow: Workflow, config: WorkflowConfig | None
) -> JobDefinition:
    """A workflow's job for a run in this process: with the resources that its modules define.

    Raises:
        BadInputError: Its assets.py raises when it is imported, or its job and its config.yaml have
            partitions both.
    """
    job = with_partitions(workflow.job, config)
    if not job._get_required_resource_keys() <= set(job.resource_defs):
        found = read_modules(workflow, project.workflow_dir(workflow.workflow_id))
        job = with_job_resources(job, found.resources)
    return with_launch_config(job, config, uses_steps(workflow.workflow_id))


def with_job_resources(job: JobDefinition, resources: Mapping[str, Any]) -> JobDefinition:
    """A job with those of the resources that its ops need and that it does not have."""
    needed = job._get_required_resource_keys() - set(job.resource_defs)
    if not job._was_provided_resources:
        needed = needed | {"io_manager"}
    lacking = {key: resources[key] for key in needed if key in resources}
    if not lacking:
        return job
    own = {**job.resource_defs, **wrap_resources_for_execution(lacking)}
    return job._copy(resource_defs=own)


def check_definitions(found: WorkflowDefinitions) -> str:
    """Say why Dagster refuses what a workflow defines, or nothing if it takes it."""
    jobs = {found.job.name: found.job, **found.further}
    try:
        schedules, sensors = found.retargeted(jobs)
        alone = Definitions(
            jobs=list(jobs.values()),
            schedules=schedules,
            sensors=sensors,
            assets=[*found.assets, *assets_of(found.workflow_id, found.lineage, found.job)],
            asset_checks=[*found.checks, *checks_of(found.workflow_id, found.lineage, found.job)],
            resources=found.shared_resources or None,
        )
        Definitions.validate_loadable(alone)
    except DataflowError as error:
        return error.reason
    except Exception as error:  # Dagster raises many kinds of its own
        return f"Dagster refuses it: {str(error).strip()}"
    return ""


def without_faulty_extras(found: WorkflowDefinitions) -> WorkflowDefinitions:
    """Without the further jobs, schedules and sensors that Dagster refuses; they are named.

    Also without the assets of its steps, if they are why: a dbt project can have a circle.
    """
    alone = replace(found, lineage=Lineage())
    if (reason := check_definitions(found)) and not check_definitions(alone):
        left_out = f"the assets of its tables: {reason}"
        return replace(alone, left_out=[*found.left_out, left_out])
    good = replace(found, further={}, schedules=[], sensors=[])
    extras: list[tuple[str, dict[str, Any]]] = [
        *((f"the job {n!r}", {"further": {n: job}}) for n, job in found.further.items()),
        *((f"the schedule {s.name!r}", {"schedules": [s]}) for s in found.schedules),
        *((f"the sensor {s.name!r}", {"sensors": [s]}) for s in found.sensors),
    ]
    for what, extra in extras:
        [(kind, value)] = extra.items()
        known = getattr(good, kind)
        both: Any = {**known, **value} if isinstance(known, dict) else [*known, *value]
        changed: dict[str, Any] = {kind: both}
        more = replace(good, **changed)
        reason = _without_job(more, *value) if kind != "further" else ""
        reason = reason or check_definitions(more)
        good = replace(good, left_out=[*good.left_out, f"{what}: {reason}"]) if reason else more
    return good


def _without_job(found: WorkflowDefinitions, trigger: Any) -> str:
    """Say which job of a schedule or sensor has been left out, or nothing."""
    there = {found.job.name, *found.further}
    names = [found.originals.get(id(job)) for job in targets_of(trigger)]
    gone = [name for name in names if name is not None and name not in there]
    return f"its job {gone[0]!r} is left out" if gone else ""


def needed_by(triggers: list[Any]) -> set[str]:
    """The resources that schedules and sensors need, by name."""
    return {key for t in triggers for key in getattr(t, "required_resource_keys", ())}


def clash(found: WorkflowDefinitions, others: dict[str, str]) -> str:
    """Say which name of a workflow's another one has already, or nothing; remember its names.

    Args:
        others: Who has which name; gets those of ``found`` if none is taken.
    """
    names = [f"job {found.job.name!r}", *(f"asset {key!r}" for key in _asset_keys(found))]
    taken = [f"the {name} is also in {others[name]!r}" for name in names if name in others]
    if taken:
        return f"{'; '.join(taken)}. Give it another name."
    others.update(dict.fromkeys(names, found.workflow_id))
    return ""


def without_taken_names(found: WorkflowDefinitions, others: dict[str, str]) -> WorkflowDefinitions:
    """Without the extras whose names another workflow has; they are named as left out."""
    mine, left_out = found.workflow_id, list(found.left_out)
    for key in found.resources:
        others.setdefault(f"resource {key!r}", f"{mine}/resource/{key}")
    others.setdefault(f"schedule '{mine}_schedule'", mine if _has_schedule(found) else "")
    if found.config and found.config.workflow.after:
        others.setdefault(f"sensor '{mine}_after'", mine)

    def can_be_had(kind: str, trigger: Any) -> bool:
        reason = _without_job(found, trigger)
        if reason:
            left_out.append(f"the {kind} {trigger.name!r}: {reason}")
            return False
        for key in needed_by([trigger]):
            owner = others.get(f"resource {key!r}", mine).partition("/")[0]
            if owner != mine:
                why = (
                    f"it needs the resource {key!r}, and {owner!r} has one of that name. Rename it."
                )
                left_out.append(f"the {kind} {trigger.name!r}: {why}")
                return False
        return is_free(kind, trigger.name)

    def is_free(kind: str, name: str) -> bool:
        owner = others.setdefault(f"{kind} {name!r}", f"{mine}/{kind}/{name}")
        if owner in ("", f"{mine}/{kind}/{name}"):
            return True
        whose = "config.yaml's" if owner == mine else f"that of {owner.partition('/')[0]!r}"
        left_out.append(f"the {kind} {name!r}: {whose} has the same name. Give it another one.")
        return False

    found = replace(
        found, further={name: job for name, job in found.further.items() if is_free("job", name)}
    )
    return replace(
        found,
        schedules=[s for s in found.schedules if can_be_had("schedule", s)],
        sensors=[s for s in found.sensors if can_be_had("sensor", s)],
        left_out=left_out,
    )


def _has_schedule(found: WorkflowDefinitions) -> bool:
    return bool(found.config and found.config.workflow.schedule)


def _served(
    project: Project,
    workflow_id: str,
    job: JobDefinition,
    config: WorkflowConfig | None,
    resources: Mapping[str, Any],
    changed: Mapping[str, Any],
) -> JobDefinition:
    """A job as the service has it: one copy, as a thousand of them take their time."""
    partitioned = {PARTITIONED_TAG: "true"} if job.partitions_def is not None else {}
    changes: dict[str, Any] = {
        **changed,
        "tags": {**job.tags, WORKFLOW_TAG: workflow_id, **partitioned},
        "run_tags": {**job.run_tags, WORKFLOW_TAG: workflow_id},
    }
    outputs = {"io_manager": in_files} if has_default_outputs(job) else {}
    if outputs or resources:
        changes["resource_defs"] = {**resources, **job.resource_defs, **outputs}
    steps_by = job._executor_def or in_process_executor
    changes["executor_def"] = holding_executor(project, workflow_id, config, steps_by)
    return job._copy(**changes)


def _of_own_assets(job: Any, assets: list[Any]) -> Any:
    """A job of all assets means those of its workflow."""
    if type(job.selection).__name__ != "AllSelection":
        return job
    made = [a for a in assets if isinstance(a, AssetsDefinition) and a.is_executable]
    return copy(job, selection=AssetSelection.assets(*keys_of(made)))


def _shared(found: ModuleDefinitions) -> dict[str, Any]:
    """The resources that schedules and sensors need, and all of assets that need one of those."""
    keys = needed_by([*found.schedules, *found.sensors])
    needs = [a.required_resource_keys for a in found.assets if isinstance(a, AssetsDefinition)]
    size = -1
    while size < len(keys):
        size = len(keys)
        keys = keys.union(*(need for need in needs if need & keys))
    return {key: value for key, value in found.resources.items() if key in keys}


def _with_own_resources(asset: Any, resources: Mapping[str, Any]) -> Any:
    if not isinstance(asset, AssetsDefinition):
        return asset
    wanted = asset.required_resource_keys | {"io_manager"}
    lacking = {k: v for k, v in resources.items() if k in wanted and k not in asset.resource_defs}
    return with_resources([asset], lacking)[0] if lacking else asset


def _on_jobs(trigger: Any, originals: Mapping[int, str], jobs: Mapping[str, Any]) -> Any:
    """A schedule or sensor that starts the jobs as the code location has them."""
    before = targets_of(trigger)
    now = [jobs.get(originals.get(id(job), ""), job) for job in before]
    if all(new is old for new, old in zip(now, before, strict=True)):
        return trigger
    if isinstance(trigger, UnresolvedPartitionedAssetScheduleDefinition):
        return copy(trigger, job=now[0])
    if len(now) > 1:
        return trigger.with_updated_jobs(now)
    return trigger.with_updated_job(now[0])


def _asset_keys(found: WorkflowDefinitions) -> set[str]:
    return {key.to_user_string() for key in keys_of(found.assets)}


def without_assets_of_others(loaded: list[WorkflowDefinitions]) -> list[WorkflowDefinitions]:
    """Let each asset be there once.

    What an author's `@asset` makes is the author's, whatever steps make, and a spec of a table
    that another workflow's steps make stands for that table.
    """
    of_authors = {
        key
        for found in loaded
        for asset in found.assets
        if isinstance(asset, AssetsDefinition)
        for key in asset.keys
    }
    checks = {key for found in loaded for check in found.checks for key in check.check_keys}
    good = []
    for found in loaded:
        specs = [spec for spec in found.lineage.specs if spec.key not in of_authors]
        own = [check for check in found.lineage.checks if check.key not in checks]
        good.append(replace(found, lineage=replace(found.lineage, specs=specs, checks=own)))
    made = {spec.key for found in good for spec in found.lineage.specs}
    return [
        replace(
            found,
            assets=[a for a in found.assets if not isinstance(a, AssetSpec) or a.key not in made],
        )
        for found in good
    ]
