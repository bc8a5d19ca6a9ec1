"""How numbers, dates and missing values are written in the texts of a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dataflow.shared.sql import quote_literal, type_family
from dataflow.sources.column_names import compared_name
from dataflow.sources.type_rules import RULES, Rule, rules_of, trimmed

if TYPE_CHECKING:
    from dataflow.shared.contract import Contract


@dataclass(frozen=True)
class TextFormat:
    """What is said of all texts of a source; what a contract says of a column goes before it.

    Args:
        decimal: The decimal mark; None to find it out.
        thousands: The mark between thousands; None to find it out.
        date_format: How dates are written, as for strftime; None to find it out.
        null_values: The texts that mean no value in columns that are not named.
        nulls_by_column: The texts that mean no value, by the name of a column; blanks around them
            do not count.
    """

    decimal: str | None = None
    thousands: str | None = None
    date_format: str | None = None
    null_values: Sequence[str] = ("",)
    nulls_by_column: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def rules(self) -> Sequence[Rule]:
        """The types that texts may have, the narrowest first."""
        if (self.decimal, self.thousands, self.date_format) == (None, None, None):
            return RULES
        return rules_of(self.decimal, self.thousands, self.date_format)

    def nulls_of(self, name: str) -> Sequence[str] | None:
        """The texts that are said to mean no value in one column; None if it is not named."""
        for column, texts in self.nulls_by_column.items():
            if compared_name(column) == compared_name(name):
                return texts
        return None

    def value(self, column: str, name: str) -> str:
        """SQL for the text of a column of this name, null where it means no value.

        ``null_values`` are left to whoever reads the texts.
        """
        texts = self.nulls_of(name)
        if not texts:
            return column
        listed = ", ".join(quote_literal(text.strip()) for text in texts)
        return f"CASE WHEN {trimmed(column)} NOT IN ({listed}) THEN {column} END"

    def completed(self, contract: Contract | None) -> Contract | None:
        """A contract that also says what is said of all texts, where it says nothing itself."""
        if contract is None or (self.decimal, self.thousands, self.date_format) == (None,) * 3:
            return contract
        columns = {}
        for name, column in contract.columns.items():
            family = type_family(column.database_type)
            said: dict[str, str | None] = {}
            if family in ("whole", "fraction"):
                point = self.decimal or ("," if self.thousands == "." else None)
                said = {"decimal": point, "thousands": self.thousands}
            elif family == "moment":
                said = {"format": self.date_format}
            own = {key: value for key, value in said.items() if getattr(column, key) is None}
            columns[name] = column.model_copy(update=own)
        return replace(contract, columns=columns)

    def notes(self, names: Sequence[str]) -> list[str]:
        """What a person should know who named a column that is not there."""
        known = set(map(compared_name, names))
        return [
            f"`null_values` names a column {name!r}, which is not there."
            for name in self.nulls_by_column
            if compared_name(name) not in known
        ]


def text_format_of(
    null_values: Sequence[str] | Mapping[str, Sequence[str]],
    decimal: str | None = None,
    thousands: str | None = None,
    date_format: str | None = None,
) -> TextFormat:
    """The format that settings of a source speak of: null markers for all, or by column."""
    if isinstance(null_values, Mapping):
        return TextFormat(decimal, thousands, date_format, ("",), null_values)
    return TextFormat(decimal, thousands, date_format, tuple(null_values))
