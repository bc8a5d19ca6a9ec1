"""What config.yaml may say of a source of type file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from dataflow.shared.config_types import (
    AnyText,
    Boolean,
    FaultsBetween,
    Section,
    Text,
    WholeNumber,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dataflow.sources.text_format import TextFormat

# What a delimiter may be called that is no sign of its own.
WHITESPACE = "whitespace"
FRAMED = "framed"
_LONGEST_DELIMITER = 4
_TEXT_ONLY = (
    *("delimiter", "widths", "quote", "escape", "comment", "short_rows", "final_newline"),
)
_TABLES_ONLY = (
    *("header", "header_rows", "names", "skip_lines", "units_row", "footer_lines"),
    "kinds_row",
    *("repeated_headers", "decimal", "thousands", "date_format"),
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def _location(value: Any) -> Any:
    scheme = _SCHEME.match(value) if isinstance(value, str) else None
    if scheme and scheme[1].lower() not in ("file", "http", "https", "s3"):
        raise refusal("begins with an unknown scheme", "a path, http://, https://, s3://")
    return value


def _null_values(value: Any) -> Any:
    if isinstance(value, dict):
        for name, texts in value.items():
            if not isinstance(name, str) or not isinstance(texts, list):
                raise refusal("is neither a list of texts nor lists of texts by column")
    elif not isinstance(value, list):
        raise refusal("is neither a list of texts nor lists of texts by column")
    return value


def _date_format(value: Any) -> Any:
    if isinstance(value, str) and "%" not in value:
        raise refusal("is no layout of a date", "one such as %d.%m.%Y")
    return value


Rows = Annotated[int, WholeNumber(0, 100_000)]


class FileSource(Section):
    """Rows from a file, or from all files that a pattern matches."""

    type: Literal["file"] = Field(description="Rows from files.")
    url: Annotated[Text, BeforeValidator(_location)] = Field(
        description="The file: a path relative to the project's folder, an absolute path, a "
        "pattern such as `data/*.csv`, or an address that begins with http://, https:// or s3://."
    )
    format: (
        Literal["csv", "tsv", "json", "jsonl", "geojson", "parquet", "orc", "feather", "excel"]
        | None
    ) = Field(default=None, description="What the file holds. Left out: its suffix says it.")
    null_values: Annotated[
        list[AnyText] | dict[str, list[AnyText]], BeforeValidator(_null_values)
    ] = Field(
        default_factory=lambda: [""],
        description="The texts that mean no value: a list for all columns, or lists by column, as "
        'in `{gdp: ["", "NA"]}`; a column that is not named has only the empty text.',
    )
    delimiter: AnyText | None = Field(
        default=None,
        description="What stands between the columns of a CSV file: one sign, up to four, or "
        "`whitespace` for any number of blanks, or `framed` for a table with lines drawn around "
        "its cells. Left out: found out from the file.",
    )
    widths: list[Annotated[int, WholeNumber(1, 100_000)]] | None = Field(
        default=None,
        description="The widths of the columns in signs, of a file whose columns have fixed ones.",
    )
    quote: AnyText | None = Field(
        default=None,
        description="The sign around values with a delimiter in them; empty if there is none. Left "
        'out: `"`.',
    )
    escape: AnyText | None = Field(
        default=None,
        description="The sign before a quote within a value. Left out: quotes are doubled.",
    )
    skip_lines: Rows | None = Field(
        default=None,
        description="How many lines (rows of a sheet) stand above the header. Left out: found out.",
    )
    header: Boolean | None = Field(
        default=None,
        description="Whether there is a line with the columns' names; without one they are "
        "`names`, or column_1, column_2 and so on. Left out: there is.",
    )
    header_rows: Annotated[int, WholeNumber(1, 9)] | None = Field(
        default=None,
        description="How many lines the names of the columns stand in, one below the other.",
    )
    names: list[Text] | None = Field(
        default=None, description="The names of the columns, with `header: false`."
    )
    units_row: Boolean | None = Field(
        default=None,
        description="Whether the line below the header holds the columns' units, not data.",
    )
    kinds_row: Boolean | None = Field(
        default=None,
        description="Whether another line below the header is no data either: the kinds of values "
        "(Avg, Max), as loggers write them below the units.",
    )
    comment: AnyText | None = Field(
        default=None,
        description="What lines begin with that are comments, such as `#`; they are left out.",
    )
    footer_lines: Rows | None = Field(
        default=None,
        description="How many lines at the end are no data, such as a total; blank ones do not "
        "count. A line that looks like all others is not left out: the run fails.",
    )
    repeated_headers: Literal["keep", "skip"] | None = Field(
        default=None,
        description="Whether lines that repeat the header are rows. Left out: they are, and a run "
        "with a contract ends instead.",
    )
    short_rows: Literal["fail", "fill"] | None = Field(
        default=None,
        description="What to do with lines that have fewer values than the header has names: "
        "`fill` reads null for those that lack. Left out: fail.",
    )
    final_newline: Boolean | None = Field(
        default=None,
        description="Whether the last line of the file ends as the others do. Of one that does "
        "not, the run says that it may be cut off. Left out: it does.",
    )
    decimal: Literal[".", ","] | None = Field(
        default=None, description="The decimal mark of numbers in texts. Left out: found out."
    )
    thousands: Literal[",", ".", " ", "'", "_"] | None = Field(
        default=None,
        description="The mark between thousands of numbers in texts; a blank stands for "
        "no-break ones as well. Left out: found out.",
    )
    date_format: Annotated[Text, BeforeValidator(_date_format)] | None = Field(
        default=None,
        description="How dates are written in texts, such as %d.%m.%Y. Left out: found out.",
    )
    encoding: AnyText | None = Field(
        default=None,
        description="How the text of a CSV file is encoded, such as latin-1. Left out: UTF-8.",
    )
    sheet: AnyText | None = Field(
        default=None, description="The sheet of an Excel file, by name. Left out: the first."
    )
    data_path: Text | None = Field(
        default=None,
        description="Where a JSON file that is one object holds the list of rows: a dotted path.",
    )
    records: Literal["list", "map", "rows", "columns"] | None = Field(
        default=None,
        description="What the rows of a JSON file are: a `list` of objects; a `map`, an object "
        "with one record for each key, which is then the column `key`; `rows`, lists of values; or "
        "`columns`, an object with one list for each column. Left out: list.",
    )
    names_path: Text | None = Field(
        default=None,
        description="Where a JSON file with `records: rows` holds the names of the columns: a "
        "dotted path. Left out: they are the first list.",
    )
    union_by_name: Boolean | None = Field(
        default=None,
        description="Whether files with different columns are one table, with null where a file "
        "lacks one. Left out: only if the files are called alike but for numbers and months.",
    )

    @property
    def text_format(self) -> TextFormat:
        """How values are written in the texts of the files."""
        from dataflow.sources.text_format import text_format_of

        return text_format_of(self.null_values, self.decimal, self.thousands, self.date_format)

    @classmethod
    def faults_between(cls, values: Mapping[str, Any]) -> FaultsBetween:
        """Options that belong to another format."""
        form, delimiter = values.get("format"), values.get("delimiter")
        own = {
            **dict.fromkeys(_TEXT_ONLY, ("csv", "tsv")),
            **dict.fromkeys(_TABLES_ONLY, ("csv", "tsv", "excel")),
            "sheet": ("excel",),
            "data_path": ("json",),
            "records": ("json",),
            "names_path": ("json",),
        }
        for key, formats in own.items():
            if values.get(key) is not None and form not in (None, *formats):
                yield (key,), refusal(f"is of no use with `format: {form}`")
        if isinstance(delimiter, str) and delimiter not in (WHITESPACE, FRAMED):
            if not 0 < len(delimiter) <= _LONGEST_DELIMITER:
                yield (
                    ("delimiter",),
                    refusal("is not one character", "or up to four, or whitespace, or framed"),
                )
            elif "\n" in delimiter or "\r" in delimiter or delimiter == '"':
                yield ("delimiter",), refusal("cannot stand between columns")
        if delimiter is not None and values.get("widths") is not None:
            yield ("widths",), refusal("is of no use with `delimiter`")
        for key in ("quote", "escape"):
            if isinstance(sign := values.get(key), str) and len(sign) > 1:
                yield (key,), refusal("is not one character")
        if values.get("names_path") is not None and values.get("records") != "rows":
            yield ("names_path",), refusal("is of no use without `records: rows`")
        yield from _faults_of_header(values)


def _faults_of_header(values: Mapping[str, Any]) -> FaultsBetween:
    decimal, thousands = values.get("decimal"), values.get("thousands")
    if isinstance(decimal, str) and decimal == thousands:
        yield ("thousands",), refusal("is also the decimal mark")
    if values.get("comment") == "":
        yield ("comment",), refusal("is empty")
    names: Sequence[Any] | None = values.get("names")
    if names is not None and values.get("header") is not False:
        yield ("names",), refusal("is of no use without `header: false`")
    if values.get("header") is False:
        for key in ("header_rows", "units_row", "kinds_row", "repeated_headers"):
            if values.get(key):
                yield (key,), refusal("is of no use with `header: false`")
