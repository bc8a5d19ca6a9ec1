"""What every error of the library means, read from the source text of its class.

Nothing is imported: an error of a module whose packages are not installed is explained as well.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import dataflow.shared
from dataflow.shared.errors import code_of_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_BASE = "DataflowError"
_CLASS = re.compile(r"^class (\w+Error)\(|^class DataflowError\(", re.MULTILINE)
_RAISED = re.compile(r"Error\(")
# What a docstring says for programmers.
_FOR_CODE = re.compile(r"^(Args|Attributes):\n.*", re.MULTILINE | re.DOTALL)


@dataclass
class ErrorEntry:
    """One kind of error.

    Args:
        meaning: What it is, in a sentence or two.
        details: More paragraphs: why it happens and what to do, where there is more to say.
        messages: What is said where it is raised, and what to do; ``<...>`` stands for a value.
    """

    name: str
    base: str
    meaning: str
    details: list[str]
    own_exit_code: int | None = None
    own_http_status: int | None = None
    exit_code: int = 1
    http_status: int = 500
    messages: list[tuple[str, str]] = field(default_factory=list)

    @property
    def code(self) -> str:
        """The name by which people look it up."""
        return code_of_name(self.name)


class ErrorCatalogue:
    """The errors of the runtime and, where they are installed, of the tools."""

    @cached_property
    def entries(self) -> dict[str, ErrorEntry]:
        """Each kind of error by its code, in order."""
        texts = list(_sources())
        trees = [ast.parse(text) for text in texts if _CLASS.search(text)]
        classes = {entry.name: entry for tree in trees for entry in _classes(tree)}
        found = {}
        for name in sorted(classes):
            chain = list(_chain(name, classes))
            if chain[-1].name != _BASE or name == _BASE:
                continue
            entry = classes[name]
            entry.exit_code = next(c.own_exit_code for c in chain if c.own_exit_code is not None)
            entry.http_status = next(
                c.own_http_status for c in chain if c.own_http_status is not None
            )
            found[entry.code] = entry
        return found

    def with_messages(self, *codes: str) -> list[ErrorEntry]:
        """Some kinds of errors, or all, with what is said where they are raised."""
        wanted = {
            entry.name: entry for code, entry in self.entries.items() if code in codes or not codes
        }
        for text in _sources():
            if any(f"{name}(" in text for name in wanted):
                for name, message in _Messages(ast.parse(text)).found():
                    if name in wanted and message not in wanted[name].messages:
                        wanted[name].messages.append(message)
        return list(wanted.values())


def _sources() -> Iterator[str]:
    """The text of each module that has to do with errors, in order."""
    folders = [Path(dataflow.shared.__file__).parents[1]]
    tools = importlib.util.find_spec("dataflow_tools")
    if tools is not None and tools.origin:
        folders.append(Path(tools.origin).parent)
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if _RAISED.search(text):
                yield text


def _classes(tree: ast.Module) -> Iterator[ErrorEntry]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.bases:
            base = ast.unparse(node.bases[0]).rpartition(".")[2]
            said = _FOR_CODE.sub("", ast.get_docstring(node) or "").strip()
            first, *others = (" ".join(part.split()) for part in said.split("\n\n"))
            values = {
                target.id: statement.value.value
                for statement in node.body
                if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
                for target in statement.targets
                if isinstance(target, ast.Name) and isinstance(statement.value.value, int)
            }
            yield ErrorEntry(
                node.name,
                base,
                first.replace("``", "`"),
                [other.replace("``", "`") for other in others],
                values.get("exit_code"),
                values.get("http_status"),
            )


def _chain(name: str, classes: dict[str, ErrorEntry]) -> Iterator[ErrorEntry]:
    while name in classes:
        yield classes[name]
        name = classes[name].base


class _Messages:
    """What a module says where it raises errors."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._constants = {
            target.id: statement.value
            for statement in tree.body
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1
            if isinstance(target := statement.targets[0], ast.Name)
        }

    def found(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """The classes that are called with a reason and an instruction, and those two."""
        inside = {
            id(call): node.name
            for node in self._tree.body
            if isinstance(node, ast.ClassDef)
            for call in ast.walk(node)
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__"
        }
        for node in ast.walk(self._tree):
            if not isinstance(node, ast.Call) or len(node.args) != 2:
                continue
            name = inside.get(id(node)) or ast.unparse(node.func).rpartition(".")[2]
            reason, instruction = map(self._text, node.args)
            # One that is handed through is told where it is made.
            if not re.fullmatch(r"<[\w.]*>", reason):
                yield name, (reason, instruction)

    def _text(self, node: ast.expr) -> str:
        """A text as it stands in the code, with a name in place of each value."""
        if isinstance(node, ast.Constant):
            return str(node.value)
        if isinstance(node, ast.JoinedStr):
            return "".join(map(self._text, node.values))
        if isinstance(node, ast.FormattedValue):
            return self._text(node.value)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._text(node.left) + self._text(node.right)
        if isinstance(node, ast.Name) and node.id in self._constants:
            known = self._constants[node.id]
            if isinstance(known, (ast.Constant, ast.JoinedStr, ast.BinOp)):
                return self._text(known)
        return f"<{_name(node)}>"


def _name(node: ast.expr) -> str:
    """What to call a value."""
    if isinstance(node, ast.Name):
        return node.id.strip("_").lower()
    if isinstance(node, ast.Attribute):
        return node.attr.strip("_").lower()
    if isinstance(node, ast.Call) and node.args:
        return _name(node.args[-1] if isinstance(node.func, ast.Attribute) else node.args[0])
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    return "..."
