"""The author's surface in text: each name with its signature, fields and methods.

After a change that was meant: python -m tests.repository.surface.signatures
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

FILE = Path(__file__).with_name("signatures.txt")
MODULES = (
    "dataflow.authoring",
    "dataflow.shared.config",
    "dataflow.shared.logging",
    "dataflow.workflows.registry",
)


def signatures() -> str:
    """What stands in ``signatures.txt`` as long as nobody changes the surface."""
    lines: list[str] = []
    for name in MODULES:
        module = importlib.import_module(name)
        for exported in sorted(module.__all__):
            value = getattr(module, exported)
            if inspect.isclass(value):
                lines += _of_class(f"{name}.{exported}", value)
            elif callable(value):
                lines.append(f"{name}.{exported}{inspect.signature(value)}")
            else:
                lines.append(f"{name}.{exported} = {value!r}")
    return "\n".join(lines) + "\n"


def _of_class(name: str, kind: type) -> Iterator[str]:
    bases = ", ".join(base.__name__ for base in kind.__bases__)
    yield f"class {name}({bases})"
    if dataclasses.is_dataclass(kind):
        for field in dataclasses.fields(kind):
            if not field.name.startswith("_"):
                yield f"    {field.name}: {field.type}"
    for method, value in sorted(vars(kind).items()):
        if not method.startswith("_") and inspect.isfunction(value):
            yield f"    {method}{inspect.signature(value)}"
        elif not method.startswith("_") and isinstance(value, property):
            yield f"    {method}: property"


if __name__ == "__main__":
    FILE.write_text(signatures())
