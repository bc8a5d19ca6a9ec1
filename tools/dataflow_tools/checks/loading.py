"""Implementation: whether a workflow's code can be imported and its job be built.

The code is imported in a `Worker`, never in the process that checks.
"""

from __future__ import annotations

import importlib
import os
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import DataflowError
from dataflow.shared.project import PROJECT_VARIABLE, Project
from dataflow_tools.checks.checklist import Finding, Point, met, missing, not_applicable
from dataflow_tools.checks.signatures import FUNCTIONS, Signature, describe

if TYPE_CHECKING:
    from dataflow_tools.checks.workflow_source import WorkflowSource

_SAMPLES = (".json", ".jsonl", ".csv", ".parquet")


@dataclass(frozen=True)
class CodeRequest:
    """What a worker is to do with a workflow's code.

    Args:
        root: The project's root.
        workflow_id: The workflow.
        sample_to: If given, also read the tests' sample, run `transform_data` on it and write
            the rows to this Parquet file.
    """

    root: Path
    workflow_id: str
    sample_to: Path | None = None


@dataclass(frozen=True)
class Loaded:
    """What came of it.

    Args:
        job: Why the job cannot be had, and what to do; ``None`` if it can.
        assets: The same for the assets.
        signatures: Those of the functions that could be imported, by point.
        sample: Whether rows were written to ``sample_to``.
    """

    job: tuple[str, str] | None = None
    assets: tuple[str, str] | None = None
    signatures: dict[str, Signature] = field(default_factory=dict)
    sample: bool = False


def prepare_code() -> None:
    """Import what every workflow's code imports."""
    import dagster  # noqa: F401


def answer_code(request: CodeRequest) -> Loaded:
    """Do what is asked, in the worker."""
    project = Project(request.root)
    project.make_importable()
    # Whatever folder it was started in, the code finds the project that is checked.
    os.environ[PROJECT_VARIABLE] = str(project.root)
    job = _load_job(project, request.workflow_id)
    return Loaded(
        job,
        _load_assets(project, request.workflow_id),
        _living_signatures(request.workflow_id),
        request.sample_to is not None
        and _write_sample(project, request.workflow_id, request.sample_to),
    )


def check_loading(workflow: WorkflowSource, loaded: Loaded) -> list[Point]:
    """Judge the job and the assets."""
    if not workflow.has("assets.py"):
        assets = not_applicable("assets", "there is no assets.py")
    else:
        assets = _point("assets", workflow.shown("assets.py"), loaded.assets)
    return [_point("job", workflow.shown("dagster_job.py"), loaded.job), assets]


def _point(key: str, file: str, fault: tuple[str, str] | None) -> Point:
    return met(key) if fault is None else missing(key, Finding(file, *fault))


def _load_job(project: Project, workflow_id: str) -> tuple[str, str] | None:
    from dataflow.runs.definitions import WorkflowDefinitions, check_definitions
    from dataflow.workflows.registry import get_workflow

    try:
        workflow = get_workflow(workflow_id, project)
    except DataflowError as error:
        return error.reason, error.instruction
    reason = check_definitions(WorkflowDefinitions(workflow_id, workflow.job))
    return (reason, "Mend the job.") if reason else None


def _load_assets(project: Project, workflow_id: str) -> tuple[str, str] | None:
    if not (project.workflow_dir(workflow_id) / "assets.py").exists():
        return None
    from dagster import Definitions, load_asset_checks_from_modules, load_assets_from_modules

    try:
        module = importlib.import_module(f"dataflow.workflows.{workflow_id}.assets")
        Definitions(
            assets=load_assets_from_modules([module]),
            asset_checks=load_asset_checks_from_modules([module]),
        )
    except (Exception, SystemExit) as error:  # whatever the author's module does at import
        return _explain(error, project), "Mend it, or delete it."
    return None


def _explain(error: BaseException, project: Project) -> str:
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(project.source_dir)
    ]
    where = f" at {project.relative(Path(own[-1].filename))}:{own[-1].lineno}" if own else ""
    what = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    return f"It cannot be loaded{where}: {what}"


def _living_signatures(workflow_id: str) -> dict[str, Signature]:
    found = {}
    for key, (file, function, _) in FUNCTIONS.items():
        # What is wrong with an import is said by the point about the job.
        with suppress(Exception, SystemExit):
            module = importlib.import_module(
                f"dataflow.workflows.{workflow_id}.{file.removesuffix('.py')}"
            )
            found[key] = describe(getattr(module, function))
    return found


def _write_sample(project: Project, workflow_id: str, target: Path) -> bool:
    """Run the workflow's own ``transform_data`` on its test sample, which asks no source."""
    path = _sample(project.workflow_dir(workflow_id) / "tests" / "data")
    if path is None:
        return False
    from dataflow.shared.config import CONFIG_FILE, hold_config, load_config, read_config
    from dataflow.shared.tables import write_parquet
    from dataflow.sources.read import read_source

    source: dict[str, Any] = {"type": "file", "url": str(path)}
    config = project.workflow_dir(workflow_id) / CONFIG_FILE
    try:
        with hold_config(config, partial(read_config, config, project=project, source=source)):
            ingestion = load_config(workflow_id, project)["ingestion"]
            extracted = read_source(ingestion["source"], ingestion["parameters"])
            module = importlib.import_module(f"dataflow.workflows.{workflow_id}.transform")
            write_parquet(module.transform_data(extracted)["data"], target)
    except (Exception, SystemExit):  # its own tests say what is wrong with it
        return False
    return True


def _sample(folder: Path) -> Path | None:
    found = sorted(p for p in folder.glob("*") if p.suffix in _SAMPLES and p.is_file())
    named = [path for path in found if path.stem == "sample"]
    return next(iter([*named, *found]), None)
