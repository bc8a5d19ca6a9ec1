"""Reading the source that a workflow's config.yaml names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dataflow.shared.finding import shown_value
from dataflow.shared.tables import row_count, to_arrow
from dataflow.shared.wide_decimals import narrowed, wide_columns
from dataflow.sources.errors import SourceSettingError, SourceTooLargeError
from dataflow.sources.kind import Extracted, ReadRequest, kind_names, shown_location, source_kind
from dataflow.sources.validation import checked_parameters, checked_settings, plain_values

if TYPE_CHECKING:
    from dataflow.shared.config_model import Parameters
    from dataflow.shared.config_types import Section
    from dataflow.shared.tables import Rows

# Reads a source of a type that a workflow has made up for itself: `ingestion.source` and
# `ingestion.parameters` go in, as plain values.
OwnReader = Callable[[dict[str, Any], dict[str, Any]], "Extracted | Rows"]


def read_source(
    source: Mapping[str, Any] | Section,
    parameters: Mapping[str, Any] | Parameters,
    last_value: Any = None,
    own_readers: Mapping[str, OwnReader] | None = None,
) -> dict[str, Any]:
    """Read a source whole, or, if it is incremental, what is new since ``last_value``.

    Args:
        source: ``ingestion.source`` of config.yaml; ``type`` is the name of an installed kind of
            source (file, api and database are built in), or one of ``own_readers``.
        parameters: ``ingestion.parameters``: batch_size, max_retries, timeout_seconds. A
            ``last_value`` in it stands for the argument, as the job hands it to ``extract_data``;
            ``since`` and ``until`` ask an incremental source for the rows between them.
        last_value: How far an incremental source was read before.
        own_readers: What reads the types that no installed kind has, by type.

    Returns:
        ``data``, which is an Arrow table where the kind is a built-in one, and ``metadata``:
        ``source`` (the location, without secrets), ``record_count``, ``timestamp`` (UTC, ISO 8601),
        ``notes`` (what a person should know about how the data was read, if anything), and for an
        incremental source ``last_value``, and ``span`` if rows of earlier runs came again.

    What comes is kept on disk as it comes, and then has to fit into memory as a table.

    Raises:
        SourceTooLargeError: It does not.
        SourceError: The source is out of reach, or its data is not what it should be.
        SourceSettingError: A setting says something that cannot be done.
        PluginError: The kind comes from a distribution that cannot be used.

    >>> result = read_source({"type": "file", "url": "data/in/sales.csv"}, {})
    >>> result["data"].to_pylist(), result["metadata"]["record_count"]
    ([{'id': 1, 'amount': 2.5}], 1)
    """
    given = plain_values(parameters)
    last_value = given.get("last_value") if last_value is None else last_value
    since, until = given.get("since"), given.get("until")
    request = ReadRequest(checked_parameters(parameters), last_value, since=since, until=until)
    started = datetime.now(UTC)
    try:
        extracted = _read(source, request, {**given, "last_value": last_value}, own_readers or {})
    except Exception as error:
        # DuckDB's exception is known by its name, so that nobody has to load DuckDB for it.
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException":
            raise SourceTooLargeError(
                f"What {_location(source)} gave does not fit into memory.",
                "Fetch less at a time (`ingestion.source.incremental`, a narrower query, several "
                "files), or give the machine more memory.",
            ) from error
        raise
    metadata: dict[str, Any] = {
        "source": extracted.location,
        "record_count": row_count(extracted.data),
        "timestamp": started.isoformat(),
    }
    if extracted.notes:
        metadata["notes"] = extracted.notes
    if extracted.last_value is not None:
        metadata["last_value"] = extracted.last_value
    if extracted.span is not None:
        metadata["span"] = extracted.span
    return {"data": extracted.data, "metadata": metadata}


def _read(
    source: Mapping[str, Any] | Section,
    request: ReadRequest,
    parameters: dict[str, Any],
    own_readers: Mapping[str, OwnReader],
) -> Extracted:
    values, known = plain_values(source), kind_names()
    name = str(values.get("type"))
    bounded = request.since is not None or request.until is not None
    if name in known and bounded and not values.get("incremental"):
        raise SourceSettingError(
            "`--since` and `--until` are for sources that are read incrementally.",
            "Name the column or field to go by in `ingestion.source.incremental`.",
        )
    if name in known:
        kind = source_kind(name)
        return _countable(kind.read(checked_settings(kind.settings, source), request))
    if name in own_readers:
        data = own_readers[name](values, parameters)
        extracted = data if isinstance(data, Extracted) else Extracted(data, _location(source))
        return _countable(extracted)
    raise SourceSettingError(
        f"There is no source type {shown_value(values.get('type'))}.",
        f"Set `ingestion.source.type` to one of: {', '.join([*known, *own_readers])}.",
    )


def _countable(extracted: Extracted) -> Extracted:
    """With a table in place of a stream, which only reading can count, and no number too long."""
    import pyarrow as pa

    counted = hasattr(extracted.data, "__len__") or hasattr(extracted.data, "num_rows")
    if not counted:
        extracted = replace(extracted, data=to_arrow(extracted.data))
    if not isinstance(extracted.data, pa.Table) or not wide_columns(extracted.data.schema):
        return extracted
    notes = list(extracted.notes)
    return replace(extracted, data=narrowed(extracted.data, notes), notes=notes)


def _location(source: Mapping[str, Any] | Section) -> str:
    values = plain_values(source)
    return shown_location(str(values.get("url") or values.get("type")), values.get("table"))
