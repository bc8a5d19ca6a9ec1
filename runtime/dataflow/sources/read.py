"""Reading the source that a workflow's config.yaml names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dataflow.shared.redaction import redact
from dataflow.shared.shown import quoted
from dataflow.sources.errors import SourceSettingError, SourceTooLargeError

if TYPE_CHECKING:
    from dataflow.sources.inference import TypedTable


def read_source(
    source: dict[str, Any], parameters: dict[str, Any], last_value: Any = None
) -> dict[str, Any]:
    """Read a source whole, or, if it is incremental, what is new since ``last_value``.

    Args:
        source: ``ingestion.source`` of config.yaml; ``type`` is file, api or database.
        parameters: ``ingestion.parameters``: batch_size, max_retries, timeout_seconds. A
            ``last_value`` in it stands for the argument, as the job hands it to ``extract_data``.
        last_value: How far an incremental source was read before.

    Returns:
        ``data``, an Arrow table, and ``metadata``: ``source`` (the location, without secrets),
        ``record_count``, ``timestamp`` (UTC, ISO 8601), ``notes`` (what a person should know
        about how the data was read, if anything), and for an incremental source ``last_value``.

    What comes is kept on disk as it comes, and then has to fit into memory as a table.

    Raises:
        SourceTooLargeError: It does not.
        SourceError: The source is out of reach, or its data is not what it should be.
        SourceSettingError: A setting says something that cannot be done.

    >>> result = read_source({"type": "file", "url": "data/in/sales.csv"}, {})
    >>> result["data"].to_pylist(), result["metadata"]["record_count"]
    ([{'id': 1, 'amount': 2.5}], 1)
    """
    if last_value is None:
        last_value = parameters.get("last_value")
    started = datetime.now(UTC)
    metadata: dict[str, Any] = {"source": _location(source)}
    try:
        typed, reached = _read(source, parameters, last_value)
    except Exception as error:
        # DuckDB's exception is known by its name, so that nobody has to load DuckDB for it.
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException":
            raise SourceTooLargeError(
                f"What {metadata['source']} gave does not fit into memory.",
                "Fetch less at a time (`ingestion.source.incremental`, a narrower query, several "
                "files), or give the machine more memory.",
            ) from error
        raise
    metadata |= {"record_count": typed.table.num_rows, "timestamp": started.isoformat()}
    if typed.notes:
        metadata["notes"] = typed.notes
    if reached is not None:
        metadata["last_value"] = reached
    return {"data": typed.table, "metadata": metadata}


def _read(
    source: dict[str, Any], parameters: dict[str, Any], last_value: Any
) -> tuple[TypedTable, Any]:
    """The table, and how far an incremental source was read."""
    kind = source.get("type")
    if kind == "file":
        from dataflow.sources.file.reader import read_file

        return read_file(source, parameters), None
    if kind == "api":
        from dataflow.sources.api.reader import read_api

        api = read_api(source, parameters, last_value)
        return api.typed, api.last_value
    if kind == "database":
        from dataflow.sources.database.reader import read_database

        database = read_database(source, parameters, last_value)
        return database.typed, database.last_value
    raise SourceSettingError(
        f"There is no source type {quoted(kind)}.",
        "Set `ingestion.source.type` to file, api or database.",
    )


def _location(source: dict[str, Any]) -> str:
    """Where the data is from, as a person may read it: no user, password or query."""
    location = str(source.get("url", "")).split("?", 1)[0]
    if source.get("table"):
        location += f" ({source['table']})"
    return redact(location)
