"""What a workflow's modules define for Dagster, beside the job that is registered.

Whatever Dagster would load from them is picked up: assets, checks, jobs, schedules, sensors and
resources, and what a `Definitions` holds. What cannot be is named, with the reason.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
import traceback
from dataclasses import dataclass, field
from importlib.util import resolve_name
from itertools import islice
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import dagster
from dagster import (
    AssetChecksDefinition,
    AssetsDefinition,
    AssetSpec,
    Definitions,
    IOManager,
    IOManagerDefinition,
    JobDefinition,
    RepositoryDefinition,
    ResourceDefinition,
    ScheduleDefinition,
    SensorDefinition,
    SourceAsset,
)
from dagster._config.pythonic_config import ConfigurableResourceFactory
from dagster._core.definitions.assets.definition.cacheable_assets_definition import (
    CacheableAssetsDefinition,
)
from dagster._core.definitions.partitions.partitioned_schedule import (
    UnresolvedPartitionedAssetScheduleDefinition,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from dataflow.runs.steps import Steps
from dataflow.shared.errors import BadInputError
from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dataflow.workflows.registry import Workflow

_PACKAGE = "dataflow.workflows"
_PACKAGE_PREFIX = f"{_PACKAGE}."
# What follows the word in an import, and an import from a folder above.
_MENTIONED = re.compile(rb"\bworkflows\W+(\w+)")
_FROM_ABOVE = re.compile(rb"\bfrom[\s\\]*\.[\s\\]*\.")
_RESOURCES = (ConfigurableResourceFactory, IOManager, IOManagerDefinition, ResourceDefinition)
_ASSETS = (AssetsDefinition, AssetSpec, SourceAsset, CacheableAssetsDefinition)
_JOBS = (JobDefinition, UnresolvedAssetJobDefinition)
_SCHEDULES = (ScheduleDefinition, UnresolvedPartitionedAssetScheduleDefinition)
# What most variables of a module hold, and nothing of Dagster's is.
_PLAIN = frozenset({FunctionType, ModuleType, type, str, int, float, bool, dict, type(None)})


@dataclass
class _KnownModules:
    """The modules that were loaded when ``sys.modules`` had so many, and this one last."""

    count: int = 0
    last: str = ""
    of_packages: dict[str, list[str]] = field(default_factory=dict)


_known_modules = _KnownModules()


@dataclass
class ModuleDefinitions:
    """What the modules define.

    Args:
        jobs: Those beside the registered one; also jobs of assets.
        resources: By the names of their variables.
        has_steps: Whether one of them has the library's `Steps`, which make the workflow's tables.
        left_out: What is not picked up: its name, where it is and why.
    """

    assets: list[Any] = field(default_factory=list)
    checks: list[Any] = field(default_factory=list)
    jobs: list[Any] = field(default_factory=list)
    schedules: list[Any] = field(default_factory=list)
    sensors: list[Any] = field(default_factory=list)
    resources: dict[str, Any] = field(default_factory=dict)
    has_steps: bool = False
    left_out: list[str] = field(default_factory=list)

    def add(self, name: str, value: Any, module: ModuleType) -> None:
        """Take up what a variable of a module holds, if it is anything of Dagster's to load."""
        if isinstance(value, Steps):
            self.has_steps = True
        elif type(value) in (list, tuple):
            for item in value:
                self.add("", item, module)
        elif isinstance(value, Definitions):
            self._add_all(name, value, module)
        elif type(value).__name__ == "LazyDefinitions":
            self._add_lazy(name, value, module)
        elif isinstance(value, RepositoryDefinition):
            why = "A project has one repository: define its parts in the module instead."
            self.leave_out(f"the repository {value.name!r} in {_file(module)}", why)
        elif name and isinstance(value, _RESOURCES):
            self.resources[name] = value
        else:
            for kinds, found in (
                (AssetChecksDefinition, self.checks),
                (_ASSETS, self.assets),
                (_JOBS, self.jobs),
                (_SCHEDULES, self.schedules),
                (SensorDefinition, self.sensors),
            ):
                if isinstance(value, kinds):
                    # One object may be known to several modules.
                    if not any(value is known for known in found):
                        found.append(value)
                    break

    def leave_out(self, what: str, why: str) -> None:
        """Name what is not picked up."""
        self.left_out.append(redact(f"{what}: {why}"))

    def _add_all(self, name: str, found: Definitions, module: ModuleType) -> None:
        for part in ("assets", "asset_checks", "jobs", "schedules", "sensors"):
            self.add("", list(getattr(found, part) or ()), module)
        for key, resource in (found.resources or {}).items():
            is_one = isinstance(resource, _RESOURCES)
            self.resources[key] = (
                resource if is_one else ResourceDefinition.hardcoded_resource(resource)
            )
        for part in ("executor", "loggers"):
            if getattr(found, part):
                why = "It would hold for all workflows: give it to the jobs that need it."
                self.leave_out(f"{part} of {name!r} in {_file(module)}", why)

    def _add_lazy(self, name: str, found: Any, module: ModuleType) -> None:
        try:
            self.add(name, found(), module)
        except Exception as error:  # whatever the author's function does
            self.leave_out(f"{name!r} in {_file(module)}", f"It cannot be called: {error}")


