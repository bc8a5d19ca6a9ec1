"""After which other workflows one runs: `workflow.after` of config.yaml."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from dataflow.shared.config_types import Text, refusal
from dataflow.shared.shown import shortened
from dataflow.shared.suggestion import did_you_mean, known_names

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MARKERS = ("config.yaml", "dagster_job.py")
_KEY = "after"


def upstream_of(name: str) -> str:
    """The workflow that an entry is about: itself, or what an asset's key begins with.

    >>> upstream_of("orders"), upstream_of("orders/marts/orders")
    ('orders', 'orders')
    """
    return name.partition("/")[0]


def is_workflow_folder(folder: Path) -> bool:
    """Whether a workflow is in a folder."""
    try:
        return any((folder / marker).is_file() for marker in _MARKERS)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return False


def _is_known(name: str, info: ValidationInfo) -> str:
    """Refuse what is no other workflow, and what closes a circle."""
    parts = name.split("/")
    if not all(parts):
        raise refusal("is no key of an asset", "such as orders/marts/orders")
    # A file on its own has no neighbours.
    folder: Path | None = getattr(info.context, "folder", None)
    if folder is None or not is_workflow_folder(folder):
        return name
    own, workflows = folder.name, folder.parent
    if parts[0] == own:
        raise refusal("is the workflow itself", hint="name another one, or leave `after` out")
    if is_workflow_folder(workflows / parts[0]):
        if way := _way_back(workflows, [own, parts[0]]):
            circle = shortened(" after ".join(way))
            raise refusal(f"closes a circle: {circle}", hint="leave out one of them")
    elif len(parts) == 1:
        others = sorted(each.name for each in workflows.iterdir() if is_workflow_folder(each))
        others = [each for each in others if each != own]
        near = did_you_mean(name, others)
        there = f"there are: {known_names(others, 10)}" if others else "there is no other one"
        raise refusal("is no workflow of this project", hint=near or there)
    return name


def _way_back(workflows: Path, way: list[str]) -> list[str]:
    """The workflows from the first of ``way`` back to it, each after the next; empty if no way."""
    for name in dict.fromkeys(map(upstream_of, named_in(workflows / way[-1] / "config.yaml"))):
        if name == way[0]:
            return [*way, name]
        if name not in way and (found := _way_back(workflows, [*way, name])):
            return found
    return []


def named_in(config: Path) -> Iterator[str]:
    """What a file names after which its workflow runs; what is wrong with it is not told here."""
    try:
        text = config.read_text(encoding="utf-8")
        values = yaml.load(text, Loader=_LOADER) if _KEY in text else {}  # noqa: S506 - a safe loader
        named = values["workflow"][_KEY]
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError):
        return
    yield from (each for each in _as_list(named) if isinstance(each, str))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _names(value: Any, info: ValidationInfo) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, str) and value.strip():
        # What is wrong with it is wrong with the key: there is no list in the file.
        return [_is_known(value, info)]
    if not isinstance(value, list):
        raise refusal("is no list of workflows", "such as [orders]")
    return value


def _each_once(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise refusal("names one twice")
    return names


After = Annotated[
    list[Annotated[Text, AfterValidator(_is_known)]],
    BeforeValidator(_names, json_schema_input_type=list[Text] | Text),
    AfterValidator(_each_once),
]
