"""The JSON Schema of config.yaml, by which editors complete keys and mark mistakes.

It is made from the models of what is installed, plug-ins included, and of what a project's
workflows name of their own. It is no file of the repository: each machine has other plug-ins, and
commands that people type anyway write it anew. A config.yaml names its schema in a comment that the
YAML language server reads (https://github.com/redhat-developer/yaml-language-server).
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.environment import REFERENCE
from dataflow.shared.errors import DataflowError
from dataflow.shared.own_code import OwnCode
from dataflow.shared.plugins import installed

if TYPE_CHECKING:
    from dataflow.shared.project import Project

SCHEMA_NAME = "config.schema.json"
# The first line of a config.yaml: from its folder to the file that `place_schema` writes.
SCHEMA_COMMENT = f"# yaml-language-server: $schema=../../../../.dataflow/{SCHEMA_NAME}"

_LIBRARY = "dataflow-runtime"
_REFERENCE = {"type": "string", "pattern": REFERENCE}
_NOT_TEXT = frozenset({"integer", "number", "boolean"})
# What says something about a value, rather than which values there are.
_ABOUT = ("title", "description", "default")


def renew_schema(project: Project, *, whole: bool = False) -> None:
    """Write the project's schema if there is none, or if what is installed is not what it is of.

    That is told from its first lines, without the models. Nothing is said of a schema that cannot
    be written: it is for editors alone.

    Args:
        whole: Compare all of it, which sees what workflows have of their own as well.
    """
    path = project.state_dir / SCHEMA_NAME
    with suppress(DataflowError, OSError):
        if not whole and path.is_file():
            with path.open("rb") as stream:
                comment = json.dumps(_made_of(), ensure_ascii=False).encode()
                if comment in stream.read(len(comment) + 200):
                    return
        place_schema(project)


def _made_of() -> str:
    """What is installed: the library, and what other distributions bring to a config.yaml."""
    points = [*installed("sources").values(), *installed("stages").values()]
    brought = [
        f"{point.name} of {point.dist.name} {point.dist.version} ({point.value})"
        for point in points
        if point.dist is not None and point.dist.name != _LIBRARY
    ]
    return f"Made by {', '.join([f'{_LIBRARY} {version(_LIBRARY)}', *sorted(brought)])}"


def place_schema(project: Project) -> Path:
    """Write the project's schema to where the first line of each config.yaml points.

    Returns:
        The file, in the project's folder of state; left alone if it is as it should be.
    """
    path = project.files_dir / SCHEMA_NAME
    data = (json.dumps(config_schema(project), indent=2, ensure_ascii=False) + "\n").encode()
    try:
        if path.read_bytes() == data:
            return path
    except OSError:
        path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
    Path(temporary).replace(path)
    return path


def config_schema(project: Project | None = None) -> dict[str, Any]:
    """The JSON Schema (draft 7) of config.yaml, with ``${VAR}`` wherever it works.

    Args:
        project: Whose declared sections, own readers and own stages are known as well.

    >>> config_schema()["$schema"]
    'http://json-schema.org/draft-07/schema#'
    """
    from dataflow.shared.config_model import WorkflowConfig

    schema = WorkflowConfig.model_json_schema(by_alias=True, mode="validation")
    if project is not None:
        _add_own_names(schema, project)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": _made_of(),
        **_with_references(schema),
    }


def _add_own_names(schema: dict[str, Any], project: Project) -> None:
    for section in project.settings.config_sections:
        schema["properties"].setdefault(section, {"description": "A section of the project's own."})
    codes = [OwnCode(path.parent.name, path.parent) for path in _configs(project)]
    types = sorted({name for code in codes for name in code.readers})
    stages = sorted({name for code in codes for name in code.stages})
    if types:
        for section in ("Ingestion", "NamedSource"):
            source = schema["$defs"][section]["properties"]["source"]
            source["oneOf"].append(_named("type", types))
    if stages:
        stage = schema["$defs"]["Stage"]
        stage["oneOf"].append(_named("name", stages))


def _configs(project: Project) -> list[Path]:
    return sorted(project.workflows_dir.glob("*/config.yaml"))


def _named(key: str, names: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": {key: {"enum": names}}, "required": [key]}


def _with_references(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_with_references(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result: dict[str, Any] = {}
    for key, part in schema.items():
        if key == "properties" or key == "$defs":
            result[key] = {name: _with_references(item) for name, item in part.items()}
        elif key == "title" and isinstance(part, str):
            continue
        else:
            takes_text = key == "anyOf" and {"type": "string"} in part
            result[key] = part if key == "default" or takes_text else _with_references(part)
    restricted = result.get("type") in _NOT_TEXT or "enum" in result
    named = result.get("type") == "string" and "pattern" in result
    if not restricted and not (named and result["pattern"] != REFERENCE):
        return result
    about = {key: result.pop(key) for key in _ABOUT if key in result}
    return {**about, "anyOf": [result, _REFERENCE]}
