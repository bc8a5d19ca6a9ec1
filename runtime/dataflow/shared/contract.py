"""The contract: what is agreed about the columns of a source, and what happens when one changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from dataflow.shared.config_types import AnyText, Boolean, Section, Text, refusal
from dataflow.shared.environment import EnvironmentText
from dataflow.shared.suggestion import did_you_mean

# What people call DuckDB's types that have another name there.
_ALIASES = {
    "text": "VARCHAR",
    "string": "VARCHAR",
    "bool": "BOOLEAN",
    "int": "INTEGER",
    "real": "FLOAT",
    "numeric": "DECIMAL",
    "datetime": "TIMESTAMP",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
}
# Without those that are lost on their way through Arrow and Parquet.
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")
_PLAIN = (
    *("VARCHAR", "BOOLEAN", *_WHOLE, *(f"U{name}" for name in _WHOLE), "FLOAT", "DOUBLE"),
    *("DATE", "TIME", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"),
    *("TIMESTAMP WITH TIME ZONE", "UUID", "BLOB", "JSON"),
)
_DECIMAL = re.compile(r"(?:decimal|numeric)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", re.IGNORECASE)
_MOST_DIGITS = 38
# How the types are written in config.yaml: lower case, by the shortest name.
_WRITTEN = {"VARCHAR": "text", "TIMESTAMP WITH TIME ZONE": "timestamptz"}
_COMMON = ("text", "bigint", "decimal(12,2)", "double", "boolean", "date", "timestamp", "json")


def database_type(written: str) -> str | None:
    """DuckDB's name of a type as config.yaml has it; ``None`` if there is no such type.

    >>> database_type("text"), database_type("Numeric(12, 2)"), database_type("strng")
    ('VARCHAR', 'DECIMAL(12,2)', None)
    """
    name = " ".join(written.split())
    if digits := _DECIMAL.fullmatch(name):
        width, scale = int(digits[1]), int(digits[2] or 0)
        fits = 1 <= width <= _MOST_DIGITS and scale <= width
        return f"DECIMAL({width},{scale})" if fits else None
    name = _ALIASES.get(name.lower(), name.upper())
    return name if name in _PLAIN else None


def written_type(database: str) -> str:
    """A type of DuckDB's as config.yaml has it; what a contract does not know is text or JSON.

    >>> written_type("VARCHAR"), written_type("DECIMAL(12,2)"), written_type("STRUCT(a INTEGER)")
    ('text', 'decimal(12,2)', 'json')
    """
    if database.endswith("]") or database.startswith(("STRUCT", "MAP", "UNION")):
        return "json"
    known = database_type(database)
    return _WRITTEN.get(known, known.lower()) if known else "text"


def _type(value: Any) -> str:
    if isinstance(value, str) and database_type(value):
        return " ".join(value.lower().split())
    if not isinstance(value, str):
        raise refusal("has no value" if value is None else "is not text", ", ".join(_COMMON))
    if re.fullmatch(r"\s*(decimal|numeric)\b.*", value, re.IGNORECASE):
        digits = "does not say how many digits it holds, of 38 at most"
        raise refusal(digits, "such as decimal(12,2): 12 digits, 2 of them behind the point")
    known = [*_ALIASES, *(name.lower() for name in _PLAIN)]
    raise refusal("is not a type", ", ".join(_COMMON), did_you_mean(value.lower(), known))


def _sign(value: Any) -> str:
    if not isinstance(value, str) or len(value) != 1 or value.isalnum():
        raise refusal("is not one character")
    return value


class Column(Section):
    """What is agreed about one column of the source."""

    type: Annotated[str, BeforeValidator(_type)] = Field(
        description="The type of its values: text, bigint, decimal(12,2), double, boolean, date, "
        "time, timestamp, timestamptz, json, or another of DuckDB's plain types."
    )
    source: Text | None = Field(
        default=None, description="Its name at the source. Left out: the name it has here."
    )
    format: Text | None = Field(
        default=None,
        description="How a date or time is written, in the signs of strptime: `%d/%m/%Y`. "
        "Left out: ISO 8601, such as 2024-12-31.",
    )
    decimal: Annotated[str, BeforeValidator(_sign)] | None = Field(
        default=None, description="The decimal mark of numbers written as text. Left out: a point."
    )
    thousands: Annotated[str, BeforeValidator(_sign)] | None = Field(
        default=None, description="The sign between groups of three digits. Left out: none."
    )
    null_values: list[AnyText] | None = Field(
        default=None,
        description="Texts that mean no value in this column, beside those of the source.",
    )
    unit: Text | None = Field(default=None, description="What its numbers count: EUR, kg, m/s.")
    optional: Boolean = Field(
        default=False, description="Whether the source may leave the column out; it is null then."
    )
    sample: Boolean = Field(
        default=False,
        description="Whether everybody who sees Dagster's UI may see values of this column: those "
        "of five rows stand beside each load.",
    )

    @property
    def database_type(self) -> str:
        """DuckDB's name of the type."""
        return str(database_type(self.type))

    @property
    def told(self) -> str:
        """The type as messages have it, with the format if there is one."""
        marks = [f"decimal mark {self.decimal!r}"] if self.decimal else []
        marks += [f"thousands mark {self.thousands!r}"] if self.thousands else []
        written = ", ".join([*([f"written {self.format}"] if self.format else []), *marks])
        return f"{self.type} ({written})" if written else self.type


