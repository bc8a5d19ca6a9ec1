"""Implementation: whether a workflow's code can be imported and its job be built.

The code is imported in a `Worker`, never in the process that checks.
"""

from __future__ import annotations

import importlib
import os
import traceback
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import DataflowError
from dataflow.shared.finding import Finding
from dataflow.shared.project import PROJECT_VARIABLE, Project
from dataflow_tools.checks.own_name import foreign_names
from dataflow_tools.checks.protocol import Group, Verdict, check, judged, not_applicable
from dataflow_tools.checks.signatures import FUNCTIONS, describe
from dataflow_tools.checks.tried_workflow import Loaded
from dataflow_tools.checks.workflow_source import WorkflowSource

if TYPE_CHECKING:
    from dataflow_tools.checks.tried_workflow import Signature, TriedWorkflow

_SAMPLES = (".json", ".jsonl", ".csv", ".parquet")


@dataclass(frozen=True)
class CodeRequest:
    """What a worker is to do with a workflow's code.

    Args:
        root: The project's root.
        sample_to: If given, also read the tests' samples, run `transform_data` on them and write
            the rows of each table to a Parquet file in this folder.
    """

    root: Path
    workflow_id: str
    sample_to: Path | None = None


def prepare_code() -> None:
    """Import what every workflow's code imports."""
    import dagster  # noqa: F401


def answer_code(request: CodeRequest) -> Loaded:
    """Do what is asked, in the worker."""
    project = Project(request.root)
    project.make_importable()
    # Whatever folder it was started in, the code finds the project that is checked.
    os.environ[PROJECT_VARIABLE] = str(project.root)
    job, left_out = _load_job(project, request.workflow_id)
    return Loaded(
        job,
        _load_assets(project, request.workflow_id),
        _signatures(request.workflow_id),
        request.sample_to is not None
        and _write_sample(project, request.workflow_id, request.sample_to),
        left_out,
    )


@check(
    Group.IMPLEMENTATION,
    "the job can be built and is registered under the folder's name",
    position=5,
    waits=True,
)
def check_job(workflow: TriedWorkflow) -> list[Finding]:
    """What came of importing ``dagster_job.py``, and the lines that are about another workflow."""
    found = [workflow.loaded.job] if workflow.loaded.job else []
    return [*found, *foreign_names(workflow)]


@check(Group.IMPLEMENTATION, "the assets can be loaded", position=6, waits=True)
def check_assets(workflow: TriedWorkflow) -> Verdict:
    """What came of importing ``assets.py``, and what the modules define that is not picked up."""
    assets, left_out = workflow.loaded.assets, workflow.loaded.left_out
    if not workflow.has("assets.py") and not left_out:
        return not_applicable("there is no assets.py")
    return judged([*([assets] if assets else []), *left_out])


def _load_job(project: Project, workflow_id: str) -> tuple[Finding | None, tuple[Finding, ...]]:
    from dataflow.runs.definitions import (
        WorkflowDefinitions,
        check_definitions,
        read_definitions,
        without_faulty_extras,
        without_taken_names,
    )
    from dataflow.workflows.registry import get_workflow

    file = project.relative(project.workflow_dir(workflow_id) / "dagster_job.py")
    try:
        workflow = get_workflow(workflow_id, project)
    except DataflowError as error:
        return Finding.of(error, file), ()
    try:
        found = read_definitions(project, workflow)
    except DataflowError:
        # config.yaml and assets.py have points of their own.
        found = WorkflowDefinitions(workflow_id, workflow.job)
    reason = check_definitions(
        replace(found, assets=[], checks=[], further={}, schedules=[], sensors=[])
    )
    if reason:
        return Finding(reason, "Fix the job.", file), ()
    found = without_taken_names(found, {})
    if check_definitions(found):
        found = without_faulty_extras(found)
    told = "Put it right, or take it out: Dagster does not get it."
    return None, tuple(Finding(f"Left out: {what}", told, file) for what in found.left_out)


def _load_assets(project: Project, workflow_id: str) -> Finding | None:
    path = project.workflow_dir(workflow_id) / "assets.py"
    if not path.exists():
        return None
    from dagster import Definitions, load_asset_checks_from_modules, load_assets_from_modules

    try:
        module = importlib.import_module(f"dataflow.workflows.{workflow_id}.assets")
        Definitions(
            assets=load_assets_from_modules([module]),
            asset_checks=load_asset_checks_from_modules([module]),
        )
    except (Exception, SystemExit) as error:  # whatever the author's module does at import
        reason = _explain(error, project)
        return Finding(reason, "Fix it, or delete it.", project.relative(path))
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


def _signatures(workflow_id: str) -> dict[str, Signature | None]:
    found: dict[str, Signature | None] = {}
    for key, (file, name, _) in FUNCTIONS.items():
        # What is wrong with an import is said by the point about the job.
        with suppress(Exception, SystemExit):
            module = importlib.import_module(
                f"dataflow.workflows.{workflow_id}.{file.removesuffix('.py')}"
            )
            function = getattr(module, name, None)
            found[key] = describe(function, str(module.__file__)) if callable(function) else None
    return found


def _write_sample(project: Project, workflow_id: str, target: Path) -> bool:
    """Run the workflow's own ``transform_data`` on its test samples, which asks no source."""
    folder = project.workflow_dir(workflow_id) / "tests" / "data"
    configured = WorkflowSource(project, workflow_id).sources
    paths = {source.name: _sample(folder, source.name) for source in configured}
    if not paths or None in paths.values():
        return False
    from dataflow.shared.config import CONFIG_FILE, hold_config, load_config, read_config
    from dataflow.shared.tables import write_parquet
    from dataflow.sources.read import read_source

    given: dict[str, Any] = {n: {"type": "file", "url": str(p)} for n, p in paths.items()}
    config = project.workflow_dir(workflow_id) / CONFIG_FILE
    read = partial(read_config, config, project=project, source=given.get(""), sources=given)
    target.mkdir(parents=True, exist_ok=True)
    try:
        with hold_config(config, read):
            ingestion = load_config(workflow_id, project)["ingestion"]
            module = importlib.import_module(f"dataflow.workflows.{workflow_id}.transform")
            for source in configured:
                within = ingestion["sources"][source.name] if source.name else ingestion
                extracted = read_source(within["source"], ingestion["parameters"])
                if source.name:
                    extracted["metadata"]["table"] = source.table
                rows = module.transform_data(extracted)["data"]
                write_parquet(rows, target / f"{source.table}.parquet")
    except (Exception, SystemExit):  # its own tests say what is wrong with it
        return False
    return True


def _sample(folder: Path, name: str) -> Path | None:
    found = sorted(p for p in folder.glob("*") if p.suffix in _SAMPLES and p.is_file())
    named = [path for path in found if name and path.stem == name]
    named += [path for path in found if path.stem == "sample"]
    return next(iter([*named, *found]), None)
