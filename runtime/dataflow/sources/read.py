"""Reading the source that a workflow's config.yaml names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dataflow.shared.config import held_contract
from dataflow.shared.finding import shown_value
from dataflow.shared.suggestion import as_sentence, did_you_mean
from dataflow.shared.tables import countable, row_count, to_arrow
from dataflow.shared.wide_decimals import narrowed
from dataflow.sources.contract_check import conform
from dataflow.sources.duckdb_session import open_engine
from dataflow.sources.errors import SourceSettingError, SourceTooLargeError, told_of
from dataflow.sources.kind import Extracted, ReadRequest, kind_names, shown_location, source_kind
from dataflow.sources.validation import (
    checked_contract,
    checked_parameters,
    checked_settings,
    plain_values,
)

if TYPE_CHECKING:
    from dataflow.shared.config_model import Parameters
    from dataflow.shared.config_types import Section
    from dataflow.shared.contract import Contract
    from dataflow.shared.tables import Rows
    from dataflow.sources.contract_check import Conformed

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
        source: ``ingestion`` of config.yaml, or ``ingestion.source`` alone. The source's ``type``
            is the name of an installed kind (file, api and database are built in), or one of
            ``own_readers``. The rows are held to the contract, ``ingestion.columns``; of a source
            alone that a running workflow's config.yaml names, it is known. Where ``ingestion`` has
            several ``sources``, ``parameters["source"]`` names one of them.
        parameters: What takes the place of single entries of ``ingestion.parameters``, or, with a
            source alone, all of them: batch_size, max_retries, timeout_seconds. A ``last_value``
            in it stands for the argument, as the job hands it to ``extract_data``;
            ``since`` and ``until`` ask an incremental source for the rows between them.
        last_value: How far an incremental source was read before.
        own_readers: What reads the types that no installed kind has, by type.

    Returns:
        ``data``, which are `LazyRows` where the kind is a built-in one, and ``metadata``:
        ``source`` (the location, without secrets), ``record_count``, ``timestamp`` (UTC, ISO 8601),
        ``notes`` (what a person should know about how the data was read, if anything), for an
        incremental source ``last_value``, and ``span`` if rows of earlier runs came again, for one
        of several sources ``table`` (where its rows are loaded), and with a contract ``contract``
        (``new_columns``, ``lost_columns``, ``changed_columns``, ``rejected_rows`` and
        ``nulled_values``). Rows that the contract puts aside are under ``rejected``.

    In a run the rows of text and Parquet files with a contract go to the disk as they are read;
    others, and those that are read outside of a run, have to fit into memory as a table.

    Raises:
        SourceTooLargeError: It does not.
        SourceError: The source is out of reach, or its data is not what it should be: not as
            the contract says, for one.
        SourceSettingError: A setting says something that cannot be done.
        PluginError: The kind comes from a distribution that cannot be used.

    >>> result = read_source({"type": "file", "url": "data/in/sales.csv"}, {})
    >>> result["data"].to_pylist(), result["metadata"]["record_count"]
    ([{'id': 1, 'amount': 2.5}], 1)
    """
    name, within = _named(source, parameters)
    if not name:
        return _result(source, parameters, last_value, own_readers or {})
    with told_of(name):
        place = f"ingestion.sources.{name}"
        result = _result(within, parameters, last_value, own_readers or {}, place)
    result["metadata"]["table"] = (within.get("load") or {}).get("table") or name
    return result


def _named(
    ingestion: Mapping[str, Any] | Section, parameters: Mapping[str, Any] | Parameters
) -> tuple[str, Mapping[str, Any]]:
    """Which of several sources is meant, and what ``ingestion`` would be if there were no other."""
    values = plain_values(ingestion)
    sources = values.get("sources")
    if not isinstance(sources, Mapping) or not sources or "type" in values:
        return "", {}
    name = plain_values(parameters).get("source")
    if name not in sources:
        known = ", ".join(map(str, sources))
        meant = (
            f"{as_sentence(did_you_mean(name, list(sources)))} " if isinstance(name, str) else ""
        )
        said = "" if name is None else f", and none is called {shown_value(name)}"
        raise SourceSettingError(
            f"`ingestion.sources` has several sources{said}: {known}.",
            f'{meant}Say which one to read: `extract_data({{"source": "{next(iter(sources))}"}})`, '
            'and hand it on: `read_source(load_config(...)["ingestion"], params)`.',
        )
    return str(name), {**plain_values(sources[name]), "parameters": values.get("parameters") or {}}


