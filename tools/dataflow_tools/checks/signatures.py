"""Implementation: the two functions that every job calls."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow_tools.checks.checklist import Finding, Point, judged, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dataflow_tools.checks.workflow_source import WorkflowSource

# By point: the file, the function and its parameter.
FUNCTIONS = {
    "extract": ("ingestion.py", "extract_data", "params"),
    "transform": ("transform.py", "transform_data", "data"),
}
_NOT_DICTS = {"list", "tuple", "set", "str", "bytes", "int", "float", "bool", "None", "DataFrame"}


@dataclass(frozen=True)
class Signature:
    """What can be called with which arguments, read from the text or from the living function.

    Args:
        parameters: Name, whether it must be given, and annotation of each that can stand in order.
        keywords: Names of keyword-only parameters that must be given.
        returns: The annotation of what it returns; empty if there is none.
        is_async: Whether it is a coroutine.
        line: Where it begins.
    """

    parameters: tuple[tuple[str, bool, str], ...]
    keywords: tuple[str, ...] = ()
    returns: str = ""
    is_async: bool = False
    line: int = 0


def describe(function: Callable[..., Any]) -> Signature:
    """The signature of a function that has been imported."""
    signature = inspect.signature(function)
    kinds = inspect.Parameter
    ordered = (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
    empty = inspect.Parameter.empty
    return Signature(
        tuple(
            (p.name, p.default is empty, _annotation(p.annotation))
            for p in signature.parameters.values()
            if p.kind in ordered
        ),
        tuple(
            p.name
            for p in signature.parameters.values()
            if p.kind is kinds.KEYWORD_ONLY and p.default is empty
        ),
        _annotation(signature.return_annotation),
        inspect.iscoroutinefunction(function),
    )


def check_signatures(workflow: WorkflowSource, living: Mapping[str, Signature]) -> list[Point]:
    """Judge ``extract_data`` and ``transform_data``.

    Args:
        workflow: The workflow.
        living: The signatures of those that could be imported; asked about functions that the
            file itself does not define, as it imports them.
    """
    return [_check(workflow, key, living.get(key)) for key in FUNCTIONS]


def _check(workflow: WorkflowSource, key: str, living: Signature | None) -> Point:
    file, function, parameter = FUNCTIONS[key]
    wanted = f"def {function}({parameter}: dict[str, Any]) -> dict[str, Any]:"
    module = workflow.module(file)
    if module is not None and module.tree is None:
        reason = f"{file} cannot be read: {module.reason}."
        return missing(key, Finding(workflow.shown(file), reason, "Mend it.", module.line))
    found = _defined(module.tree, function) if module and module.tree else None
    signature = found or living
    if signature is None:
        return missing(
            key, Finding(workflow.shown(file), f"{function} is not defined.", f"Write `{wanted}`.")
        )
    findings = [
        Finding(workflow.shown(file), f"{function} {reason}.", f"Write `{wanted}`.", signature.line)
        for reason in _faults(signature, parameter)
    ]
    return judged(key, findings, wanted.removeprefix("def ").rstrip(":"))


def _faults(signature: Signature, parameter: str) -> Iterator[str]:
    names = [name for name, _, _ in signature.parameters]
    if signature.is_async:
        yield "is async, and jobs call it like any other function"
    if not names or names[0] != parameter:
        yield f"does not take `{parameter}` first"
    else:
        yield from _type_faults(f"`{parameter}`", signature.parameters[0][2])
    others = [name for name, needed, _ in signature.parameters[1:] if needed]
    others += signature.keywords
    if others:
        yield f"needs {', '.join(f'`{name}`' for name in others)}, which no job gives it"
    yield from _type_faults("what it returns", signature.returns)


def _type_faults(what: str, annotation: str) -> Iterator[str]:
    base = annotation.strip("'\"").partition("[")[0].rpartition(".")[2].strip()
    if not annotation:
        yield f"has no type for {what}"
    elif base in _NOT_DICTS:
        yield f"has the type {annotation} for {what}, not a dict"


def _defined(tree: ast.Module, name: str) -> Signature | None:
    for node in reversed(tree.body):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            return _from_text(node)
    return None


def _from_text(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Signature:
    ordered = [*node.args.posonlyargs, *node.args.args]
    first_default = len(ordered) - len(node.args.defaults)
    return Signature(
        tuple(
            (argument.arg, index < first_default, _text(argument.annotation))
            for index, argument in enumerate(ordered)
        ),
        tuple(
            argument.arg
            for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            if default is None
        ),
        _text(node.returns),
        isinstance(node, ast.AsyncFunctionDef),
        node.lineno,
    )


def _text(annotation: ast.expr | None) -> str:
    return "" if annotation is None else ast.unparse(annotation)


def _annotation(annotation: Any) -> str:
    if annotation is inspect.Signature.empty:
        return ""
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
