"""What is wrong with a configuration file: every fault at once, each with its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow.shared.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_VALUE = 60


@dataclass(frozen=True)
class Fault:
    """One thing to put right in a file.

    Args:
        file: The path of the file, as a person in the project's folder would type it.
        line: Where it is, counted from 1; 0 when it concerns the whole file.
        key_path: Such as ``ingestion.parameters.max_retries``; empty for faults of the text.
        value: The refused value, ready to print; empty when there is none, or none to be shown.
        reason: What is wrong, as the rest of a sentence that begins with the value.
        allowed: What is allowed there; empty when the reason says it.
        hint: What was probably meant.
    """

    file: str
    line: int
    key_path: str
    value: str
    reason: str
    allowed: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        said = " ".join(part for part in (self.value, self.reason) if part)
        allowed = f" (allowed: {self.allowed})" if self.allowed else ""
        hint = f"; {self.hint}" if self.hint else ""
        return ": ".join(part for part in (place, self.key_path, f"{said}{allowed}{hint}") if part)


class ConfigError(BadInputError):
    """A configuration file cannot be used; ``faults`` has every thing that is wrong with it."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.file, fault.line)))
        what = "the line above" if len(self.faults) == 1 else "the lines above"
        super().__init__("\n".join(map(str, self.faults)), f"Put {what} right and run it again.")

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[Fault, ...]]]:
        # An exception is pickled by its arguments, which here are not those of the constructor.
        return type(self), (self.faults,)


def shown_path(path: Iterable[str | int]) -> str:
    """A key path as people write it: ``transformation.stages[0].name``."""
    shown = ""
    for part in path:
        shown += f"[{part}]" if isinstance(part, int) else f".{_shown_key(part)}"
    return shown.removeprefix(".")


def shown_value(value: Any) -> str:
    """A value as it stands in a YAML file, on one line and cut to a readable length."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, str):
        text = json.dumps(redact(value), ensure_ascii=not value.isprintable())
    elif value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    else:
        text = str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


def _shown_key(key: str) -> str:
    shown = redact(key) if key.isprintable() else ascii(key)
    return shown if len(shown) <= _LONGEST_VALUE else f"{shown[: _LONGEST_VALUE - 3]}..."
