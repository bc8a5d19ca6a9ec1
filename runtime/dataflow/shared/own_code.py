"""What a workflow's author has written that its config.yaml may name.

Read from the syntax of the files: validating a configuration imports none of the author's code.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# What a workflow's own ingestion.py calls to have a source read by its kind.
_READ_SOURCE = "read_source"
# What its transform.py calls to have the stages of config.yaml applied.
_APPLY_STAGES = "apply_stages"
# What stands in a file that may define a reader, or a stage. As rendered none does: of a thousand
# workflows that is known without a tree of each file, which takes far longer.
_READER = re.compile(r"\bdef[\s\\]+(?:read_|[^\s(\\]*[^\x00-\x7f])")
_STAGE = re.compile(r"\bdef[\s\\]+(?!transform_data\s*\()[^_\s\\]")


@dataclass(frozen=True)
class OwnCode:
    """What config.yaml may name beside what is installed.

    Args:
        workflow_id: The workflow, whose name stands in for a table that has none.
        folder: The workflow's folder; None if there is none, as for a file on its own.
        sections: Top-level sections that the project declares in ``[tool.dataflow]``.
        variables: Those of the environment, for what config.yaml leaves to them.
        source: The one of several sources that is looked at; empty for a workflow's only one.
    """

    workflow_id: str
    folder: Path | None = None
    sections: list[str] = field(default_factory=list)
    variables: Mapping[str, str] = field(default_factory=dict)
    source: str = ""

    @cached_property
    def readers(self) -> set[str]:
        """The types of source that ingestion.py reads itself: ``def read_<type>(...)``."""
        names = self._functions("ingestion.py", _READER)
        return {name.removeprefix("read_") for name in names if name.startswith("read_")}

    @cached_property
    def stages(self) -> set[str]:
        """The stages that transform.py implements: ``def <name>(...)``."""
        names = self._functions("transform.py", _STAGE) - {"transform_data"}
        return {name for name in names if not name.startswith("_")}

    @cached_property
    def reads_source_itself(self) -> bool:
        """Whether ingestion.py is there and leaves no source to be read by its kind."""
        return self._does_without("ingestion.py", _READ_SOURCE)

    @cached_property
    def transforms_itself(self) -> bool:
        """Whether transform.py is there and leaves no stage to be applied by the library."""
        return self._does_without("transform.py", _APPLY_STAGES)

    def _does_without(self, file: str, function: str) -> bool:
        tree = self._tree(file)
        return tree is not None and not any(
            function in (getattr(node, "id", ""), getattr(node, "attr", ""))
            for node in ast.walk(tree)
        )

    def _functions(self, file: str, sign: re.Pattern[str]) -> set[str]:
        tree = self._tree(file, sign)
        nodes = tree.body if tree else []
        return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}

    def _tree(self, file: str, sign: re.Pattern[str] | None = None) -> ast.Module | None:
        if self.folder is None:
            return None
        try:
            data = (self.folder / file).read_bytes()
            text = data.decode("utf-8-sig")
            # Bytes, of which a byte-order mark is no part of the code.
            return ast.parse(data) if sign is None or sign.search(text) else None
        except (OSError, ValueError, SyntaxError):
            # Whoever imports the file says what is wrong with it.
            return None
