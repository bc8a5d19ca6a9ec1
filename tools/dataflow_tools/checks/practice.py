"""Best practice: what can be seen in the Python code."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dataflow_tools.checks.checklist import Finding, Point, judged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow_tools.checks.workflow_source import Module, WorkflowSource

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def check_practice(workflow: WorkflowSource) -> list[Point]:
    """Judge type hints, and that nothing is printed, in the files outside ``tests``."""
    hints: list[Finding] = []
    prints: list[Finding] = []
    for module in workflow.code:
        file = workflow.project.relative(module.path)
        if module.tree is None:
            hints.append(Finding(file, f"Python: {module.reason}.", "Mend it.", module.line))
            continue
        hints += _hints(module.tree, file)
        prints += _prints(module, file)
    return [judged("type-hints", hints), judged("print", prints)]


def _hints(tree: ast.Module, file: str) -> Iterator[Finding]:
    methods = {
        id(item)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, _Function) and not _is_static(item)
    }
    for node in ast.walk(tree):
        if not isinstance(node, _Function):
            continue
        lacking = _unannotated(node, is_method=id(node) in methods)
        if lacking:
            yield Finding(
                file,
                f"{node.name} has no type for {', '.join(lacking)}.",
                "Add type hints.",
                node.lineno,
            )


def _unannotated(node: _Function, *, is_method: bool) -> list[str]:
    ordered = [*node.args.posonlyargs, *node.args.args][1 if is_method else 0 :]
    rest = [argument for argument in (node.args.vararg, node.args.kwarg) if argument]
    lacking = [
        f"`{argument.arg}`"
        for argument in (*ordered, *node.args.kwonlyargs, *rest)
        if argument.annotation is None
    ]
    # What __init__ returns needs no saying if one of its parameters has a type (PEP 484).
    is_known = node.name == "__init__" and is_method
    return lacking if node.returns or is_known else [*lacking, "what it returns"]


def _is_static(node: _Function) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)


def _prints(module: Module, file: str) -> Iterator[Finding]:
    for node in ast.walk(module.tree) if module.tree else ():
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("print", "pprint")
        ):
            yield Finding(
                file,
                f"{node.func.id}() writes past the log.",
                "Use log.info(...) with log = get_logger(__name__).",
                node.lineno,
            )