def _null_means_null(value: Any) -> Any:
    # YAML reads a bare null as no value.
    return "null" if value is None else value


# Rows that a share in per cent lets be put aside in any case.
SMALL_REJECTION = 10
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s*%")
_MOST_ROWS = 10**15


def share_of(limit: int | str) -> float | None:
    """The per cent that a limit names; None if it names a number of rows.

    >>> share_of("2.5%"), share_of(100)
    (2.5, None)
    """
    found = _SHARE.fullmatch(limit.strip()) if isinstance(limit, str) else None
    return float(found[1]) if found else None


def _limit(value: Any) -> int | str:
    allowed = "a number of rows, such as 100, or a share, such as 10%"
    if isinstance(value, EnvironmentText) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_ROWS:
        return value
    if isinstance(value, str):
        share = share_of(value)
        if share is not None and share <= 100:
            return value.strip()
        if value.strip().isdecimal():
            raise refusal("is text", allowed, "leave out the quotes")
    raise refusal("is neither a number of rows nor a share of them", allowed)


Limit = Annotated[
    int | str,
    BeforeValidator(_limit),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^\s*\d{1,3}(\.\d{1,6})?\s*%\s*$"},
            ]
        }
    ),
]


class OnChange(Section):
    """What happens when the source is no longer as the contract says."""

    new_column: Literal["add", "ignore", "fail"] = Field(
        default="add",
        description="A column that the contract does not name: `add` loads it as it comes (text "
        "stays text) and says so, `ignore` leaves it out, `fail` ends the run.",
    )
    lost_column: Annotated[Literal["fail", "null"], BeforeValidator(_null_means_null)] = Field(
        default="fail",
        description="A column of the contract that does not come: `fail` ends the run, `null` "
        "loads rows without a value in it.",
    )
    changed_column: Literal["widen", "fail"] = Field(
        default="widen",
        description="A column whose declared type has become wider (a database's, Parquet's), with "
        "values that the agreed type cannot hold: `widen` loads it in the wider type of the same "
        "family and says so, `fail` ends the run.",
    )
    bad_value: Annotated[
        Literal["fail", "null", "quarantine"], BeforeValidator(_null_means_null)
    ] = Field(
        default="fail",
        description="A value that is not of its column's type: `fail` ends the run, `null` loads "
        "the row without it, `quarantine` puts the row with its reason into the table of the same "
        "name in the schema `rejected` instead.",
    )
    max_rejected: Limit = Field(
        default="10%",
        description="How many rows `bad_value: quarantine` puts aside at most; with more of them "
        "the run ends, and nothing is loaded. A number of rows, or a share of those that came: a "
        f"share lets {SMALL_REJECTION} rows be put aside in any case. `100%` is no limit.",
    )


def columns_in(value: Any) -> Any:
    """The columns in a mapping of config.yaml, where a type alone stands for a column of it.

    Names that YAML took for numbers are names.
    """
    if not isinstance(value, Mapping):
        return {} if value is None else value
    return {
        str(name) if isinstance(name, int) and not isinstance(name, bool) else name: (
            {"type": column} if isinstance(column, str) else column
        )
        for name, column in value.items()
    }


Columns = Annotated[
    dict[Text, Column],
    BeforeValidator(columns_in, json_schema_input_type=dict[str, Column | str] | None),
]


@dataclass(frozen=True)
class Contract:
    """What is agreed about one source.

    Args:
        columns: The columns, by their names in the warehouse.
        shown: What messages call the source.
        place: The keys of config.yaml under which it stands.
    """

    columns: Mapping[str, Column]
    on_change: OnChange
    shown: str = "The source"
    place: str = "ingestion"

    def by_inspection(self, told: str) -> str:
        """What a message tells of ``dataflow workflow inspect``: it does not look into lists."""
        return "" if "child_tables" in self.place else told
