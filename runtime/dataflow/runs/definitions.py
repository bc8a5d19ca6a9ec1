"""What one workflow adds to the code location: its job, its schedule and its assets."""

from __future__ import annotations

import importlib
import traceback
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from dagster import (
    AssetsDefinition,
    Definitions,
    IOManager,
    IOManagerDefinition,
    ResourceDefinition,
    in_process_executor,
    load_asset_checks_from_modules,
    load_assets_from_modules,
    with_resources,
)
from dagster._config.pythonic_config import ConfigurableResourceFactory

from dataflow.runs.context import own_config
from dataflow.runs.dagster_names import WORKFLOW_TAG
from dataflow.runs.executor import holding_executor
from dataflow.runs.policy import with_policy
from dataflow.shared.errors import BadInputError, DataflowError

if TYPE_CHECKING:
    from types import ModuleType

    from dagster import JobDefinition

    from dataflow.shared.config_model import WorkflowConfig
    from dataflow.shared.project import Project
    from dataflow.workflows.registry import Workflow

_RESOURCES = (ConfigurableResourceFactory, IOManager, IOManagerDefinition, ResourceDefinition)


@dataclass(frozen=True)
class WorkflowDefinitions:
    """What one workflow adds to the code location.

    Args:
        job: Its job, with the tags, description and executor that it has as a service.
        config: Its configuration; ``None`` for a workflow written by hand without one.
        assets: What its assets.py defines.
        checks: The asset checks of its assets.py.
    """

    workflow_id: str
    job: JobDefinition
    config: WorkflowConfig | None = None
    assets: list[Any] = field(default_factory=list)
    checks: list[Any] = field(default_factory=list)


def read_definitions(project: Project, workflow: Workflow) -> WorkflowDefinitions:
    """Read all that a loaded workflow defines.

    Raises:
        ConfigError: Its config.yaml is wrong.
        BadInputError: Its assets.py raises when it is imported.
    """
    config = own_config(project, workflow.workflow_id)
    job = with_policy(_job(project, workflow, config), config.run if config else None)
    return WorkflowDefinitions(workflow.workflow_id, job, config, *_read_assets(workflow))


def check_definitions(found: WorkflowDefinitions) -> str:
    """Say why Dagster refuses what a workflow defines, or nothing if it takes it."""
    alone = Definitions(jobs=[found.job], assets=found.assets, asset_checks=found.checks)
    try:
        Definitions.validate_loadable(alone)
    except DataflowError as error:
        return error.reason
    except Exception as error:  # Dagster raises many kinds of its own
        return f"Dagster refuses it: {str(error).strip()}"
    return ""


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


def _job(project: Project, workflow: Workflow, config: WorkflowConfig | None) -> JobDefinition:
    job = workflow.job
    changes: dict[str, Any] = {
        "tags": {**job.tags, WORKFLOW_TAG: workflow.workflow_id},
        "run_tags": {**job.run_tags, WORKFLOW_TAG: workflow.workflow_id},
        "description": workflow.description or job.description,
    }
    steps_by = job._executor_def or in_process_executor
    changes["executor_def"] = holding_executor(project, workflow.workflow_id, config, steps_by)
    return job._copy(**changes)


def _read_assets(workflow: Workflow) -> tuple[list[Any], list[Any]]:
    workflow_id = workflow.workflow_id
    name = f"dataflow.workflows.{workflow_id}.assets"
    if find_spec(name) is None:
        return [], []
    try:
        module = importlib.import_module(name)
        resources = _resources(module)
        assets = [
            with_resources([asset], resources)[0]
            if resources and isinstance(asset, AssetsDefinition)
            else asset
            for asset in load_assets_from_modules([module])
        ]
        return assets, list(load_asset_checks_from_modules([module]))
    except (Exception, SystemExit) as error:  # whatever the author's module does at import
        what = "".join(traceback.format_exception_only(error)).strip()
        raise BadInputError(
            f"assets.py of {workflow_id!r} cannot be loaded: {what}", "Fix it, or delete it."
        ) from error


def _resources(module: ModuleType) -> dict[str, Any]:
    """The resources that a module defines, by the names of their variables."""
    return {name: value for name, value in vars(module).items() if isinstance(value, _RESOURCES)}


def _asset_keys(found: WorkflowDefinitions) -> set[str]:
    keys: set[str] = set()
    for asset in found.assets:
        own = asset.keys if isinstance(asset, AssetsDefinition) else [asset.key]
        keys.update(key.to_user_string() for key in own)
    return keys
