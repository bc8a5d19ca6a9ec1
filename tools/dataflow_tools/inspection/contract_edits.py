"""What people wrote into a contract by hand, beside what models, tests and page were made for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.shared.contract import database_type, written_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dataflow.shared.contract import Column


@dataclass(frozen=True)
class TypeEdit:
    """A column whose type in config.yaml is not the one that its models were made for.

    Args:
        name: What the contract calls it.
        agreed: Its type in the contract.
        modelled: Its type in models, tests and page.
    """

    name: str
    agreed: str
    modelled: str

    @property
    def told(self) -> str:
        """The edit for a person."""
        return (
            f"{self.name}: {self.agreed} in the contract, {self.modelled} in models, tests and page"
        )


def type_edits(
    answered: Sequence[Mapping[str, Any]], contract: Mapping[str, str]
) -> list[TypeEdit]:
    """The columns whose type somebody has changed since the template was answered.

    Args:
        answered: The columns in the answers to the template.
        contract: The types in config.yaml, as DuckDB calls them, by the names of their columns.
    """
    return [
        TypeEdit(name, plain_type(contract[name]), plain_type(str(column["type"])))
        for column in answered
        if (name := str(column["name"])) in contract
        and plain_type(contract[name]) != plain_type(str(column["type"]))
    ]


def with_contract(
    answered: Sequence[Mapping[str, Any]], contract: Mapping[str, Column]
) -> list[dict[str, Any]]:
    """The columns in the answers, with what config.yaml says of each now."""
    return [
        {**column, "contract": as_answer(contract[name])}
        if (name := str(column["name"])) in contract
        else {key: value for key, value in column.items() if key != "contract" or not contract}
        for column in answered
    ]


def as_answer(column: Column) -> dict[str, Any]:
    """What a contract says of a column, as the template takes it."""
    return column.model_dump(exclude_defaults=True, exclude_none=True, exclude={"sample"})


def plain_type(kind: str) -> str:
    """A type by the one name that a contract has for it.

    >>> plain_type("varchar"), plain_type("DECIMAL(12, 2)"), plain_type("BIGINT[]")
    ('text', 'decimal(12,2)', 'json')
    """
    return written_type(database_type(kind) or kind)
