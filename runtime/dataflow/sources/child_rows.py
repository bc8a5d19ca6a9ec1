"""Lists in the rows of a source as rows of their own."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.shared.contract import Column, Contract, written_type
from dataflow.shared.shown import quoted
from dataflow.shared.sql import quote_identifier, quote_literal, type_family
from dataflow.sources.documents import read_documents
from dataflow.sources.duckdb_session import open_engine
from dataflow.sources.errors import SourceDataError, SourceSettingError
from dataflow.sources.local_file import LocalFile
from dataflow.sources.read import hold_to_contract

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    import pyarrow as pa

    from dataflow.shared.named_source import ChildTable

POSITION = "list_position"
_MOST_NAMED = 20
_BATCH = 10_000


def child_rows(
    rows: Path, name: str, child: ChildTable, last_of: Sequence[str] = (), cursor: str = ""
) -> dict[str, Any]:
    """The items of a list that each row has, one row for each item.

    A row without the list, or with an empty one, gives none. An item that is no object is in the
    column ``value``.

    Args:
        rows: A Parquet file of the rows that have the list, nested or as JSON.
        name: What the table of the items is called.
        last_of: Of rows that are equal in these columns only the last one counts.
        cursor: Or rather that with the greatest value in this column, if it is named.

    Returns:
        ``data``, ``metadata`` and, if the contract put rows aside, ``rejected``, as `read_source`
        returns them.

    Raises:
        SourceSettingError: The rows have no such column, or two would have one name.
        SourceDataError: What a row has there is not a list, or the items are not as agreed.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if pq.read_metadata(rows).num_columns == 0:
        # An answer without rows names no columns, in which there could be lists.
        return {"data": pa.table({}), "metadata": {"record_count": 0}}
    with tempfile.TemporaryDirectory(prefix="dataflow-") as folder, open_engine() as connection:
        relation = f"read_parquet({quote_literal(rows)}, file_row_number = true)"
        described = connection.execute(f"DESCRIBE FROM {relation}").fetchall()
        kinds = {str(column): str(kind) for column, kind, *_ in described[:-1]}
        owners = _owners(child, kinds, name)
        _make_items(
            connection,
            relation,
            _list_of(child.path, kinds, name),
            owners,
            last_of,
            cursor if cursor in kinds else "",
        )
        _refuse_other_values(connection, name, child.path)
        keys = connection.sql("SELECT * EXCLUDE (item) FROM items").to_arrow_table()
        items, notes = _items(connection, Path(folder), name, child)
    table = _beside(keys, items, name)
    metadata: dict[str, Any] = {"record_count": table.num_rows}
    if notes:
        metadata["notes"] = notes
    if child.contract is None:
        return {"data": table, "metadata": metadata}
    agreed = {given: Column(type=written_type(kinds[own])) for given, own in owners.items()}
    agreed = {**agreed, POSITION: Column(type="bigint"), **child.columns}
    contract = replace(_contract(name, child), columns=agreed)
    conformed = hold_to_contract(table, contract)
    metadata |= {"record_count": conformed.table.num_rows, "contract": asdict(conformed.report)}
    if told := [*notes, *conformed.notes]:
        metadata["notes"] = told
    rejected = {} if conformed.rejected is None else {"rejected": conformed.rejected}
    return {"data": conformed.table, "metadata": metadata, **rejected}


def _contract(name: str, child: ChildTable) -> Contract:
    """What is agreed about the items, which says where it is written."""
    shown, place = f"The list {quoted(child.path)}", f"ingestion.child_tables.{name}"
    return Contract(child.columns, child.on_change, shown, place)


def _owners(child: ChildTable, kinds: dict[str, str], name: str) -> dict[str, str]:
    """The columns that tell which row an item belongs to, each with its name in the rows."""
    by_lower = {column.lower(): column for column in kinds}
    lacking = [own for own in child.parent.values() if own.lower() not in by_lower]
    if lacking:
        raise SourceSettingError(
            f"The rows have no column {quoted(lacking[0])}, by which {name} tells them apart; "
            f"they have: {_listed(kinds)}.",
            f"Correct `parent` of the child table `{name}` in config.yaml.",
        )
    return {given: by_lower[own.lower()] for given, own in child.parent.items()}


