"""What has to be answered to the template so that a contract is what its source has today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError
from dataflow.shared.shown import quoted
from dataflow_tools.inspection.contract_edits import with_contract

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dataflow_tools.inspection.contract_change import ContractChange
    from dataflow_tools.inspection.contract_edits import TypeEdit


def columns_of(
    answers: Mapping[str, Any], table: str, *, only: bool
) -> Sequence[Mapping[str, Any]]:
    """The columns in the answers of one of a workflow's tables.

    Args:
        only: Whether the workflow loads no other table.
    """
    # The only one may be called otherwise in config.yaml than in the answers.
    if only or table == answers.get("table"):
        return answers.get("columns") or []
    more = {str(each["table"]): each for each in answers.get("more_tables") or []}
    return more[table].get("columns") or [] if table in more else []


def edits_of(
    answers: Mapping[str, Any], changes: Mapping[str, ContractChange]
) -> dict[str, list[TypeEdit]]:
    """By the table that is loaded, the types that people have changed in its contract."""
    only = len(changes) == 1
    return {
        table: change.edits(columns_of(answers, table, only=only))
        for table, change in changes.items()
    }


def settled_answers(
    answers: Mapping[str, Any], changes: Mapping[str, ContractChange]
) -> dict[str, Any]:
    """The answers of columns as config.yaml has them by now.

    They stand for those that were recorded: what a person wrote into the contract is then no
    change of the template's that would have to be merged with it.
    """
    only = len(changes) == 1
    settled: dict[str, Any] = {}
    more = [dict(each) for each in answers.get("more_tables") or []]
    for table, change in changes.items():
        columns = with_contract(columns_of(answers, table, only=only), change.contract)
        if only or table == answers.get("table"):
            settled["columns"] = columns
        for each in more:
            if each["table"] == table:
                each["columns"] = columns
    return {**settled, "more_tables": more} if more else settled


def agreed_answers(
    answers: Mapping[str, Any], changes: Mapping[str, ContractChange]
) -> dict[str, Any]:
    """The answers that change if the changes of some tables are agreed to.

    Args:
        answers: Those so far, with what `settled_answers` says.
        changes: By the table that is loaded; those without a change are left as they are.

    Raises:
        BadInputError: The template knows nothing of a table.
    """
    more = {str(each["table"]): dict(each) for each in answers.get("more_tables") or []}
    edits = edits_of(answers, changes)
    changed = {table: change for table, change in changes.items() if change or edits[table]}
    given: dict[str, Any] = {}
    for table, change in changed.items():
        if len(changes) == 1 or table == answers.get("table"):
            given |= _of_table(answers, change)
        elif table in more:
            agreed = _of_table(more[table], change)
            source = {k: agreed.pop(k) for k in ("null_values",) if k in agreed}
            more[table] |= {**agreed, "source": {**more[table]["source"], **source}}
        else:
            raise BadInputError(
                f"The table {quoted(table)} was added to config.yaml by hand: the template has no "
                "model of it that could follow. Nothing was changed.",
                "Change the `columns` of its source in config.yaml, and its models.",
            )
    return {**given, "more_tables": list(more.values())} if more.keys() & changed else given


def _of_table(answers: Mapping[str, Any], change: ContractChange) -> dict[str, Any]:
    columns = change.columns(answers.get("columns") or [])
    names = {str(column["name"]) for column in columns}
    key = answers.get("primary_key") or []
    sure = answers.get("confirmed", key)
    given = {"columns": columns, "confirmed": [column for column in sure or [] if column in names]}
    if not set(map(str, key)) <= names:
        given["primary_key"] = list(change.inspection.primary_key)
    # What stands for no value may be all that is new in a column.
    null_values = change.inspection.source.get("null_values")
    if change.bad and null_values is not None:
        given["null_values"] = null_values
    return given
