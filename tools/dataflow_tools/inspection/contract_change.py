"""How a source has changed since its contract was agreed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dataflow.shared.contract import OnChange
from dataflow.shared.tables import to_arrow
from dataflow.sources.contract_check import READ_AS_NONE
from dataflow.sources.kind import Extracted, ReadRequest, source_kind
from dataflow.sources.read import hold_to_contract
from dataflow.sources.type_widening import declared_wider
from dataflow.sources.validation import checked_settings
from dataflow_tools.inspection.contract_edits import TypeEdit, as_answer, type_edits
from dataflow_tools.inspection.sample import Sample, read_limit
from dataflow_tools.inspection.source_inspection import (
    Inspection,
    inspect_sample,
    inspect_source,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from dataflow.shared.config_model import Parameters
    from dataflow.shared.contract import Column, Contract
    from dataflow.shared.named_source import SourceTable


@dataclass(frozen=True)
class ContractChange:
    """What the source has now, beside what was agreed.

    Args:
        inspection: The source as it is found today, as if there were no contract.
        new: Columns that were not agreed on, by their names at the source.
        lost: Columns that are gone, by their names at the source.
        bad: Columns with values that are not of the agreed type, by their names in the contract.
            Values that the contract itself puts aside, or reads as none, are no change.
        notes: What reading by the contract had to say.
        contract: The columns as config.yaml has them.
        rows: The rows as the contract reads them.
    """

    inspection: Inspection
    new: Sequence[str]
    lost: Sequence[str]
    bad: Sequence[str]
    notes: Sequence[str]
    contract: Mapping[str, Column] = field(default_factory=dict)
    rows: pa.Table | None = None

    def __bool__(self) -> bool:
        return bool(self.new or self.lost or self.bad)

    def edits(self, agreed: Sequence[Mapping[str, Any]]) -> list[TypeEdit]:
        """The types that a person changed in the contract, and that the source keeps to.

        Args:
            agreed: The columns in the answers so far.
        """
        gone = {self._contract_name(name) for name in self.lost}
        types = {name: column.database_type for name, column in self.contract.items()}
        edits = type_edits(agreed, types)
        return [edit for edit in edits if edit.name not in self.bad and edit.name not in gone]

    def columns(self, agreed: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The columns as the template takes them, with the change in them.

        What still holds stays as it is: names, roles, tests and descriptions.

        Args:
            agreed: The columns in the answers so far, with what config.yaml says of each.
        """
        before = {str(column["name"]): dict(column) for column in agreed}
        taken = {str(column["identifier"]) for column in agreed}
        edited = {edit.name for edit in self.edits(agreed)}
        gone = {self._contract_name(name) for name in self.lost}
        columns = []
        for found in self.inspection.columns:
            name = self._contract_name(found.profile.name)
            answer, old = found.answer(), before.pop(name, None)
            if old is None:
                columns.append(_with_free_identifier(answer, taken))
                taken.add(str(columns[-1]["identifier"]))
            elif name in self.bad or "contract" not in old:
                columns.append({**answer, "name": name, **_kept(old)})
            elif name in edited:
                columns.append({**self._as_agreed(name), **_kept(old)})
            else:
                columns.append(old)
        # What may be left out, and is today.
        for place, column in enumerate(agreed):
            name = str(column["name"])
            if name in before and name in self.contract and name not in gone:
                columns.insert(place, before[name])
        return self._with_one_date(columns, {*edited, *self.bad})

    def _contract_name(self, name: str) -> str:
        """What the contract calls a column of the source."""
        return self._names.get(name) or self._names.get(name.lower()) or name

    @cached_property
    def _names(self) -> dict[str, str]:
        names = {column.source or name: name for name, column in self.contract.items()}
        return {**{source.lower(): name for source, name in names.items()}, **names}

    @cached_property
    def _typed(self) -> dict[str, dict[str, Any]]:
        """What is found in the rows as the contract reads them."""
        if self.rows is None:
            return {}
        sample = Sample(self.rows, whole=self.inspection.whole, notes=[], is_declared=True)
        inspection = inspect_sample(sample, self.inspection.source)
        return {column.profile.name: column.answer() for column in inspection.columns}

    def _as_agreed(self, name: str) -> dict[str, Any]:
        column = self.contract[name]
        found = {k: v for k, v in self._typed[name].items() if k != "nearly"}
        if column.database_type == "JSON":
            tests = [test for test in found["tests"] if test == "not_null"]
            found = {"name": name, "identifier": name, "role": "nested", "tests": tests}
        return {**found, "type": column.database_type, "contract": as_answer(column)}

    def _with_one_date(
        self, columns: list[dict[str, Any]], changed: set[str]
    ) -> list[dict[str, Any]]:
        """A page is drawn along one date: the one that it has, else the best that there is."""
        dates = [column for column in columns if column["role"] == "date"]
        kept = [column for column in dates if column["name"] not in changed]
        if dates and kept:
            return [
                {**column, "role": "time"}
                if column["role"] == "date" and column is not kept[0]
                else column
                for column in columns
            ]
        if dates or not changed:
            return columns
        best = next((n for n, found in self._typed.items() if found["role"] == "date"), None)
        return [
            {**self._typed[str(best)], **_kept(column), "contract": column["contract"]}
            if column["name"] == best and "contract" in column
            else column
            for column in columns
        ]


