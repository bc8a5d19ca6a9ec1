"""A workflow's configuration: read as a whole, or refused with everything that is wrong with it."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.config_check import check_values, finding_of
from dataflow.shared.config_kinds import model_of
from dataflow.shared.config_secrets import literal_secrets, register_secrets
from dataflow.shared.config_types import value_at
from dataflow.shared.environment import resolve
from dataflow.shared.errors import BadInputError
from dataflow.shared.finding import ConfigError, Finding, KeyPath, shown_path
from dataflow.shared.own_code import OwnCode
from dataflow.shared.plugins import installed
from dataflow.shared.project import Project, find_project
from dataflow.shared.suggestion import did_you_mean, known_names
from dataflow.shared.yaml_document import parse_yaml
from dataflow.workflows.identifiers import check_workflow_id, is_workflow_id, workflow_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dataflow.shared.config_model import WorkflowConfig
    from dataflow.shared.contract import Contract

__all__ = ["CONFIG_FILE", "ConfigError", "Finding", "load_config", "read_config"]

CONFIG_FILE = "config.yaml"
# One more byte than the parser reads, so that it sees that there are more.
_MOST_BYTES = 1_000_001


# Only a run that fails needs to know whom to tell: it runs, says early that it could tell nobody,
# and the reference stands in the place of the address.
# Likewise only the service needs to know by what events are signed; it refuses them by name.
_UNASKED = (("run", "on_failure"), ("workflow", "trigger", "webhook", "secret"))

_held: dict[Path, Callable[[], WorkflowConfig]] = {}


def load_config(workflow_id: str, project: Project | None = None) -> dict[str, Any]:
    """Read the configuration of a workflow as plain values.

    Args:
        workflow_id: Which workflow: its id, or the name of a module of it, such as `__package__`.
        project: Default: the project of the current folder, see `find_project`.

    Returns:
        Nested dicts, lists and scalars, with every default filled in, secrets included.

    Raises:
        ConfigError: The file is missing or wrong; all faults are listed.
        BadInputError: ``workflow_id`` is no workflow's id, or there is no project.

    >>> config = load_config("sales")
    >>> config["ingestion"]["source"]["url"], config["load"]["write_disposition"]
    ('data/in/sales.csv', 'replace')
    """
    config = workflow_config(workflow_id, project)
    _warn_of_another(workflow_of(workflow_id), project)
    return config.model_dump(mode="python", by_alias=True)


def workflow_config(workflow_id: str, project: Project | None = None) -> WorkflowConfig:
    """The configuration of a workflow as a model; inside a run, the one that the run has read.

    Raises:
        ConfigError: The file is missing or wrong; all faults are listed.
        BadInputError: ``workflow_id`` is no workflow's id, or there is no project.

    >>> workflow_config("sales").load.table
    'sales'
    """
    workflow_id = check_workflow_id(workflow_of(workflow_id))
    project = project or find_project()
    path = project.workflow_dir(workflow_id) / CONFIG_FILE
    if path in _held:
        return _held[path]()
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError([_not_there(workflow_id, path, project)]) from None
    except OSError:
        pass  # reading it will say what is wrong
    return read_config(path, project=project)


def _warn_of_another(workflow_id: str, project: Project | None) -> None:
    """Say so where a run reads the configuration of another workflow: its code may be a copy."""
    path = (project or find_project()).workflow_dir(workflow_id) / CONFIG_FILE
    own = [held.parent.name for held in _held]
    if own and path not in _held:
        from dataflow.shared.logging import get_logger

        get_logger(__name__).warning(
            f"A run of {own[-1]!r} reads the configuration of {workflow_id!r}. If its code was "
            f"copied, write load_config(__package__), or: dataflow workflow copy "
            f"{workflow_id} {own[-1]}"
        )


def held_contract(source: Mapping[str, Any]) -> Contract | None:
    """What the running workflow has agreed about a source, if it is the one of its config.yaml.

    Args:
        source: ``source`` of ``ingestion``, or of one of its ``sources``, as plain values.

    >>> held_contract({"type": "file", "url": "data/in/sales.csv"}) is None
    True
    """
    for config in _held.values():
        for table in config().tables:
            if table.source.model_dump(by_alias=True) == dict(source):
                return table.contract
    return None


@contextmanager
def hold_config(path: Path, config: Callable[[], WorkflowConfig]) -> Iterator[None]:
    """Let `load_config` and `workflow_config` answer with another configuration than the file's.

    ``config`` gives it, or raises what is wrong with it.
    """
    before = _held.get(path)
    _held[path] = config
    try:
        yield
    finally:
        if before is None:
            del _held[path]
        else:
            _held[path] = before


def read_config(
    path: Path,
    *,
    project: Project | None = None,
    environ: Mapping[str, str] | None = None,
    source: Mapping[str, Any] | None = None,
    sources: Mapping[str, Mapping[str, Any]] | None = None,
    needs_environment: bool = True,
) -> WorkflowConfig:
    """Read one configuration file. Secrets that it names are masked in all output from then on.

    Args:
        project: Errors show the path as seen from its root. Default: the project around ``path``.
        environ: Where to take variables from. Default: this process and what the project names.
        source: Takes the place of ``ingestion.source``.
        sources: Take the place of ``source`` in those of ``ingestion.sources``, by their names.
        needs_environment: Whether a variable that is not set is a fault wherever it stands. Else
            ``${NAME}`` stays as it is written, if that may stand there.

    Raises:
        ConfigError: The file cannot be read or is wrong; all faults are listed.
    """
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - links stay as they are
    if project is None:
        with suppress(BadInputError, OSError):
            project = find_project(absolute.parent)
    file = _shown_file(absolute, project) if project else str(path)
    document = parse_yaml(_read(path, file))
    faults = [
        Finding(fault.reason, file=file, line=fault.position.line, key_path=shown_path(fault.path))
        for fault in document.faults
    ]
    if document.faults and not document.values:
        raise ConfigError(faults)
    if source is not None and isinstance(document.values.get("ingestion"), dict):
        document.values["ingestion"]["source"] = dict(source)
    for name, given in (sources or {}).items():
        named = value_at(document.values, ("ingestion", "sources", name))
        if isinstance(named, dict):
            named["source"] = dict(given)
    own_values = project.values if project else os.environ
    variables = own_values if environ is None else environ
    values, missing = resolve(document.values, variables)
    register_secrets(values)
    unasked = [fault for fault in missing if not needs_environment or not is_asked(fault.path)]
    missing = [fault for fault in missing if fault not in unasked]
    findings = [*missing, *literal_secrets(values)]
    for fault in unasked:
        _put(values, fault.path, value_at(document.values, fault.path))
    unread = {f.path for f in missing} | {f.path for f in document.faults if not f.has_value}
    silent = unread | {finding.path for finding in findings}
    sections = project.settings.config_sections if project else []
    code = OwnCode(absolute.parent.name, absolute.parent, sections, variables)
    _fill_in_table(values, code)
    _fill_in_sources(values, code)
    config, misfits = check_values(values, code)
    misfits = [misfit for misfit in misfits if not _is_within(misfit.path, silent)]
    # Where `${NAME}` may not stand as it is written, the variable is what is missing.
    needed = [fault for fault in unasked if any(_is_within(fault.path, {m.path}) for m in misfits)]
    findings += [*needed, *(m for m in misfits if not _is_within(m.path, {f.path for f in needed}))]
    for found in findings:
        line = document.position(found.path, of_key=found.of_key).line
        faults.append(finding_of(found, values, file=file, line=line))
    if faults or config is None:
        raise ConfigError(faults)
    return config


def is_asked(path: KeyPath) -> bool:
    """Whether a run needs the variables of what stands at ``path`` in config.yaml."""
    return all(path[: len(unasked)] != unasked for unasked in _UNASKED)


def _read(path: Path, file: str) -> bytes:
    try:
        if not path.is_file():
            reason = "this is not a file" if path.exists() else "there is no such file"
            raise ConfigError([Finding(reason, file=file)])
        with path.open("rb") as stream:
            return stream.read(_MOST_BYTES)
    except OSError as error:
        reason = f"the file cannot be read: {(error.strerror or 'unknown reason').lower()}"
        raise ConfigError([Finding(reason, file=file)]) from error


def _not_there(workflow_id: str, path: Path, project: Project) -> Finding:
    file = _shown_file(path, project)
    if path.parent.is_dir():
        hint = f"write one, or make the workflow anew with `dataflow workflow new {workflow_id}`"
        return Finding("there is no such file", hint, file)
    names = sorted(p.parent.name for p in project.workflows_dir.glob(f"*/{CONFIG_FILE}"))
    hint = f"make it with `dataflow workflow new {workflow_id}`"
    if names:
        near = did_you_mean(workflow_id, names, most=3, cutoff=0.5)
        hint = near or f"there are: {known_names(names, 10)}"
    return Finding(f"there is no workflow `{workflow_id}`", hint, file)


def _shown_file(path: Path, project: Project) -> str:
    shown = project.relative(path)
    return shown if shown != str(path) else project.relative(path.resolve())


def _fill_in_table(values: dict[str, Any], code: OwnCode) -> None:
    """A table that is not named is called like the workflow, or like its source of several."""
    if value_at(values, ("ingestion", "sources")):
        values.setdefault("load", {})
        return
    load = values.setdefault("load", {}) or {}
    if isinstance(load, dict) and "table" not in load and is_workflow_id(code.workflow_id):
        values["load"] = {"table": code.workflow_id, **load}


def _fill_in_sources(values: dict[str, Any], code: OwnCode) -> None:
    """What goes without saying for each of several sources, which may go by its name."""
    several = value_at(values, ("ingestion", "sources"))
    for name, named in several.items() if isinstance(several, dict) else ():
        source = named.get("source") if isinstance(named, dict) else None
        if not isinstance(source, dict) or source.get("type") not in list(installed("sources")):
            continue
        model = model_of("sources", str(source["type"]))
        named["source"] = dict(model.filled_in(source, replace(code, source=str(name))))


def _put(values: Any, path: KeyPath, value: Any) -> None:
    """Put a value at a key path that exists."""
    value_at(values, path[:-1])[path[-1]] = value


def _is_within(path: KeyPath, paths: Iterable[KeyPath]) -> bool:
    return any(path[: len(outer)] == outer for outer in paths)
