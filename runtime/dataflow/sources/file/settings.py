"""What config.yaml may say of a source of type file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from dataflow.shared.config_types import (
    AnyText,
    FaultsBetween,
    Section,
    Text,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def _location(value: Any) -> Any:
    scheme = _SCHEME.match(value) if isinstance(value, str) else None
    if scheme and scheme[1].lower() not in ("file", "http", "https", "s3"):
        raise refusal("begins with an unknown scheme", "a path, http://, https://, s3://")
    return value


class FileSource(Section):
    """Rows from a file, or from all files that a pattern matches."""

    type: Literal["file"] = Field(description="Rows from files.")
    url: Annotated[Text, BeforeValidator(_location)] = Field(
        description="The file: a path relative to the project's folder, an absolute path, a "
        "pattern such as `data/*.csv`, or an address that begins with http://, https:// or s3://."
    )
    format: Literal["csv", "tsv", "json", "jsonl", "geojson", "parquet", "excel"] | None = Field(
        default=None, description="What the file holds. Left out: its suffix says it."
    )
    null_values: list[AnyText] = Field(
        default_factory=lambda: [""], description="The texts in a CSV file that mean no value."
    )
    delimiter: AnyText | None = Field(
        default=None,
        description="The character between the columns of a CSV file. Left out: by format.",
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

    @classmethod
    def faults_between(cls, values: Mapping[str, Any]) -> FaultsBetween:
        """Options that belong to another format."""
        form, delimiter = values.get("format"), values.get("delimiter")
        if delimiter is not None and form not in (None, "csv", "tsv"):
            yield ("delimiter",), refusal(f"is of no use with `format: {form}`")
        if isinstance(delimiter, str) and len(delimiter) != 1:
            yield ("delimiter",), refusal("is not one character")
        if values.get("sheet") is not None and form not in (None, "excel"):
            yield ("sheet",), refusal(f"is of no use with `format: {form}`")
        if values.get("data_path") is not None and form not in (None, "json"):
            yield ("data_path",), refusal(f"is of no use with `format: {form}`")