def contract_change(
    table: SourceTable, parameters: Parameters, rows: pa.Table | None = None
) -> ContractChange:
    """Look again at the source of one of a workflow's tables.

    Args:
        rows: What the workflow's own code has read of it; None if the library reads it.

    Raises:
        SourceError: The source cannot be read.
        SourceSettingError: A setting cannot be used.
    """
    given = table.source.model_dump(by_alias=True, exclude_none=True)
    if rows is None:
        inspection = inspect_source(given)
    else:
        inspection = inspect_sample(Sample(rows, whole=True, notes=[]), given)
    if table.contract is None:
        names = [column.profile.name for column in inspection.columns]
        return ContractChange(inspection, names, [], [], inspection.notes)
    agreed = table.contract.on_change.bad_value
    # What ends a run is told of here; what it does with other values is done here as well.
    on_change = OnChange(
        new_column="add", lost_column="null", bad_value="null" if agreed == "fail" else agreed
    )
    lenient = replace(table.contract, on_change=on_change)
    extracted = _extracted(given, parameters, lenient) if rows is None else Extracted(rows, "")
    conformed = extracted.conformed or hold_to_contract(
        extracted.data, lenient, declared=extracted.declared
    )
    report = conformed.report
    bad = [*(report.bad_columns if agreed == "fail" else ()), *report.changed_columns]
    if extracted.declared and not extracted.whole:
        # Rows that were not looked at may need what the source declares.
        declared = declared_wider(to_arrow(extracted.data), lenient.columns)
        bad += [name for name in declared if name not in bad]
    notes = [
        note.replace(READ_AS_NONE, "a run ends there") if agreed == "fail" else note
        for note in conformed.notes
    ]
    return ContractChange(
        *(inspection, report.new_columns, report.lost_columns, bad, notes),
        contract=table.contract.columns,
        rows=conformed.table,
    )


def _kept(old: Mapping[str, Any]) -> dict[str, Any]:
    """What of a column stays, whatever its values are now."""
    return {key: old[key] for key in ("identifier", "description") if key in old}


def _extracted(given: dict[str, Any], parameters: Parameters, contract: Contract) -> Extracted:
    kind = source_kind(given["type"])
    settings = checked_settings(
        kind.settings, {key: value for key, value in given.items() if key != "incremental"}
    )
    return kind.read(
        settings, ReadRequest(parameters, limit=read_limit(given["type"]), contract=contract)
    )


def _with_free_identifier(answer: dict[str, Any], taken: set[str]) -> dict[str, Any]:
    name, count = str(answer["identifier"]), 2
    while name in taken:
        name, count = f"{answer['identifier']}_{count}", count + 1
    return {**answer, "identifier": name}
