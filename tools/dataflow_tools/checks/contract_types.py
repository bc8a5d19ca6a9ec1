"""Implementation: whether the models have the types of the contract."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dataflow.shared.contract import columns_in, database_type
from dataflow_tools.checks.protocol import Group, Status, Verdict, check, judged, not_applicable
from dataflow_tools.checks.workflow_source import read_text
from dataflow_tools.fleet.answers_file import ANSWERS_FILE, AnswersError, read_answers
from dataflow_tools.inspection.agreement import columns_of
from dataflow_tools.inspection.contract_edits import plain_type, type_edits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataflow_tools.checks.workflow_source import WorkflowSource

_NAME = r'(?P<name>"(?:[^"]|"")+"|\w+)'
# The three ways in which the template writes a cast.
_CASTS = (
    re.compile(rf"exact_cast\(\s*['\"]{_NAME}['\"]\s*,\s*'(?P<type>[^']+)'"),
    re.compile(rf"cast\(\s*{_NAME}\s+as\s+\{{\{{\s*native_type\('(?P<type>[^']+)'", re.IGNORECASE),
    re.compile(rf"cast\(\s*{_NAME}\s+as\s+(?P<type>[a-z][\w ]*)\)", re.IGNORECASE),
)


@check(Group.IMPLEMENTATION, "staging casts to the types of the contract", position=9)
def check_contract_types(workflow: WorkflowSource) -> Verdict:
    """Look for casts that the template made for types that the contract no longer has.

    A cast that a person wrote may be meant: only those that are still as rendered are told of.
    """
    if not workflow.is_rendered or not workflow.has("dbt"):
        return not_applicable("the models are not the template's")
    try:
        answers = read_answers(workflow.folder / ANSWERS_FILE).values
    except AnswersError:
        return not_applicable("no update can let the models follow")
    found, agreed = [], 0
    for source in workflow.sources:
        contract = _agreed(workflow.setting(*source.path, "columns"))
        agreed += len(contract)
        file = f"dbt/models/staging/stg_{source.table}.sql"
        casts = dict(_casts(workflow.folder / file))
        answered = columns_of(answers, source.table, only=len(workflow.sources) == 1)
        for edit in type_edits(answered, contract):
            cast, line = casts.get(edit.name, ("", 0))
            if cast == edit.modelled:
                reason = (
                    f"{edit.name} is {edit.agreed} in the contract of config.yaml, and cast to "
                    f"{edit.modelled} here: the mart does not have the type that was agreed on."
                )
                command = f"dataflow workflow inspect {workflow.workflow_id} --accept"
                told = f"Commit config.yaml, and let models, tests and page follow: {command}"
                found.append(workflow.finding(reason, told, file, line))
    if found:
        return Verdict(Status.ADVISED, findings=tuple(found))
    if not agreed:
        return not_applicable("there is no contract")
    return judged([], f"{agreed} columns")


def _agreed(columns: Any) -> dict[str, str]:
    """The types of a contract as DuckDB calls them, as far as they can be read."""
    given = columns_in(columns)
    types = {
        str(name): database_type(str(column.get("type")))
        for name, column in (given.items() if isinstance(given, dict) else ())
        if isinstance(column, dict)
    }
    return {name: kind for name, kind in types.items() if kind}


def _casts(path: Path) -> Iterator[tuple[str, tuple[str, int]]]:
    """The columns that a model casts, each with the type in a contract's words, and its line."""
    for number, line in enumerate((read_text(path) or "").splitlines(), 1):
        for pattern in _CASTS:
            if match := pattern.search(line):
                name = match["name"]
                bare = name[1:-1].replace('""', '"') if name.startswith('"') else name
                yield bare, (plain_type(match["type"]), number)
                break
