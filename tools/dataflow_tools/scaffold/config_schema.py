"""The JSON Schema of config.yaml, by which editors complete keys and mark mistakes.

`config.schema.json` beside this module is made from the model by
``python -m dataflow_tools.scaffold.config_schema``; a test holds the two together. A config.yaml
names its schema in a comment that the YAML language server reads (https://github.com/redhat-developer/yaml-language-server).
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.environment import REFERENCE

if TYPE_CHECKING:
    from dataflow.shared.project import Project

SCHEMA_FILE = Path(__file__).with_name("config.schema.json")

# The first line of a workflow's config.yaml: from its folder to the copy that `place_schema` makes.
SCHEMA_COMMENT = "# yaml-language-server: $schema=../../../../.dataflow/config.schema.json"

_REFERENCE = {"type": "string", "pattern": REFERENCE}
_NOT_TEXT = frozenset({"integer", "number", "boolean"})
# What says something about a value, rather than which values there are.
_ABOUT = ("title", "description", "default")


def place_schema(project: Project) -> Path:
    """Copy the schema to where the first line of each config.yaml points, if it is not there.

    Returns:
        The copy, in the project's folder of state.
    """
    path = project.state_dir / SCHEMA_FILE.name
    data = SCHEMA_FILE.read_bytes()
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


def config_schema() -> dict[str, Any]:
    """The JSON Schema (draft 7) of the configuration's model, with ``${VAR}`` wherever it works."""
    from dataflow.shared.config_model import WorkflowConfig

    schema = WorkflowConfig.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "http://json-schema.org/draft-07/schema#", **_with_references(schema)}


def schema_text() -> str:
    """The content of `config.schema.json`."""
    return json.dumps(config_schema(), indent=2, ensure_ascii=False) + "\n"


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


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
