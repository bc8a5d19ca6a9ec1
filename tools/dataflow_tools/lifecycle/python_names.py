"""Where a workflow's id stands in Python code: in calls of the library, keys of assets, imports."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# What takes a workflow's id first, in a workflow's own code and in its tests.
_TAKES_ID = frozenset(
    {
        *("Steps", "register_workflow", "load_config", "workflow_config"),
        *("check_known", "get_workflow", "open_warehouse", "use_upstream"),
    }
)
_OWN_CALLS = frozenset({"Steps", "register_workflow"})
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_NAMES = frozenset({"WORKFLOW", "WORKFLOW_ID", "workflow_id"})
_PARTS = frozenset({"dashboard", "marts", "raw", "rejected", "source", "staging"})
_OPS = ("extract", "transform", "load", "model", "publish")
# As the template writes the first line of a file.
_TOLD = r"(\bof |\bThe workflow |\bThe ){old}(?=$|[ :.])"


@dataclass(frozen=True)
class Literal:
    """A text in the code, from one offset to another, quotes included.

    Args:
        call: The function that it is given to; empty for an asset's key or a plain name.
    """

    start: int
    end: int
    line: int
    value: str
    call: str = ""

    @property
    def is_own(self) -> bool:
        """Whether what it names is the workflow whose code it is, by what it is used for."""
        return self.call in _OWN_CALLS


def literals(code: str) -> list[Literal]:
    """The texts in code that name workflows; none where Python cannot read it."""
    begin = 1 if code.startswith("\ufeff") else 0
    try:
        tree = ast.parse(code[begin:])
    except (SyntaxError, ValueError):
        return []
    # Python ends a line at fewer characters than `splitlines` does.
    lines = _LINE.findall(code[begin:])
    starts = [begin]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def at(line: int, column: int) -> int:
        # Columns are counted in bytes.
        before = lines[line - 1].encode()[:column].decode(errors="replace")
        return starts[line - 1] + len(before)

    found = {}
    for node, call in _named(tree):
        if node.end_lineno is None or node.end_col_offset is None:
            continue
        start, end = at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)
        found[start] = Literal(start, end, node.lineno, str(node.value), call)
    return [found[start] for start in sorted(found)]


def with_new_literals(code: str, old: str, new: str) -> str:
    """The code with another id where one is named."""
    for literal in reversed(literals(code)):
        if literal.value.partition("/")[0] == old:
            text = code[literal.start : literal.end]
            swapped = re.sub(rf"{re.escape(old)}(?=/|[\"'])", new, text, count=1)
            code = code[: literal.start] + swapped + code[literal.end :]
    return _with_new_imports(code, old, new)


def with_new_own_names(code: str, old: str, new: str) -> str:
    """The code with other names of the job and its ops, and another first line, where they fit."""
    defined = set(re.findall(r"^[ \t]*(?:async )?def (\w+)", code, re.MULTILINE))
    for before, after in (
        (f"{old}_job", f"{new}_job"),
        *((f"{op}_{old}", f"{op}_{new}") for op in _OPS),
    ):
        if before in defined and not re.search(rf"\b{after}\b", code):
            code = re.sub(rf"\b{before}\b", after, code)
    first, newline, rest = code.partition("\n")
    if first.startswith('"""'):
        first = re.sub(_TOLD.format(old=re.escape(old)), rf"\g<1>{new}", first)
    return first + newline + rest


def _with_new_imports(code: str, old: str, new: str) -> str:
    """`from dataflow.workflows import sales` goes on giving the name that the code uses."""
    imported = r"^([ \t]*from dataflow\.workflows import [^\n(#]*?)"
    code = re.sub(rf"{imported}\b{old}(?=\s+as\b)", rf"\g<1>{new}", code, flags=re.MULTILINE)
    return re.sub(rf"{imported}\b{old}\b", rf"\g<1>{new} as {old}", code, flags=re.MULTILINE)


def _named(tree: ast.Module) -> Iterator[tuple[ast.Constant, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _name_of(node.func)
            if name in _TAKES_ID and node.args and _is_text(node.args[0]):
                yield node.args[0], name  # type: ignore[misc]
            for keyword in node.keywords:
                if keyword.arg == "workflow_id" and _is_text(keyword.value):
                    yield keyword.value, name  # type: ignore[misc]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            is_name = any(isinstance(t, ast.Name) and t.id in _NAMES for t in targets)
            if is_name and node.value is not None and _is_text(node.value):
                yield node.value, ""  # type: ignore[misc]
        elif isinstance(node, ast.List | ast.Tuple) and len(node.elts) > 1:
            first, second = node.elts[:2]
            if _is_text(first) and isinstance(second, ast.Constant) and second.value in _PARTS:
                yield first, ""  # type: ignore[misc]
        elif isinstance(node, ast.Constant) and _is_key(node.value):
            yield node, ""


def _name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_key(value: object) -> bool:
    """Whether a text is an asset's key, such as ``orders/marts/orders``."""
    if not isinstance(value, str):
        return False
    parts = value.split("/")
    return len(parts) > 1 and parts[1] in _PARTS
