"""Run config as the command line takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted

_INSTRUCTION = (
    "Give a YAML or JSON file, or a mapping such as '{ops: {extract: {config: {n: 1}}}}'."
)


def read_run_config(given: str) -> dict[str, Any]:
    """The run config in a file, or in the text itself.

    Raises:
        BadInputError: There is no such file, or it is no mapping.

    >>> read_run_config("{ops: {extract: {config: {day: 2024-01-31}}}}")
    {'ops': {'extract': {'config': {'day': '2024-01-31'}}}}
    """
    from dataflow.shared.yaml_document import parse_yaml

    path = Path(given).expanduser()
    is_text = given.lstrip().startswith("{") or ": " in given or "\n" in given
    if not is_text and not path.is_file():
        raise BadInputError(f"There is no file {quoted(given)} for --config.", _INSTRUCTION)
    text, where = (given.encode(), "--config") if is_text else (path.read_bytes(), str(path))
    document = parse_yaml(text)
    if document.faults:
        fault = document.faults[0]
        raise BadInputError(f"{where}:{fault.position.line}: {fault.reason}.", _INSTRUCTION)
    return document.values
