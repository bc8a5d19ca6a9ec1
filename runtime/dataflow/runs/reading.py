"""Which part of its source a run reads, where that is not what is new since the last one.

It travels as tags of the run, so that a run on the service, and one that takes up a failed one,
reads the same part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.shared.errors import BadInputError, DataflowError
from dataflow.shared.shown import quoted
from dataflow.sources.row_identity import moment_of
from dataflow.sources.window import typed_value
from dataflow.warehouse.kind import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.shared.named_source import SourceTable
    from dataflow.shared.project import Project

_FULL_REFRESH_TAG = "dataflow/full_refresh"
_SINCE_TAG = "dataflow/since"
_UNTIL_TAG = "dataflow/until"
# Kinds of sources with the key `incremental`, of which this library knows what it means.
_NAMES_ITS_CURSOR = ("api", "database")


@dataclass(frozen=True)
class Reading:
    """What was asked for when the run was started.

    Args:
        full_refresh: Read everything, and put it in the place of the table's rows.
        since: Read from this value of the cursor on, as it was typed; empty for what is new.
        until: Read up to this value, this one excluded; empty for all.

    Raises:
        BadInputError: They do not go together.
    """

    full_refresh: bool = False
    since: str = ""
    until: str = ""

    def __post_init__(self) -> None:
        if self.full_refresh and (self.since or self.until):
            raise BadInputError(
                "A full refresh reads all there is, and `since` and `until` a part of it.",
                "Leave out one of the two.",
            )

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> Reading:
        """What the tags of a run say."""
        refresh = tags.get(_FULL_REFRESH_TAG) == "true"
        return cls(refresh, tags.get(_SINCE_TAG, ""), tags.get(_UNTIL_TAG, ""))

    def as_tags(self) -> dict[str, str]:
        """The tags of a run that reads so."""
        tags = {_FULL_REFRESH_TAG: "true"} if self.full_refresh else {}
        given = {_SINCE_TAG: self.since, _UNTIL_TAG: self.until}
        return {**tags, **{tag: value for tag, value in given.items() if value}}

    def parameters(self, table: SourceTable) -> dict[str, Any]:
        """What `extract_data` is told of it.

        Raises:
            BadInputError: A part would take the place of the whole table.
        """
        given = {"since": self.since, "until": self.until}
        told = {name: typed_value(value) for name, value in given.items() if value}
        if told and table.load.write_disposition == "replace":
            raise BadInputError(
                "`since` and `until` read a part of the source, which `replace` would put in the "
                "place of the whole table.",
                "Set `load.write_disposition` to append or merge, or leave them out.",
            )
        return told

    def span(self, table: SourceTable, metadata: Mapping[str, Any]) -> Span | None:
        """Which rows come again that a table has; the source says so, or ``since`` does.

        Raises:
            BadInputError: Which they are cannot be told, and an ``append`` would add them twice.
        """
        told = metadata.get("span")
        if told:
            column = _renamed(table, str(told["column"]))
            return Span(column, told["since"], told.get("until"))
        if not self.since or table.load.write_disposition != "append":
            return None
        column = cursor_column(table)
        if not column:
            raise BadInputError(
                "With `since`, rows come again that an `append` would add twice, and the column "
                "that tells which is not named.",
                _how_to_tell(str(getattr(table.source, "type", ""))),
            )
        return Span(
            column, typed_value(self.since), typed_value(self.until) if self.until else None
        )


def check_reading(project: Project, workflow_id: str, reading: Reading) -> None:
    """Refuse what the configuration shows not to go, before a run is asked for.

    Of a workflow whose configuration cannot be read the launch says more.

    Raises:
        BadInputError: A part is asked for of a table that is replaced, or by a value that is none
            of the cursor's.
    """
    if not (reading.since or reading.until):
        return
    from dataflow.shared.config import workflow_config

    try:
        tables = workflow_config(workflow_id, project).tables
    except DataflowError:
        return
    for table in tables:
        reading.parameters(table)
        for name, value in (("since", reading.since), ("until", reading.until)):
            if value:
                check_bound(table, f"`{name}`", value, None)


def _how_to_tell(kind: str) -> str:
    """Who can say by which column a source of this kind is read."""
    if kind in _NAMES_ITS_CURSOR:
        return (
            "Name it in `ingestion.source.incremental`, or set `load.write_disposition` to merge."
        )
    return (
        f"Only the reader of {quoted(kind)} can tell: by `Extracted.span`, or a key `incremental` "
        "with a `column` (docs/plugins/sources.md). Or read everything again with "
        "`--full-refresh`, or set `load.write_disposition` to merge."
    )


def check_bound(table: SourceTable, name: str, value: str, last_value: Any) -> None:
    """Refuse a value that is no date or time where the cursor is one.

    It would be compared as text, and a month that there is not lies before or after all others.

    Args:
        name: What the value is called where it was typed.
        last_value: How far the source has been read.

    Raises:
        BadInputError: It is none.
    """
    columns = table.contract.columns if table.contract else {}
    column = columns.get(cursor_column(table))
    reached = last_value.get("value") if isinstance(last_value, dict) else last_value
    if column is not None and column.format is not None:
        return
    agreed = column.database_type if column is not None else ""
    is_time = agreed == "DATE" or agreed.startswith("TIMESTAMP")
    if column is None or agreed == "VARCHAR":
        is_time = moment_of(reached) is not None
    if is_time and moment_of(value) is None:
        raise BadInputError(
            f"{name} is {quoted(value)}, which is no date and no time, and "
            f"{quoted(cursor_column(table))}, by which the source is read, is one.",
            "Write it as 2024-01-31 or 2024-01-31T12:00:00Z.",
        )


def cursor_column(table: SourceTable) -> str:
    """The column of the rows whose greatest value says how far their source was read; or none."""
    incremental = getattr(table.source, "incremental", None)
    for key in ("column", "cursor_field"):
        named = incremental.get(key) if isinstance(incremental, dict) else None
        named = named or getattr(incremental, key, None)
        if named:
            return _renamed(table, str(named))
    return ""


def _renamed(table: SourceTable, name: str) -> str:
    """What the contract calls a column of the source."""
    columns = table.contract.columns if table.contract else {}
    called = (own for own, column in columns.items() if (column.source or own) == name)
    return next(called, name)