def _list_of(path: str, kinds: dict[str, str], name: str) -> str:
    """SQL of the list as JSON."""
    parts = path.split(".")
    for count in range(len(parts), 0, -1):
        column = ".".join(parts[:count])
        if column not in kinds:
            continue
        value = quote_identifier(column)
        if type_family(kinds[column]) == "nested":
            value = f"to_json({value})"
        else:
            text = f"CAST({value} AS VARCHAR)"
            value = (
                f"CAST(CASE WHEN json_valid({text}) THEN {text} ELSE to_json({text}) END AS JSON)"
            )
        inner = "".join(f".{json.dumps(part, ensure_ascii=False)}" for part in parts[count:])
        return f"json_extract({value}, {quote_literal('$' + inner)})" if inner else value
    raise SourceSettingError(
        f"The rows have no column {quoted(path)}, of which {name} is made; "
        f"they have: {_listed(kinds)}.",
        f"Correct `path` of the child table `{name}` in config.yaml.",
    )


def _make_items(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    found: str,
    owners: dict[str, str],
    last_of: Sequence[str],
    cursor: str,
) -> None:
    """Make the tables ``lists`` and ``items``, in the order of rows and lists."""
    kept = ""
    if last_of:
        keys = ", ".join(map(quote_identifier, last_of))
        newest = f"{quote_identifier(cursor)} DESC NULLS LAST, " if cursor else ""
        order = f"{newest}file_row_number DESC"
        kept = f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {order}) = 1"
    columns = ", ".join(f"{quote_identifier(own)} AS o{n}" for n, own in enumerate(owners.values()))
    connection.execute(
        f"CREATE TEMP TABLE lists AS SELECT file_row_number AS n, {columns}, {found} AS list "  # noqa: S608
        f"FROM {relation} {kept}"
    )
    given = ", ".join(f"o{n} AS {quote_identifier(name)}" for n, name in enumerate(owners))
    connection.execute(
        f"CREATE TEMP TABLE items AS SELECT {given}, place AS {POSITION}, item FROM ("  # noqa: S608
        "SELECT * EXCLUDE (list), unnest(CAST(list AS JSON[])) AS item, "
        "generate_subscripts(CAST(list AS JSON[]), 1) AS place "
        "FROM lists WHERE json_type(list) = 'ARRAY') ORDER BY n, place"
    )


def _refuse_other_values(connection: duckdb.DuckDBPyConnection, name: str, path: str) -> None:
    other = connection.execute(
        "SELECT n + 1, CAST(list AS VARCHAR) FROM lists "
        "WHERE coalesce(json_type(list), 'NULL') NOT IN ('NULL', 'ARRAY') ORDER BY n LIMIT 1"
    ).fetchone()
    if other is not None:
        raise SourceDataError(
            f"Row {other[0]:,} has no list at {quoted(path)}, of which {name} is made, but "
            f"{quoted(other[1])}.",
            f"Correct `path` of the child table `{name}`, or the rows in ingestion.py. In pytest "
            "they are those of the sample in tests/data; take a new one: `dataflow workflow test "
            "NAME --update-sample`.",
        )


def _items(
    connection: duckdb.DuckDBPyConnection, folder: Path, name: str, child: ChildTable
) -> tuple[pa.Table | None, list[str]]:
    """The columns of the items, with types; None if there is no item."""
    path = folder / f"{name}.jsonl"
    asked = connection.execute(
        "SELECT CASE WHEN json_type(item) = 'OBJECT' THEN CAST(item AS VARCHAR) "
        "ELSE CAST(json_object('value', item) AS VARCHAR) END FROM items"
    )
    count = 0
    with path.open("w", encoding="utf-8") as file:
        while batch := asked.fetchmany(_BATCH):
            count += len(batch)
            # Between the parts of a document a line end is a blank like others.
            file.writelines(text.replace("\r", " ").replace("\n", " ") + "\n" for (text,) in batch)
    if not count:
        return None, []
    shown = LocalFile(path, f"The list {child.path}", "jsonl")
    contract = _contract(name, child) if child.columns else None
    typed = read_documents([shown], lines=True, contract=contract)
    return typed.table, typed.notes


def _beside(keys: pa.Table, items: pa.Table | None, name: str) -> pa.Table:
    if items is None:
        return keys
    if items.num_rows != keys.num_rows:
        raise SourceDataError(
            f"The items of {name} cannot be told apart: {items.num_rows:,} of {keys.num_rows:,}.",
            "Make the table in ingestion.py instead.",
        )
    taken = {column.lower() for column in keys.column_names}
    for column in items.column_names:
        if column.lower() in taken:
            raise SourceSettingError(
                f"The items of {name} have a column {quoted(column)} of their own.",
                f"Choose another name under `parent` of the child table `{name}` in config.yaml."
                if column.lower() != POSITION
                else "Rename it in ingestion.py: each item's place in its list is called so.",
            )
        keys = keys.append_column(column, items[column])
    return keys


def _listed(kinds: dict[str, str]) -> str:
    names = list(kinds)
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(quoted(name) for name in names[:_MOST_NAMED]) + more