def read_modules(workflow: Workflow, folder: Path) -> ModuleDefinitions:
    """Look through the modules of a workflow whose job has been loaded.

    They are those that the job's module has imported, ``assets.py``, and every other one in the
    folder that imports Dagster.

    Raises:
        BadInputError: ``assets.py`` raises when it is imported.
    """
    found = ModuleDefinitions()
    for module in _modules(workflow.workflow_id, folder, found):
        foreign = _names_of_others(module, workflow.workflow_id)
        for name, value in list(vars(module).items()):
            if type(value) in _PLAIN or name in foreign:
                continue
            # `from dagster import *` brings resources that are nobody's.
            if getattr(dagster, name, None) is not value:
                found.add(name, value, module)
    for trigger in (*found.schedules, *found.sensors):
        for job in targets_of(trigger):
            if isinstance(job, JobDefinition):
                found.add("", job, sys.modules[f"{_PACKAGE}.{workflow.workflow_id}.dagster_job"])
    found.jobs = [job for job in found.jobs if job is not workflow.job]
    made = {key for asset in found.assets if _is_made(asset) for key in asset.keys}
    # The specs of an asset that is there as well are the asset's.
    found.assets = [a for a in found.assets if not isinstance(a, AssetSpec) or a.key not in made]
    return found


def targets_of(trigger: Any) -> list[Any]:
    """The jobs that a schedule or sensor starts, those left out that it knows by name only."""
    if isinstance(trigger, UnresolvedPartitionedAssetScheduleDefinition):
        return [trigger.job]
    targets = trigger.targets if isinstance(trigger, SensorDefinition) else [trigger.target]
    return [target.job_def for target in targets if target.has_job_def]


def _is_made(asset: Any) -> bool:
    return isinstance(asset, AssetsDefinition)


def _modules(workflow_id: str, folder: Path, found: ModuleDefinitions) -> Iterator[ModuleType]:
    package = f"{_PACKAGE}.{workflow_id}"
    for path in sorted(folder.glob("*.py")):
        name = f"{package}.{path.stem}"
        if name in sys.modules or not (path.stem == "assets" or _imports_dagster(path)):
            continue
        try:
            importlib.import_module(name)
        except (Exception, SystemExit) as error:  # whatever the author's module does at import
            what = "".join(traceback.format_exception_only(error)).strip()
            if path.stem == "assets":
                raise BadInputError(
                    f"assets.py of {workflow_id!r} cannot be loaded: {what}",
                    "Fix it, or delete it.",
                ) from error
            found.leave_out(f"all that {path.name} defines", f"It cannot be loaded: {what}")
    tests = f"{package}.tests"
    for name in sorted(_loaded_of(package)):
        if not name.startswith(tests) and name in sys.modules:
            yield sys.modules[name]


def _loaded_of(package: str) -> list[str]:
    """The names of the modules of a workflow that are loaded, and of its package itself.

    Those are looked through that have been loaded since: a project of a thousand workflows has ten
    thousand modules, and this is asked for each of its workflows.
    """
    known = _known_modules
    # What is loaded is added at the end.
    if next(islice(sys.modules, max(known.count - 1, 0), None), "") != known.last:
        known.count, known.of_packages = 0, {}
    for name in list(islice(sys.modules, known.count, None)):
        if name.startswith(_PACKAGE_PREFIX):
            workflow_id = name[len(_PACKAGE_PREFIX) :].partition(".")[0]
            known.of_packages.setdefault(f"{_PACKAGE_PREFIX}{workflow_id}", []).append(name)
    known.count, known.last = len(sys.modules), next(reversed(sys.modules), "")
    return known.of_packages.get(package, [])


def _imports_dagster(path: Path) -> bool:
    tree = _tree(path, lambda text: b"dagster" in text)
    for node in ast.walk(tree) if tree else ():
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        if any(name.partition(".")[0].partition("_")[0] == "dagster" for name in names):
            return True
    return False


def _names_of_others(module: ModuleType, workflow_id: str) -> set[str]:
    """The names that a module has from another workflow, which that one defines."""
    if not getattr(module, "__file__", None):
        return set()
    own = f"{_PACKAGE}.{workflow_id}"
    tree = _tree(Path(str(module.__file__)), lambda text: _may_import_others(text, workflow_id))
    names: set[str] = set()
    for node in ast.walk(tree) if tree else ():
        if not isinstance(node, ast.ImportFrom):
            continue
        source = node.module or ""
        if node.level:
            source = resolve_name(f"{'.' * node.level}{source}", module.__package__)
        if source.startswith(f"{_PACKAGE}.") and not f"{source}.".startswith(f"{own}."):
            names.update(alias.asname or alias.name for alias in node.names)
    return names


def _may_import_others(text: bytes, workflow_id: str) -> bool:
    """Whether a file may import from another workflow; most do not, and a parse takes its time."""
    mentioned = set(_MENTIONED.findall(text)) - {b"registry", workflow_id.encode()}
    return bool(mentioned or _FROM_ABOVE.search(text))


def _tree(path: Path, is_worth_it: Callable[[bytes], bool]) -> ast.Module | None:
    """A file as Python parses it; None if it cannot be, or if its text makes that needless."""
    try:
        text = path.read_bytes()
        return ast.parse(text) if is_worth_it(text) else None
    except (OSError, ValueError, SyntaxError):
        # Whoever imports the file says what is wrong with it.
        return None


def _file(module: ModuleType) -> str:
    return Path(str(module.__file__)).name


def uses_steps(workflow_id: str) -> bool:
    """Whether a module of a workflow that has been loaded has the library's `Steps`."""
    from dataflow.runs.steps import Steps

    package = f"dataflow.workflows.{workflow_id}"
    modules = [m for name, m in sys.modules.items() if f"{name}.".startswith(f"{package}.")]
    return any(isinstance(value, Steps) for m in modules for value in vars(m).values())