def _result(
    source: Mapping[str, Any] | Section,
    parameters: Mapping[str, Any] | Parameters,
    last_value: Any,
    own_readers: Mapping[str, OwnReader],
    place: str = "ingestion",
) -> dict[str, Any]:
    """What `read_source` returns of one source, whose settings stand at ``place``."""
    source, given, contract = _parts(source, parameters, place)
    last_value = given.get("last_value") if last_value is None else last_value
    request = ReadRequest(
        checked_parameters(given),
        last_value,
        since=given.get("since"),
        until=given.get("until"),
        contract=contract,
    )
    started = datetime.now(UTC)
    try:
        extracted = _read(source, request, {**given, "last_value": last_value}, own_readers)
        extracted = _with_narrow_decimals(extracted)
        extracted = replace(extracted, data=countable(extracted.data))
        conformed = _conformed(extracted, contract)
    except Exception as error:
        # DuckDB's exception is known by its name, so that nobody has to load DuckDB for it.
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException":
            raise SourceTooLargeError(
                f"What {_location(source)} gave does not fit into memory.",
                "Fetch less at a time (`ingestion.source.incremental`, a narrower query, several "
                "files), or give the machine more memory.",
            ) from error
        raise
    data, notes = extracted.data, extracted.notes
    if conformed is not None:
        data = countable(conformed.table)
        notes = notes if conformed is extracted.conformed else [*notes, *conformed.notes]
    metadata: dict[str, Any] = {
        "source": extracted.location,
        "record_count": row_count(data),
        "timestamp": started.isoformat(),
    }
    if notes:
        metadata["notes"] = notes
    if extracted.last_value is not None:
        metadata["last_value"] = extracted.last_value
    if extracted.span is not None:
        metadata["span"] = extracted.span
    if conformed is None:
        return {"data": data, "metadata": metadata}
    metadata["contract"] = asdict(conformed.report)
    rejected = {} if conformed.rejected is None else {"rejected": conformed.rejected}
    return {"data": data, "metadata": metadata, **rejected}


def hold_to_contract(
    data: Rows, contract: Contract, *, declared: bool = False, has_header: bool = False
) -> Conformed:
    """Hold rows to a contract that were not read by it: those of an author's own code.

    Args:
        declared: Whether the types that they have are declared by their source.
        has_header: Whether all columns are there, also where no row is.

    Raises:
        SourceDataError: They are not as it says.
        TableError: They cannot be made a table.
    """
    table = to_arrow(data)
    names = table.column_names
    if table.num_rows == 0 and not (has_header and names):
        # No rows have no columns to lose.
        columns = {
            name: column.model_copy(update={"optional": True})
            for name, column in contract.columns.items()
        }
        contract = replace(contract, columns=columns)
    with open_engine() as connection:
        if not names:
            # An API without new rows names no columns.
            return conform(connection, "(SELECT 1 AS none WHERE false)", [], contract)
        connection.register("rows_read", table.rename_columns([f"c{i}" for i in range(len(names))]))
        return conform(connection, "rows_read", names, contract, declared=declared)


def _parts(
    source: Mapping[str, Any] | Section, parameters: Mapping[str, Any] | Parameters, place: str
) -> tuple[Mapping[str, Any] | Section, dict[str, Any], Contract | None]:
    """The source, the parameters to read it with and the contract it is held to."""
    given = plain_values(parameters)
    values = plain_values(source)
    if isinstance(values.get("source"), Mapping) and "type" not in values:
        own = values.get("parameters") or {}
        columns, changes = values.get("columns") or {}, values.get("on_change") or {}
        within = values["source"]
        shown = _location(within)
        contract = checked_contract(columns, changes, shown, place) if columns else None
        return within, {**own, **given}, contract
    agreed = held_contract(values)
    return source, given, replace(agreed, shown=_location(source)) if agreed else None


def _conformed(extracted: Extracted, contract: Contract | None) -> Conformed | None:
    """The rows as the contract has them, if there is one."""
    if contract is None or extracted.conformed is not None:
        return extracted.conformed
    return hold_to_contract(extracted.data, contract, declared=extracted.declared, has_header=True)


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
        return kind.read(checked_settings(kind.settings, source), request)
    if name in own_readers:
        data = own_readers[name](values, parameters)
        return data if isinstance(data, Extracted) else Extracted(data, _location(source))
    raise SourceSettingError(
        f"There is no source type {shown_value(values.get('type'))}.",
        f"Set `ingestion.source.type` to one of: {', '.join([*known, *own_readers])}.",
    )


def _with_narrow_decimals(extracted: Extracted) -> Extracted:
    """With no number that is too long for the warehouse, and a note where one is text for it."""
    import pyarrow as pa

    if not isinstance(extracted.data, pa.Table):
        return extracted
    notes = list(extracted.notes)
    return replace(extracted, data=narrowed(extracted.data, notes), notes=notes)


def _location(source: Mapping[str, Any] | Section) -> str:
    values = plain_values(source)
    return shown_location(str(values.get("url") or values.get("type")), values.get("table"))
