"""Testing: which tests there are, and whether they pass."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dataflow_tools.checks.protocol import (
    NO_TESTS,
    Check,
    Group,
    Verdict,
    check,
    judged,
    not_applicable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dataflow_tools.checks.tried_workflow import TriedWorkflow
    from dataflow_tools.checks.workflow_source import Module, WorkflowSource

# What a test from end to end calls: the sandbox's run, ours, or Dagster's.
_RUNS = {"run", "run_workflow", "execute_in_process", "execute_job", "invoke"}
_REFUSALS = {"raises", "assertRaises", "assertRaisesRegex"}
_SKIPS = {"skip", "xfail"}


def _wants_test(
    position: int,
    title: str,
    is_one: Callable[[ast.AST], bool],
    *lacking: str,
    of_source: bool = False,
) -> Check[WorkflowSource]:
    """A check that there is such a test: it itself, or a helper of its file, is one.

    Args:
        lacking: What to say if there is none: reason, instruction, and the file to write it in.
        of_source: Whether only a workflow with a source of its own has one.
    """

    def look(workflow: WorkflowSource) -> Verdict:
        if of_source and workflow.reads_others_alone:
            return not_applicable("it reads the tables of other workflows")
        for module in workflow.tests:
            helpers = {helper.name for helper in _helpers(module) if is_one(helper)}
            for test in _tests(module):
                if is_one(test) or _uses(test, helpers):
                    return judged((), f"{module.path.name}: {test.name}")
        reason, instruction, file = lacking
        return judged([workflow.finding(reason, instruction, f"tests/{file}")])

    return Check(Group.TESTING, title, look, position)


check_ingestion_test = _wants_test(
    1,
    "the ingestion has a test",
    lambda node: _uses(node, {"extract_data"}),
    *("No test calls extract_data.", "Write one.", "test_ingestion.py"),
    of_source=True,
)
check_transform_test = _wants_test(
    2,
    "the transformation has a test",
    lambda node: _uses(node, {"transform_data"}),
    *("No test calls transform_data.", "Write one.", "test_transform.py"),
    of_source=True,
)
check_integration_test = _wants_test(
    3,
    "a test runs the workflow from end to end",
    lambda node: _has_call(node, _RUNS),
    "No test runs it from end to end.",
    "Write one: sandbox.use_sample(...), sandbox.run(), then look at the tables.",
    "test_integration.py",
)
check_error_test = _wants_test(
    4,
    "a test covers an error",
    lambda node: _has_call(node, _REFUSALS),
    "No test covers an error.",
    "Write one: with pytest.raises(...), for a source that is not there.",
    "test_ingestion.py",
)


@check(Group.TESTING, "all tests pass", position=5, waits_for_tests=True)
def check_outcome(workflow: TriedWorkflow) -> Verdict:
    """How the tests ended."""
    outcome = workflow.outcome
    if outcome is None:
        return not_applicable("they were not run (--no-tests)")
    findings = outcome.findings[workflow.workflow_id]
    count = outcome.passed[workflow.workflow_id]
    if not findings and not count:
        return judged([workflow.finding("There is no test.", "Write some.", "tests")], NO_TESTS)
    return judged(findings, "" if findings else f"{count} passed")


def _tests(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The test functions of a file, those left out that are always skipped."""
    for node in ast.walk(module.tree) if module.tree else ():
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        skipped = any(_last_name(d) in _SKIPS for d in node.decorator_list)
        if node.name.startswith("test") and not skipped:
            yield node


def _helpers(module: Module) -> list[ast.FunctionDef]:
    body = module.tree.body if module.tree else []
    return [n for n in body if isinstance(n, ast.FunctionDef) and not n.name.startswith("test")]


def _uses(node: ast.AST, names: set[str]) -> bool:
    for item in ast.walk(node):
        if isinstance(item, ast.Name) and item.id in names:
            return True
        if isinstance(item, ast.Attribute) and item.attr in names:
            return True
        # A fixture is used by the name of a parameter.
        if isinstance(item, ast.arg) and item.arg in names:
            return True
    return False


def _has_call(node: ast.AST, names: set[str]) -> bool:
    return any(
        isinstance(item, ast.Call) and _last_name(item.func) in names for item in ast.walk(node)
    )


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
