"""Implementation: the two functions that every job calls."""

from __future__ import annotations

import inspect
from functools import partial
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from dataflow_tools.checks.protocol import Check, Group, Verdict, judged, not_applicable
from dataflow_tools.checks.tried_workflow import Signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dataflow_tools.checks.tried_workflow import TriedWorkflow

# By point: the file, the function and its parameter.
FUNCTIONS = {
    "extract": ("ingestion.py", "extract_data", "params"),
    "transform": ("transform.py", "transform_data", "data"),
}
_NOT_DICTS = {"list", "tuple", "set", "str", "bytes", "int", "float", "bool", "None", "DataFrame"}


def describe(function: Callable[..., Any], file: str) -> Signature:
    """The signature of a function that was imported from a file."""
    signature = inspect.signature(function)
    code = getattr(inspect.unwrap(function), "__code__", None)
    ordered = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return Signature(
        tuple(
            (p.name, p.default is Parameter.empty, _annotation(p.annotation))
            for p in signature.parameters.values()
            if p.kind in ordered
        ),
        tuple(
            p.name
            for p in signature.parameters.values()
            if p.kind is Parameter.KEYWORD_ONLY and p.default is Parameter.empty
        ),
        _annotation(signature.return_annotation),
        inspect.iscoroutinefunction(function),
        code.co_firstlineno if code is not None and code.co_filename == file else 0,
    )


def _judge(workflow: TriedWorkflow, key: str) -> Verdict:
    file, function, parameter = FUNCTIONS[key]
    wanted = f"def {function}({parameter}: dict[str, Any]) -> dict[str, Any]:"
    module = workflow.module(file)
    if module is None and workflow.reads_others_alone:
        return not_applicable("it reads the tables of other workflows")
    if module is not None and module.tree is None:
        reason = f"{file} cannot be read: {module.reason}."
        return judged([workflow.finding(reason, "Fix it.", file, module.line)])
    if key not in workflow.loaded.signatures:
        return not_applicable(f"{file} cannot be imported")
    signature = workflow.loaded.signatures[key]
    if signature is None:
        return judged([workflow.finding(f"{function} is not defined.", f"Write `{wanted}`.", file)])
    findings = [
        workflow.finding(f"{function} {reason}.", f"Write `{wanted}`.", file, signature.line)
        for reason in _faults(signature, parameter)
    ]
    return judged(findings, wanted.removeprefix("def ").rstrip(":"))


check_extract, check_transform = (
    Check(
        Group.IMPLEMENTATION,
        f"{function} takes and returns what the job expects, with types",
        partial(_judge, key=key),
        position=3 + index,
        waits=True,
    )
    for index, (key, (_, function, _)) in enumerate(FUNCTIONS.items())
)


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


def _annotation(annotation: Any) -> str:
    if annotation is Parameter.empty:
        return ""
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
