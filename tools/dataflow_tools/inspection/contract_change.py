"""How a source has changed since its contract was agreed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.shared.contract import Contract, OnChange
from dataflow.shared.tables import to_arrow
from dataflow.sources.kind import Extracted, ReadRequest, source_kind
from dataflow.sources.read import hold_to_contract
from dataflow.sources.type_widening import declared_wider
from dataflow.sources.validation import checked_settings
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
    from dataflow.shared.named_source import SourceTable

_TELL_ALL = OnChange(new_column="add", lost_column="null", bad_value="null")


@dataclass(frozen=True)
class ContractChange:
    """What the source has now, beside what was agreed.

    Args:
        inspection: The source as it is found today, as if there were no contract.
        new: Columns that were not agreed on, by their names at the source.
        lost: Columns that are gone, by their names in the contract.
        bad: Columns with values that are not of the agreed type, by their names in the contract.
        notes: What reading by the contract had to say.
    """

    inspection: Inspection
    new: Sequence[str]
    lost: Sequence[str]
    bad: Sequence[str]
    notes: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.new or self.lost or self.bad)

    def columns(self, agreed: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The columns as the template takes them, with the change in them.

        What still holds stays as it is: names, roles, tests and descriptions.

        Args:
            agreed: The columns in the answers so far.
        """
        before = {str(column["name"]): dict(column) for column in agreed}
        taken = {str(column["identifier"]) for column in agreed}
        columns = []
        for found in self.inspection.columns:
            answer, old = found.answer(), before.get(found.profile.name)
            if old is None:
                columns.append(_with_free_identifier(answer, taken))
                taken.add(str(columns[-1]["identifier"]))
            elif found.profile.name in self.bad or "contract" not in old:
                kept = {key: old[key] for key in ("identifier", "description") if key in old}
                columns.append({**answer, **kept})
            else:
                columns.append(old)
        return columns


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
    lenient = Contract(table.contract.columns, _TELL_ALL)
    extracted = _extracted(given, parameters, lenient) if rows is None else Extracted(rows, "")
    conformed = extracted.conformed or hold_to_contract(
        extracted.data, lenient, declared=extracted.declared
    )
    report = conformed.report
    bad = [*report.bad_columns, *report.changed_columns]
    if extracted.declared and not extracted.whole:
        # Rows that were not looked at may need what the source declares.
        declared = declared_wider(to_arrow(extracted.data), lenient.columns)
        bad += [name for name in declared if name not in bad]
    return ContractChange(inspection, report.new_columns, report.lost_columns, bad, conformed.notes)


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
