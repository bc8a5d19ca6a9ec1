"""How a workflow is partitioned: `workflow.partition` of config.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field

from dataflow.shared.config_types import FaultsBetween, Section, Text, TimeZone, refusal

Unit = Literal["hour", "day", "week", "month"]
_MOST_VALUES = 10_000


def _unit_or_values(value: Any) -> Any:
    units = get_args(Unit)
    if isinstance(value, list):
        wrong = [each for each in value if not isinstance(each, str) or not each.strip()]
        if not value or wrong or len(value) > _MOST_VALUES:
            raise refusal("is no list of texts", "such as [eu, us]", "put numbers in quotes")
        if len(set(value)) < len(value):
            raise refusal("names a value twice")
        return value
    if value not in units:
        raise refusal("is no partitioning", f"{', '.join(units)}, or a list of a column's values")
    return value


def _moment(value: Any) -> str:
    """A day or a time as ISO 8601 text, without a zone: it is in the partitions' own."""
    text = value.isoformat() if isinstance(value, date) else value
    try:
        parsed = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        parsed = None
    if parsed is None or parsed.tzinfo is not None:
        raise refusal("is no day or time", "such as 2024-01-31 or 2024-01-31T06:00")
    return parsed.isoformat(timespec="minutes")


class Partition(Section):
    """Into which parts the data is cut that are each fetched and loaded for themselves."""

    by: Annotated[
        Unit | list[Text],
        BeforeValidator(_unit_or_values, json_schema_input_type=Unit | list[Text]),
    ] = Field(
        description="A partition for each `hour`, `day`, `week` (from Monday on) or `month`, or "
        "for each value of a column, listed here."
    )
    start: Annotated[str, BeforeValidator(_moment, json_schema_input_type=str)] = Field(
        default="", description="When the first partition begins, such as `2024-01-01`."
    )
    timezone: TimeZone | None = Field(
        default=None,
        description="The time zone in which days and hours begin. Left out: that of the workflow.",
    )
    column: Text | None = Field(
        default=None,
        description="The column that tells to which partition a row belongs: rows of others are "
        "left out. Left out: `ingestion.py` asks the source for no others, by "
        "`params['interval']` or `params['partition']`.",
    )

    @classmethod
    def faults_between(cls, values: Mapping[str, Any]) -> FaultsBetween:
        """Time begins somewhere, and values do not."""
        is_listed = isinstance(values.get("by"), list)
        if is_listed and values.get("start"):
            yield ("start",), refusal("is for partitions by time", hint="leave it out")
        elif not is_listed and "by" in values and not values.get("start"):
            yield ("start",), refusal("is missing", hint="say when the first partition begins")
